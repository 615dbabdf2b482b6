"""The simulated run directory of the analysis tests."""

from tests.analysis.conftest import simulate as simulate
