"""What of v3 is to be equivalent to the recorded seeds of the reference learner, and by which rule.

The rule is that of the records: cumulative percentages of the decisions taken while flat, illegal ones among them, at
three steps. A number is equivalent where the 90 % interval of the difference of means lies within its margin,
different where it lies outside, and undecided where it is too wide for either.
"""

from __future__ import annotations

STEPS = (5_000, 10_000, 25_000)
METRICS = ("hold_pct", "buy_pct", "strong_buy_pct")
STOPS = "forced_stop"
MARGIN_POINTS = 3.0
MARGIN_STOPS = 0.08  # of the reference's mean
LEVEL = 0.90
