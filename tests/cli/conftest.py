"""The simulated run directory of the analysis tests, and their reports of one figure."""

from tests.analysis.conftest import one_figure as one_figure
from tests.analysis.conftest import simulate as simulate
