"""What counts as a dip: the numbers that tables, tests and sentences share."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMALLEST_DIP = 5.0  # smallest depth that counts, points
RECOVERY_SHARE = 0.9  # of the depth; what must come back to call it a recovery


@dataclass(frozen=True, kw_only=True)
class DipOptions:
    """What is taken for a dip of one curve.

    Attributes:
        horizon: environment step, counted from step 0, by which a trough, and a recovery in time, must come; the end
            of the curve if infinite.
        baseline_step: 0 for the dip from initialisation, b for the dip from step b.
        threshold: smallest depth that counts, in points; an excursion lasts while the drawdown reaches it.
        recovery_share: share of the depth that must come back to call it a recovery.

    Raises:
        ValueError: an option lies outside its range.
    """

    horizon: float = math.inf
    baseline_step: float = 0
    threshold: float = SMALLEST_DIP
    recovery_share: float = RECOVERY_SHARE

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and 0.5 <= self.recovery_share <= 1):
            found = f"threshold {self.threshold}, recovery_share {self.recovery_share}"
            raise ValueError(f"{found}: expected > 0 and 0.5 to 1")


DIP = DipOptions()
