"""Steps, shares and differences as a user writes them, and as sentences have them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from momentum_jax.analysis.curves.curve_set import CurveSet, Floats
from momentum_jax.analysis.report.formatting import compact, format_percent, with_unit
from momentum_jax.fields import ConfigError


class Step(NamedTuple):
    """A step, and what it is called in a sentence."""

    step: float
    words: str


def step_of(given: float | str, steps: Floats, name: str) -> Step:
    """A step from a number, or from a share of the run such as ``"25%"`` or 0.25."""
    first, last = float(steps[0]), float(steps[-1])
    share, number = share_or_number(given, last - first > 1, name)
    if share is None:
        return Step(number, f"step {compact(number)}")
    if not 0 <= share <= 1 or (share == 0 and name == "horizon"):
        raise ConfigError(f"{name}={given!r}: expected a share of the run from 0 to 100 %, or a step")
    step = first + share * (last - first)
    return Step(step, f"the first {format_percent(share)} of the run (step {compact(step)})")


def points_of(difference: float, curves: CurveSet, sign: str = "") -> str:
    """A difference of two values with its unit: ``5 points``, ``0.4 reward``; with its sign where that is ``+``."""
    return with_unit(compact(difference, sign), "points" if curves.unit == "%" else curves.unit)


def is_number(text: str) -> bool:
    """Whether a text is one number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def share_or_number(given: float | str, shares_below_one: bool, name: str) -> tuple[float | None, float]:
    """The share that was given, or None and the number."""
    text = str(given).strip()
    number = float(text.removesuffix("%")) if is_number(text.removesuffix("%")) else np.nan
    if not np.isfinite(number):
        raise ConfigError(f"{name}={given!r}: expected a number, or a share such as '25%'")
    if text.endswith("%"):
        return number / 100, number
    return (number, number) if shares_below_one and 0 < number < 1 else (None, number)
