"""How sure a statement has to be: the level of tests and the confidence of intervals by default."""

from __future__ import annotations

LEVEL = 0.05
CONFIDENCE = 1 - LEVEL


def shared_confidence(number: int, level: float = LEVEL) -> float:
    """Confidence of each of so many intervals, so that all of them cover at once with ``1 - level`` (Bonferroni)."""
    return 1 - level / number
