"""Whether a number over seeds comes in two groups: Silverman's test of how many modes its distribution has.

B. W. Silverman (1981), Using Kernel Density Estimates to Investigate Multimodality, J. R. Statist. Soc. B 43, 97-99.
The test is known to be conservative.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_GRID = 256
_HALVINGS = 24
_MARGIN = 3.0  # bandwidths beyond the smallest and the largest value


class ModeTest(NamedTuple):
    """A test against one mode; NaN where the values are constant or fewer than five."""

    seeds: int
    bandwidth: float  # the smallest with which the density has one mode, in the values' unit
    p_value: float


def one_mode(values: npt.ArrayLike, draws: int = 500, seed: int = 0) -> ModeTest:
    """Tests one mode against more.

    Args:
        values: ``[seed]``, NaN is left out.
        draws: samples drawn from the density with one mode that is closest to the data.
        seed: of the test's own random stream.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 5 or np.ptp(known) == 0:
        return ModeTest(len(known), np.nan, np.nan)
    bandwidth = critical_bandwidth(known)
    rng = np.random.default_rng(seed)
    # Smoothed draws, shrunk so that they keep the data's variance.
    shrunk = 1 / np.sqrt(1 + bandwidth**2 / known.var())
    more = 0
    for _ in range(draws):
        drawn = rng.choice(known, len(known)) + bandwidth * rng.standard_normal(len(known))
        more += num_modes(known.mean() + shrunk * (drawn - known.mean()), bandwidth) > 1
    return ModeTest(len(known), bandwidth, (1 + more) / (1 + draws))


def critical_bandwidth(values: Floats) -> float:
    """The smallest bandwidth of a Gaussian kernel with which the density has one mode, by bisection."""
    low, high = 0.0, float(np.ptp(values))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if num_modes(values, middle) == 1 else (middle, high)
    return high


def num_modes(values: Floats, bandwidth: float) -> int:
    """How many maxima the density of the values has with a Gaussian kernel."""
    ends = values.min() - _MARGIN * bandwidth, values.max() + _MARGIN * bandwidth
    places = np.linspace(*ends, max(_GRID, int(4 * (ends[1] - ends[0]) / bandwidth)) if bandwidth else _GRID)
    distinct, counts = np.unique(values, return_counts=True)
    density = np.exp(-0.5 * ((places[:, None] - distinct) / max(bandwidth, 1e-300)) ** 2) @ counts
    rises = np.diff(density)
    rises = rises[np.abs(rises) > 1e-12 * density.max()]
    return int(((rises[:-1] > 0) & (rises[1:] < 0)).sum())
