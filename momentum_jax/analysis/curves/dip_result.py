"""All that an analysis of dips found, as tables of numbers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.curve_set import CurveSet

SCHEMA = "momentum_jax.dips/1"
_TABLES = ("seeds", "population", "by_step", "comparison", "sensitivity", "sample_size")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DipResult:
    """Numbers of one analysis.

    Attributes:
        answer: one short sentence, whose words stay inside the intervals.
        details: what belongs to it: mean depth, up to two arms against the reference; a sentence each.
        caveats: what the analysis cannot see and what was derived, a sentence each.
        curves: what was analysed.
        choices: what counts as a dip, and what of it was derived.
        seeds: one row for each arm and seed, see `seed_dips.seed_table`.
        population: one row for each arm, see `population.population_table`.
        by_step: one row for each arm and step, see `by_step.step_table`.
        comparison: arms against the reference, see `comparison.comparison_table`; empty with one arm.
        sensitivity: other choices, see `sensitivity.sensitivity_table`.
        sample_size: seeds for a new study, see `sample_size.sample_size_table`.
        notes: what had to be taken for granted, a sentence each.
    """

    answer: str
    curves: CurveSet
    choices: Choices
    seeds: pd.DataFrame
    population: pd.DataFrame
    by_step: pd.DataFrame
    comparison: pd.DataFrame
    sensitivity: pd.DataFrame
    sample_size: pd.DataFrame
    details: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.answer}"

    def to_json(self) -> str:
        """Everything but the curves as JSON text: tables as lists of records, what is not known as null."""
        curves = self.curves
        value = {"name": curves.value_name, "unit": curves.unit, "arms": curves.arms, "steps": curves.steps.tolist()}
        whole: dict[str, Any] = {
            "schema": SCHEMA,
            "answer": self.answer,
            "details": self.details,
            "caveats": self.caveats,
        }
        whole |= {"value": value, "choices": asdict(self.choices), "notes": self.notes}
        whole |= {name: getattr(self, name).to_dict("records") for name in _TABLES}
        return json.dumps(plain(whole), indent=1, allow_nan=False)


def plain(value: Any) -> Any:
    """Numbers, text, lists and dictionaries that JSON has: NaN, infinity and what is missing become None."""
    if value is pd.NA:
        return None
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
