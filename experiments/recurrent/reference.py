"""What of v3 is to be equivalent to the recorded seeds of the reference learner, and by which rule.

The rule is that of the records: cumulative percentages of the decisions taken while flat, illegal ones among them, at
three steps. A number is equivalent where the 90 % interval of the difference of means lies within its margin,
different where it lies outside, and undecided where it is too wide for either.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

STOPS = "forced_stop"
MARGIN_POINTS = 3.0
MARGIN_STOPS = 0.08  # of the reference's mean
LEVEL = 0.90


class Recorded(NamedTuple):
    """A cumulative number of the reference's seeds at a step: percent, forced stops a count."""

    step: int
    metric: str
    mean: float
    deviation: float  # over seeds, ddof = 1

    @property
    def margin(self) -> float:
        return MARGIN_STOPS * self.mean if self.metric == STOPS else MARGIN_POINTS


class Difference(NamedTuple):
    """Ours less the reference's."""

    estimate: float
    low: float
    high: float
    verdict: str


NUM_SEEDS = 8
RECORDED = (
    Recorded(5_000, "hold_pct", 20.0584, 0.8307),
    Recorded(5_000, "buy_pct", 28.6489, 1.0925),
    Recorded(5_000, "strong_buy_pct", 28.5942, 1.4691),
    Recorded(5_000, STOPS, 442.1250, 18.7116),
    Recorded(10_000, "hold_pct", 24.7492, 1.0785),
    Recorded(10_000, "buy_pct", 20.8595, 1.4291),
    Recorded(10_000, "strong_buy_pct", 20.7582, 1.6270),
    Recorded(10_000, STOPS, 561.5000, 28.7700),
    Recorded(25_000, "hold_pct", 23.0028, 1.4178),
    Recorded(25_000, "buy_pct", 15.4203, 1.9031),
    Recorded(25_000, "strong_buy_pct", 15.2402, 1.8088),
    Recorded(25_000, STOPS, 647.5000, 35.9046),
)


def compare(ours: npt.NDArray[np.float64], recorded: Recorded) -> Difference:
    """The difference of means with Welch's interval, and whether it lies within the margin.

    Args:
        ours: the same number of this project's seeds, ``[seed]``.
        recorded: the reference's.
    """
    variances = ours.var(ddof=1) / len(ours), recorded.deviation**2 / NUM_SEEDS
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / (len(ours) - 1) + variances[1] ** 2 / (NUM_SEEDS - 1))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom) * sum(variances) ** 0.5)
    estimate = float(ours.mean()) - recorded.mean
    low, high = estimate - reach, estimate + reach
    verdict = "undecided"
    if max(-low, high) <= recorded.margin:
        verdict = "equivalent"
    elif low > recorded.margin or high < -recorded.margin:
        verdict = "different"
    return Difference(estimate, low, high, verdict)
