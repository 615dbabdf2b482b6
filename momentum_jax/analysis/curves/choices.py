"""What an analysis takes for a dip: each choice as a number, in words, and whether it was given or derived.

No default fits one metric only: the direction has to be given where the source of the curves does not say it, and
everything else that was not given is derived from the curves' own steps and range, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np

from momentum_jax.analysis.curves.curve_set import GOOD, NOISE_ARRAYS, CurveSet, Floats
from momentum_jax.analysis.curves.range_outlier import range_of, range_outliers
from momentum_jax.analysis.curves.written_numbers import Step, points_of, share_or_number, step_of
from momentum_jax.analysis.dips.early_part import HORIZON_SHARE
from momentum_jax.analysis.dips.thresholds import SMALLEST_DIP_SHARE
from momentum_jax.analysis.report.formatting import compact, format_percent
from momentum_jax.fields import ConfigError

WINDOW_SHARE = 0.1  # of the run, where no window of forgetting is given
NOISES = ("exact", "counts", "standard_errors", "replicates", "estimated")
_CARRIED = {"successes": "counts", "standard_errors": "standard_errors", "replicates": "replicates"}


class Threshold(NamedTuple):
    """The smallest depth that counts."""

    value: float  # in the unit of the values; 0 where the noise alone decides; NaN until the control arm is measured
    words: str  # ``at least 5 points``
    control: str = ""  # the arm whose depths decide
    outlier: str = ""  # the values that make the range of which it is a share, in words; empty where none do
    outliers: int = 0  # how many these are
    without: float = np.nan  # what the threshold would be without them


@dataclass(frozen=True, kw_only=True)
class Choices:
    """All choices of one analysis.

    Attributes:
        good: ``up`` or ``down``.
        horizon: step by which a trough must come.
        baseline: step from which falls count.
        window: number of steps within which the largest fall is forgetting.
        threshold: smallest depth that counts.
        noise: one of `NOISES`.
        reference: arm with which the others are compared.
        level: confidence of intervals, bands and of the noise floor.
        derived: what was not given and what was taken instead, a sentence each.
    """

    good: str
    horizon: Step
    baseline: Step
    window: Step
    threshold: Threshold
    noise: str
    reference: str
    level: float
    derived: tuple[str, ...] = ()

    @property
    def sign(self) -> int:
        """+1 where up is good, -1 where down is good."""
        return 1 if self.good == "up" else -1

    @property
    def alpha(self) -> float:
        """Chance of an error that is allowed."""
        return 1 - self.level

    @property
    def worse(self) -> str:
        """What a value does that gets worse."""
        return "fall" if self.sign > 0 else "rise"


def choose(
    curves: CurveSet,
    *,
    good: str | Mapping[str, str] | None,
    horizon: float | str | None = None,
    threshold: float | str | None = None,
    noise: str | None = None,
    baseline: float | str | None = None,
    reference: str | None = None,
    window: float | str | None = None,
    level: float = 0.95,
) -> Choices:
    """Every choice, checked; arguments as for `momentum_jax.dips.analyze`.

    Raises:
        ConfigError: a choice cannot be, or does not fit the curves.
    """
    if not isinstance(level, Real) or not 0.5 <= level < 1:
        raise ConfigError(f"level={level!r}: expected a confidence from 0.5 to below 1, such as 0.95")
    direction = _direction(curves, good)
    derived: list[str] = []
    first = float(curves.steps[0])
    if not good and curves.good:
        derived.append(f"no direction was given: the source says of {curves.value_name} that {curves.good} is good")
    if horizon is None:
        derived.append(f"no horizon was given: the first {format_percent(HORIZON_SHARE)} of the run was taken")
    if baseline is None:
        derived.append("no baseline was given: falls count from the first step")
    if window is None:
        derived.append("no window was given: forgetting is looked for within a tenth of the run, or between neighbours")
    if threshold is None:
        derived.append(f"no threshold was given: {format_percent(SMALLEST_DIP_SHARE)} of the range was taken")
    if noise is None:
        taken, lacking = noise_of(curves), partly_known(curves)
        why = f", since {lacking}" if taken == "estimated" and lacking else ""
        derived.append(f"no noise was given: {taken!r} was taken{why}")
    choices = Choices(
        good=direction,
        horizon=step_of(f"{100 * HORIZON_SHARE}%" if horizon is None else horizon, curves.steps, "horizon"),
        baseline=Step(first, f"step {compact(first)}")
        if baseline is None
        else step_of(baseline, curves.steps, "baseline"),
        window=_window(window, curves.steps),
        threshold=_threshold(curves, f"{100 * SMALLEST_DIP_SHARE}%" if threshold is None else threshold, reference),
        noise=_noise(curves, noise, threshold),
        reference=_arm(curves, reference, f"reference={reference!r}") if reference is not None else curves.arms[0],
        level=level,
        derived=tuple(derived),
    )
    _check_seen(curves, choices)
    return choices


def _window(given: float | str | None, steps: Floats) -> Step:
    """A number of steps in which at least one pair of neighbouring checkpoints lies."""
    length, gaps = float(steps[-1] - steps[0]), np.diff(steps)
    if given is None:
        window = max(WINDOW_SHARE * length, float(np.median(gaps)) if len(gaps) else 0.0)
        return Step(window, f"{compact(window)} steps")
    share, number = share_or_number(given, length > 1, "window")
    window = number if share is None else share * length
    if len(gaps) and not window >= gaps.min():
        raise ConfigError(
            f"window={given!r}: found {window:g} steps, expected {gaps.min():g} or more, the distance of two values"
        )
    return Step(window, f"{compact(window)} steps")


def _direction(curves: CurveSet, good: str | Mapping[str, str] | None) -> str:
    if isinstance(good, Mapping):
        ways = list(dict.fromkeys(map(str, good.values())))
        if len(ways) > 1:
            shown = ", ".join(f"{arm} {way}" for arm, way in good.items())
            raise ConfigError(f"good: found mixed directions ({shown}), expected one for all arms: analyse them apart")
        _check_arms(curves, good)
        good = ways[0]
    if good is not None and not isinstance(good, str):
        shown = " ".join(repr(good).split())[:60]
        raise ConfigError(f"good: found {shown}, expected 'up' or 'down', or one of them for each arm: {{ARM: 'up'}}")
    way = good or curves.good
    if way not in GOOD:
        found = repr(way) if way else "nothing"
        raise ConfigError(f"good: found {found}, expected 'up' or 'down', the direction in which the values improve")
    if curves.good and curves.good != way:
        raise ConfigError(f"good={way!r}: the curves themselves say that {curves.good} is good: leave it out")
    return way


def _check_arms(curves: CurveSet, good: Mapping[str, str]) -> None:
    """Refuses a mapping that names other arms than the curves have."""
    named = [str(arm) for arm in good]
    unknown = [arm for arm in named if arm not in curves.arms]
    absent = [arm for arm in curves.arms if arm not in named]
    if unknown or absent:
        found = f"the unknown arm {unknown[0]!r}" if unknown else f"nothing for arm {absent[0]!r}"
        raise ConfigError(f"good: found {found}, expected a direction for each of the arms: {', '.join(curves.arms)}")


def _arm(curves: CurveSet, name: str, given: str) -> str:
    """The arm of that name; `given` is the choice as it was given, such as ``reference='ppo'``."""
    if name not in curves.arms:
        raise ConfigError(f"{given}: expected one of the arms: {', '.join(curves.arms)}")
    return name


def noise_of(curves: CurveSet) -> str:
    """What every arm carries; an estimate where there is no such thing."""
    return next((noise for name, noise in _CARRIED.items() if curves.arms_with(name) == curves.arms), "estimated")


def partly_known(curves: CurveSet) -> str:
    """What some arms carry and others do not, such as ``armB has no standard errors``; empty where there is none."""
    for name, noise in _CARRIED.items():
        missing = [arm for arm in curves.arms if arm not in curves.arms_with(name)]
        if getattr(curves, name) is not None and missing:
            some = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
            return f"{some} {'has' if len(missing) == 1 else 'have'} no {noise.replace('_', ' ')}"
    return ""


def _noise(curves: CurveSet, given: str | None, threshold: float | str | None) -> str:
    noise = given or noise_of(curves)
    if noise not in NOISES:
        raise ConfigError(f"noise={noise!r}: expected one of {', '.join(NOISES)}")
    if noise == "exact" and threshold == "noise":
        raise ConfigError("threshold='noise': found noise='exact', expected noise that is known or estimated")
    needed = {"counts": ("successes", "totals")}.get(noise, (noise,))
    absent = [name for name in needed if name in NOISE_ARRAYS and getattr(curves, name) is None]
    if absent:
        raise ConfigError(
            f"noise={noise!r}: the curves have no {' and no '.join(absent)}; pass them, or noise='estimated'"
        )
    return noise


def _threshold(curves: CurveSet, given: float | str, reference: str | None) -> Threshold:
    text = str(given).strip()
    if text == "noise":
        return Threshold(0.0, "more than their noise")
    if text.split(":")[0] == "control":
        arm = text.partition(":")[2] or reference
        if arm is None:
            raise ConfigError("threshold='control': expected the control arm as well: threshold='control:ARM'")
        return Threshold(np.nan, f"more than the depths of {arm}", _arm(curves, arm, f"threshold={text!r}"))
    share, of_mean = text.removesuffix("of mean").strip(), text.endswith("of mean")
    if share.endswith("%"):
        return _share_of_range(curves, share_or_number(share, False, "threshold")[0] or 0.0, of_mean)
    _, value = share_or_number(given, False, "threshold")
    if of_mean or not value > 0:
        raise ConfigError(
            f"threshold={given!r}: expected a number above 0 in the unit of the values, '5%' or '5% of mean' "
            "(of the range), 'noise' or 'control:ARM'"
        )
    return Threshold(value, f"at least {points_of(value, curves)}")


def _share_of_range(curves: CurveSet, share: float, of_mean: bool) -> Threshold:
    """A share of the range of all values, or of the range of the arms' mean curves."""
    if not 0 < share <= 1:
        raise ConfigError(f"threshold: found {100 * share:g} % of the range, expected more than 0 and at most 100 %")
    spread = range_of(curves.values, of_mean)
    if not spread > 0:
        raise ConfigError("threshold: the values never change, so they have no range: give a number, as threshold='1'")
    of_what = "mean curves" if of_mean else "values"
    number = points_of(share * spread, curves)
    words = f"at least {number} ({format_percent(share)} of the range of the {of_what})"
    found = range_outliers(curves, of_mean)
    if found is None:
        return Threshold(share * spread, words)
    return Threshold(share * spread, words, outlier=found.words, outliers=found.number, without=share * found.spread)


def _check_seen(curves: CurveSet, choices: Choices) -> None:
    """Two steps or more lie between baseline and horizon."""
    steps = curves.steps
    inside = int(((steps >= choices.baseline.step) & (steps <= choices.horizon.step)).sum())
    if len(steps) < 2:
        raise ConfigError("steps: found one, expected two or more: a fall is between two values")
    if inside < 2:
        between = f"from {choices.baseline.step:g} to {choices.horizon.step:g}"
        raise ConfigError(
            f"horizon: found {inside} of the {len(steps)} steps {between} (baseline to horizon), expected two or more; "
            f"the run goes from {steps[0]:g} to {steps[-1]:g}: look further, as with horizon='100%'"
        )
