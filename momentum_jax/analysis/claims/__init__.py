"""Judging declared claims."""
