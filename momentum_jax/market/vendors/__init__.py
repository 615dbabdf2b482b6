"""Bars from data vendors: a module for each vendor, and the cache that they share."""
