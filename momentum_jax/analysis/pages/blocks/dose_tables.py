"""Depth at several doses of one setting, on the same seeds, for arms that differ in nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.analysis.inference.dose import dose_trend
from momentum_jax.analysis.inference.intervals import mean_interval
from momentum_jax.analysis.pages.blocks.depth_tables import ends
from momentum_jax.analysis.pages.study_market import Floats, Market, Outcome

Doses = dict[str, dict[float, Floats]]
"""Depths ``[seed]`` by label of the line and dose, over the seeds that all of these arms have."""


class Setting(NamedTuple):
    """A setting of an arm as config.json names it."""

    section: str  # "env" or "ppo"
    name: str

    def of(self, arm: Mapping[str, Any]) -> Any:
        """Its value in an arm."""
        return arm[self.section][self.name]


def dosed(
    market: Market,
    reference: tuple[str, str],
    parts: Sequence[str],
    dose: Setting,
    switch: Setting,
    lines: Mapping[Any, str],
) -> Doses:
    """Depths of the arms that differ from the reference in the dose and the switch alone.

    Args:
        market: the parts.
        reference: part and name of the arm that the others are compared with.
        parts: where arms are looked for; of equal ones the last counts.
        dose: the setting that is varied.
        switch: another one, each value of which makes a line.
        lines: their labels by the switch's value.
    """
    part_of_reference, name_of_reference = reference
    if market.outcome(name_of_reference, part_of_reference) is None:
        return {}
    settings = {(part, arm["name"]): arm for part in parts if part in market.parts for arm in market.arms(part)}
    own = settings[part_of_reference, name_of_reference]
    found: dict[str, dict[float, Outcome]] = {label: {} for label in lines.values()}
    for (part, name), arm in settings.items():
        outcome = market.outcome(name, part)
        if outcome is not None and switch.of(arm) in lines and arm == _varied(own, arm, (dose, switch)):
            found[lines[switch.of(arm)]][dose.of(arm)] = outcome
    every = [outcome for by_dose in found.values() for outcome in by_dose.values()]
    common = np.array(sorted(set.intersection(*(set(o.seeds.tolist()) for o in every))), np.int64)
    return {
        label: {dose: o.depth[np.searchsorted(o.seeds, common)] for dose, o in sorted(by_dose.items())}
        for label, by_dose in found.items()
        if by_dose
    }


def _varied(own: Mapping[str, Any], arm: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """The reference arm with these settings, and the name, of another."""
    expected = {**own, "name": arm["name"]}
    for setting in settings:
        expected[setting.section] = {**expected[setting.section], setting.name: setting.of(arm)}
    return expected


def dose_table(doses: Doses, line: str, dose: str) -> pd.DataFrame:
    """Depth at each dose; `line` and `dose` name the columns."""
    rows = []
    for label, by_dose in doses.items():
        for value, depth in by_dose.items():
            row: dict[str, Any] = {line: label, dose: value, "seeds": int((~np.isnan(depth)).sum())}
            rows.append(row | ends("depth", mean_interval(depth)))
    return pd.DataFrame(rows)


def dose_slopes(doses: Doses, line: str, slope: str, units: float = 1.0) -> pd.DataFrame:
    """Change of depth with the dose along each line, and of two lines their difference.

    Args:
        doses: as `dosed` returns them.
        line: name of the column of labels.
        slope: name of the column of slopes.
        units: a dose of 1 is so many of the units that a slope is for.
    """
    lines = {label: by_dose for label, by_dose in doses.items() if len(by_dose) > 1}
    if len(lines) == 2:
        (first, one), (second, other) = lines.items()
        both = sorted(one.keys() & other.keys())
        lines[f"{first} less {second}"] = {dose: one[dose] - other[dose] for dose in both}
    rows = []
    for label, by_dose in lines.items():
        trend = dose_trend([units * dose for dose in by_dose], np.stack(list(by_dose.values())))
        row: dict[str, Any] = {line: label, "doses": len(by_dose), "seeds": trend.seeds}
        row |= ends(slope, trend.slope)
        rows.append(row | {"p_value": trend.p_value, "page_p_value": trend.page_p_value})
    return pd.DataFrame(rows)
