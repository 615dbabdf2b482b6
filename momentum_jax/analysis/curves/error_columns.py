"""What columns of standard errors are called, in tables from files and in data frames alike."""

from __future__ import annotations

ERRORS = ("se", "stderr", "sem", "standard_error", "standard_errors")


def error_columns(value: str) -> list[str]:
    """Names, in lower case, of the standard errors of a column of values: ``value_se`` and the like."""
    return [f"{value}_{name}".lower() for name in ERRORS]
