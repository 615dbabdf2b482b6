"""Does the answer depend on a choice: prevalence and depth for every horizon, baseline and threshold of a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices, Threshold
from momentum_jax.analysis.curves.curve_set import CurveSet, Flags
from momentum_jax.analysis.curves.noise_floors import noise_floors, noise_known
from momentum_jax.analysis.curves.seed_dips import dips_of
from momentum_jax.analysis.curves.written_numbers import Step, step_of
from momentum_jax.analysis.dips.dips import Dips
from momentum_jax.analysis.dips.noise_sources import NoiseLevel
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.intervals import wilson_interval

HORIZONS = ("10%", "25%", "50%", "100%")
BASELINES = ("5%",)
THRESHOLDS = (0.5, 1.0, 2.0)  # times the chosen one
DRAWS = 250  # simulated curves for the noise floor of a cell


def sensitivity_table(
    curves: CurveSet, choices: Choices, levels: list[NoiseLevel] | None, dips: Dips, floors: np.ndarray
) -> pd.DataFrame:
    """One row for each arm, horizon, baseline and threshold.

    Args:
        curves: of all arms.
        choices: the chosen cell, which is in the grid.
        levels: noise of each arm; None where it is exact.
        dips: of any fall at the chosen horizon and baseline.
        floors: their noise floors.

    Returns:
        Columns ``arm, horizon_step, baseline_step, threshold, chosen, seeds, judged, dips, prevalence_pct`` (of the
        judged, whose noise is known) with Wilson's interval, ``depth_mean``. Noise counts as in the chosen cell; in
        other cells its floor is simulated with fewer draws. Cells with fewer than two steps from baseline to horizon
        are left out.
    """
    rows: list[dict[str, Any]] = []
    for cell in _cells(curves, choices):
        chosen = (cell.horizon.step, cell.baseline.step) == (choices.horizon.step, choices.baseline.step)
        found = dips if chosen else dips_of(curves, cell, 0.0)
        limits = floors if chosen else noise_floors(curves, cell, levels, found, DRAWS)
        judged = found.observed & noise_known(curves, cell, levels, found, limits)
        for times in THRESHOLDS if choices.threshold.value > 0 else (1.0,):
            threshold = times * choices.threshold.value
            reaches = dips_of(curves, cell, threshold).has_dip & (found.depth > limits)
            columns = {"threshold": threshold, "chosen": chosen and times == 1.0}
            rows += _cell_rows(curves, cell, choices.level, found, reaches, judged, columns)
    return pd.DataFrame(rows)


def _cells(curves: CurveSet, choices: Choices) -> Iterator[Choices]:
    """The chosen horizon and baseline, and all others of the grid."""
    horizons = _different([choices.horizon, *(step_of(share, curves.steps, "horizon") for share in HORIZONS)])
    baselines = _different([choices.baseline, *(step_of(share, curves.steps, "baseline") for share in BASELINES)])
    for horizon in sorted(horizons):
        for baseline in sorted(baselines):
            inside = (curves.steps >= baseline.step) & (curves.steps <= horizon.step)
            if inside.sum() >= 2:
                yield replace(choices, horizon=horizon, baseline=baseline, threshold=Threshold(0.0, ""))


def _different(steps: list[Step]) -> list[Step]:
    """The first of those that are the same step."""
    return list({step.step: step for step in reversed(steps)}.values())


def _cell_rows(
    curves: CurveSet,
    cell: Choices,
    level: float,
    found: Dips,
    is_dip: Flags,
    judged: Flags,
    columns: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    for arm, name in enumerate(curves.arms):
        seen = found.observed[arm]
        seeds, number, dips = int(seen.sum()), int(judged[arm].sum()), int((is_dip & judged)[arm].sum())
        share = wilson_interval(dips, number, level)
        known = enough(number)
        yield {
            "arm": name,
            "horizon_step": cell.horizon.step,
            "baseline_step": cell.baseline.step,
            **columns,
            "seeds": seeds,
            "judged": number,
            "dips": dips,
            "prevalence_pct": 100 * share.estimate,
            "prevalence_pct_low": 100 * share.low if known else np.nan,
            "prevalence_pct_high": 100 * share.high if known else np.nan,
            "depth_mean": float(found.depth[arm][seen].mean()) if seeds else np.nan,
        }
