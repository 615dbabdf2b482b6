"""What counts as a dip, and the steps at which a run is read: the numbers that tables, tests and sentences share."""

from __future__ import annotations

from dataclasses import dataclass

HORIZON = 25_000  # environment step by which a trough must come
SMALLEST_DIP = 5.0  # smallest depth that counts, points
RECOVERY_SHARE = 0.9  # of the depth; what must come back to call it a recovery
BASELINES = (0, 5_000)  # steps from which dips are looked for
LANDMARKS = (5_000, 10_000)  # steps fixed in advance, between which a change is no maximum
PREDICTION_STEPS = (2_000, 5_000)  # at which what predicts a depth is known


@dataclass(frozen=True, kw_only=True)
class DipOptions:
    """What is taken for a dip of one curve.

    Attributes:
        horizon: environment step, counted from step 0, by which a trough, and a recovery in time, must come.
        baseline_step: 0 for the dip from initialisation, b for the dip from step b.
        threshold: smallest depth that counts, in points; an excursion lasts while the drawdown reaches it.
        recovery_share: share of the depth that must come back to call it a recovery.

    Raises:
        ValueError: an option lies outside its range.
    """

    horizon: float = HORIZON
    baseline_step: float = 0
    threshold: float = SMALLEST_DIP
    recovery_share: float = RECOVERY_SHARE

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and 0.5 <= self.recovery_share <= 1):
            found = f"threshold {self.threshold}, recovery_share {self.recovery_share}"
            raise ValueError(f"{found}: expected > 0 and 0.5 to 1")


DIP = DipOptions()
