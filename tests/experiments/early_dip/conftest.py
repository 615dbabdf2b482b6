"""Fixtures shared with the analysis."""

from tests.analysis.conftest import simulate

__all__ = ["simulate"]
