"""Curves derived from recorded variables."""
