"""The version of this program, written with every run."""

__version__ = "0.1.0"
