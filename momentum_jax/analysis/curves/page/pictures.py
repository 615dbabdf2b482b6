"""The pictures of an analysis, fed from its tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from momentum_jax.analysis.curves.dip_result import DipResult
from momentum_jax.analysis.curves.page.display_tables import difference_unit
from momentum_jax.analysis.curves.population import recoveries
from momentum_jax.analysis.dips.drawdowns import drawdowns
from momentum_jax.analysis.figures import Picture
from momentum_jax.analysis.figures.dip_curves import ArmCurves, Words, plot_dip_curves, plot_noise
from momentum_jax.analysis.figures.drawdown_heatmap import plot_drawdowns
from momentum_jax.analysis.figures.forest import Group, plot_forest
from momentum_jax.analysis.figures.prevalence_grid import plot_sensitivity
from momentum_jax.analysis.figures.recovery_curves import plot_recovery
from momentum_jax.analysis.report.formatting import format_percent, in_unit

Floats = npt.NDArray[np.float64]


def overview(result: DipResult) -> Figure:
    """Curves of every arm with medians and bands, and how far seeds fall."""
    choices = result.choices
    window = (choices.baseline.step, min(choices.horizon.step, float(result.curves.steps[-1])))
    arms = [_arm(result, place) for place in range(len(result.curves.arms))]
    title = f"{result.curves.value_name}: {_dips_in_words(result)}"
    return plot_dip_curves(result.curves.steps, arms, window, choices.threshold.value, words_of(result), title)


def pictures(result: DipResult) -> Iterator[Picture]:
    """The figures of the page, each drawn when it is asked for."""
    unit = difference_unit(result)
    sure, worse = format_percent(result.choices.level), result.choices.worse
    exact = result.choices.noise == "exact"
    beyond = "" if exact else f"; a {worse} also has to exceed its noise"
    yield Picture(
        "curves",
        f"Every seed, the median with the {sure} band of its whole curve, and the share of seeds that {worse} by at "
        f"least so much, with its {sure} interval at each depth. Dips are looked for where the ground is "
        f"yellow{beyond}.",
        overview(result),
    )
    if not exact:
        yield Picture(
            "noise",
            f"The largest {worse} of each seed against what its noise makes in {format_percent(result.choices.alpha)} "
            "of seeds whose curve never turns. A dip lies above both lines.",
            _noise(result),
        )
    side = "above" if worse == "rise" else "below"
    falls = {arm: _drawdown(result, place) for place, arm in enumerate(result.curves.arms)}
    yield Picture(
        "drawdowns",
        f"How far every seed is {side} its best value so far, a row per seed, the earliest onset at the top; a dot "
        "marks the onset of a dip.",
        _heatmap(result, falls),
    )
    if result.seeds["is_dip"].any(skipna=True):
        found = {arm: recoveries(result.curves, result.seeds, arm, result.choices.level) for arm in result.curves.arms}
        yield Picture(
            "recovery",
            "Share of dips that have not come back by nine tenths of their depth; runs that end first are censored.",
            plot_recovery(found, "How long dips last"),
        )
    tables = {str(arm): rows for arm, rows in result.sensitivity.groupby("arm", sort=False)}
    yield Picture(
        "sensitivity",
        "Share of seeds that dip for other thresholds, horizons and baselines; the frame is the choice of this page.",
        plot_sensitivity(tables, unit, "Seeds that dip under other choices, %"),
    )
    yield from _differences(result, unit)


def words_of(result: DipResult) -> Words:
    """Labels of the pictures."""
    curves, choices = result.curves, result.choices
    return Words(
        value=curves.value_name,
        unit=curves.unit,
        points=difference_unit(result),
        worse=choices.worse,
        level=choices.level,
    )


def _dips_in_words(result: DipResult) -> str:
    population = result.population
    if len(population) > 1:
        return "how many seeds dip, and how deep"
    if not population["judged"].iloc[0]:
        return "the noise of no seed is known"
    return f"{population['dips'].iloc[0]} of {population['judged'].iloc[0]} seeds dip"


def _arm(result: DipResult, place: int) -> ArmCurves:
    curves, name = result.curves, result.curves.arms[place]
    steps = result.by_step[result.by_step["arm"] == name]
    median, low, high = (steps[column].to_numpy(float) for column in ("median", "median_low", "median_high"))
    rows = _rows(result, name)
    return ArmCurves(
        name=name,
        values=curves.values[place][curves.ran[place]],
        median=median,
        low=low,
        high=high,
        depth=rows["depth"].to_numpy(float),
        is_dip=_yes_or_no(rows),
    )


def _rows(result: DipResult, arm: str) -> pd.DataFrame:
    return result.seeds[result.seeds["arm"] == arm]


def _yes_or_no(rows: pd.DataFrame) -> Floats:
    """1 of a dip, 0 of none, NaN of a seed that is not judged."""
    return rows["is_dip"].to_numpy(np.float64, na_value=np.nan)


def _noise(result: DipResult) -> Figure:
    found: dict[str, tuple[Floats, Floats, Floats]] = {}
    for arm in result.curves.arms:
        rows = _rows(result, arm)
        depth, floor = rows["depth"].to_numpy(float), rows["noise_floor"].to_numpy(float)
        found[arm] = (depth, floor, _yes_or_no(rows))
    title = f"Is a {result.choices.worse} more than noise?"
    return plot_noise(found, result.choices.threshold.value, words_of(result), title)


def _drawdown(result: DipResult, place: int) -> Floats:
    curves = result.curves
    values = curves.values[place][curves.ran[place]]
    before = curves.steps < result.choices.baseline.step
    return drawdowns(np.where(before, np.nan, result.choices.sign * values)).drawdown


def _heatmap(result: DipResult, falls: dict[str, Floats]) -> Figure:
    onset = {}
    for arm in falls:
        rows = _rows(result, arm)
        onset[arm] = rows["onset_step"].where(rows["is_dip"].fillna(False)).to_numpy(float)
    return plot_drawdowns(
        result.curves.steps,
        falls,
        onset,
        f"Below the best value so far: {result.curves.value_name}",
        seeds=result.curves.seeds if result.curves.ran.all() else None,
        scale=in_unit("drawdown", difference_unit(result)),
        least=result.choices.threshold.value,
    )


def _differences(result: DipResult, unit: str) -> Iterator[Picture]:
    """One picture for each compared quantity, whose units differ."""
    quantities = (("prevalence_pct", "share of seeds that dip", "points"), ("depth", "depth", unit))
    for quantity, words, in_units in quantities:
        table = result.comparison
        rows = table[table["quantity"] == quantity] if len(table) else table
        if rows.empty:
            continue
        shown = pd.DataFrame(
            {
                "label": rows["arm"],
                "estimate": rows["difference"],
                "low": rows["difference_low"],
                "high": rows["difference_high"],
            }
        )
        reference = result.choices.reference
        title = f"{words[0].upper()}{words[1:]}: other arms against {reference}"
        yield Picture(
            f"difference_{'depth' if quantity == 'depth' else 'prevalence'}",
            f"{words[0].upper()}{words[1:]} of each arm less that of {reference}, with "
            f"{format_percent(result.choices.level)} intervals.",
            plot_forest([Group(f"less {reference}", shown)], in_unit(f"difference in {words}", in_units), title),
        )
