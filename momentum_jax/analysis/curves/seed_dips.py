"""The dip of every seed by the definition of `momentum_jax.analysis.dips`, and what it has to exceed to be no noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.curve_set import CurveSet, Flags, Floats
from momentum_jax.analysis.dips.definition import DipOptions
from momentum_jax.analysis.dips.dips import DipClass, Dips, find_dips
from momentum_jax.analysis.dips.drawdowns import ROUNDING
from momentum_jax.analysis.dips.forgetting import largest_fall_within

WITHIN_NOISE = "within noise"  # class of a fall that reaches the threshold and no more than its noise floor
NOISE_UNKNOWN = "noise unknown"  # class of a seed that is not judged, because nothing says how noisy it is


def dips_of(curves: CurveSet, choices: Choices, threshold: float) -> Dips:
    """Dips ``[arm, seed]`` by the package's definition, in the unit of the values.

    Args:
        curves: of all arms.
        choices: direction, horizon and baseline.
        threshold: smallest depth that counts; 0 for any fall.
    """
    options = DipOptions(
        horizon=choices.horizon.step,
        baseline_step=choices.baseline.step,
        threshold=max(threshold, smallest_fall(curves.values)),
    )
    return find_dips(curves.steps, curves.values, choices.sign, options)


def smallest_fall(values: npt.ArrayLike) -> float:
    """The smallest fall that is more than rounding: a share of the values' range; above 0 where they do not change."""
    return max(ROUNDING * float(np.nanmax(values) - np.nanmin(values)), float(np.finfo(np.float64).tiny))


def at_steps(values: Floats, steps: Floats, wanted: Floats) -> Floats:
    """Each seed's value at a step of its own, NaN where there is none."""
    place = np.minimum(np.searchsorted(steps, wanted), len(steps) - 1)
    return np.where(np.isnan(wanted), np.nan, values[np.arange(len(values)), place])


def seed_table(curves: CurveSet, choices: Choices, dips: Dips, floors: Floats, known: Flags) -> pd.DataFrame:
    """One row for each seed that an arm has run.

    Args:
        curves: of all arms.
        choices: direction, horizon, baseline, threshold.
        dips: at the threshold, ``[arm, seed]``.
        floors: as `noise_floors` gives them.
        known: as `noise_known` gives them.

    Returns:
        Columns ``arm, seed, observed``; ``depth`` (largest fall by the horizon, of every seed), ``noise_floor``,
        ``judged`` (a fall could be seen, and compared with the seed's noise), ``reaches_threshold``, ``exceeds_noise``
        and ``is_dip``, which is both; these last two are missing (``pd.NA``) of a seed that is not judged; ``class``,
        a word; of falls that reach the threshold ``onset_step, onset_value, trough_step, trough_value, recovery_step,
        recovered_fraction, censored, duration, area``; ``baseline_step`` and ``baseline_value`` (first value from the
        baseline on), ``final_value`` (the last one), ``temporary_depth`` and ``forgetting`` (largest fall within the
        window).
    """
    window = (choices.window.step, choices.horizon.step, choices.baseline.step)
    judged = dips.observed & known
    exceeds = dips.depth > floors
    is_dip = dips.has_dip & exceeds
    onset, trough = (
        np.stack([at_steps(curves.values[arm], curves.steps, step[arm]) for arm in range(len(curves.arms))])
        for step in (dips.onset_step, dips.trough_step)
    )
    first, last = _ends(curves, choices)
    columns = {
        "observed": dips.observed,
        "depth": dips.depth,
        "noise_floor": floors,
        "judged": judged,
        "reaches_threshold": dips.has_dip,
        "exceeds_noise": exceeds,
        "is_dip": is_dip,
        "class": _class_words(dips, is_dip, known),
        "baseline_step": curves.steps[first],
        "baseline_value": np.take_along_axis(curves.values, first[..., None], axis=-1)[..., 0],
        "onset_step": dips.onset_step,
        "onset_value": onset,
        "trough_step": dips.trough_step,
        "trough_value": trough,
        "recovery_step": dips.recovery_step,
        "recovered_fraction": dips.recovered_fraction,
        "censored": dips.censored,
        "duration": dips.duration,
        "area": dips.area,
        "temporary_depth": dips.temporary_depth,
        "forgetting": largest_fall_within(curves.steps, curves.values, choices.sign, *window),
        "final_value": np.take_along_axis(curves.values, last[..., None], axis=-1)[..., 0],
    }
    arm, seed = np.meshgrid(curves.arms, curves.seeds, indexing="ij")
    table = pd.DataFrame({"arm": arm.ravel(), "seed": seed.ravel()} | {k: v.ravel() for k, v in columns.items()})
    for name in ("exceeds_noise", "is_dip"):
        table[name] = table[name].astype("boolean").where(table["judged"])
    return table[curves.ran.ravel()].reset_index(drop=True)


def _ends(curves: CurveSet, choices: Choices) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Index of each seed's first value from the baseline on, and of its last one, ``[arm, seed]``."""
    known: Flags = curves.known
    from_baseline = known & (curves.steps >= choices.baseline.step)
    last = known.shape[-1] - 1 - known[..., ::-1].argmax(axis=-1)
    return np.where(from_baseline.any(axis=-1), from_baseline.argmax(axis=-1), last), last


def _class_words(dips: Dips, is_dip: Flags, known: Flags) -> npt.NDArray[np.str_]:
    words = np.array([DipClass(value).name.lower() for value in range(len(DipClass))])
    judged = np.where(dips.has_dip & ~is_dip, WITHIN_NOISE, words[dips.klass])
    return np.where(dips.observed & ~known, NOISE_UNKNOWN, judged)
