"""The report of one or several runs: document, page, tables, live."""
