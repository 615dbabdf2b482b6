"""Readers of curves that were made elsewhere: files and folders in, a `CurveSet` and what was derived out."""
