"""Breaks the code on purpose, one small change at a time, and sees that the named tests notice."""
