"""The steps at which an environment's own study looks at the early part of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EarlySteps:
    """Steps at which the early part of a run is looked at.

    Attributes:
      horizon: by which a trough must come to be one of an early dip.
      baselines: from which dips are looked for; the first is 0.
      landmarks: two steps fixed in advance, between which a change is no maximum.
      prediction: at which what predicts the depth that follows is known.
    """

    horizon: float
    baselines: tuple[int, ...]
    landmarks: tuple[int, int]
    prediction: tuple[int, ...]
