"""Dips of curves: falls, their depth, recovery and class, and how deep a fall chance alone makes."""
