"""The daily VIX: its file, and which close a bar sees."""
