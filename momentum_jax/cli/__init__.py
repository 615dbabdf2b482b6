"""Everything that reads a command line: `launch.py`, the report, a study's page, looking at bars, batch files."""
