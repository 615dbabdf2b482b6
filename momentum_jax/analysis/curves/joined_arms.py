"""Curves of one arm each as the arms of one set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from momentum_jax.analysis.curves.curve_set import NOISE_ARRAYS, CurveSet, Floats
from momentum_jax.fields import ConfigError


def joined_arms(parts: Mapping[str, CurveSet]) -> CurveSet:
    """Sets of one arm each as the arms of one set. A seed of the same label is the same seed.

    Raises:
        ConfigError: they differ in what the values are, in their unit, direction, or steps, or one has several arms.
    """
    (first_name, first), *rest = parts.items()
    for name, part in parts.items():
        if len(part.arms) != 1:
            raise ConfigError(f"arm {name!r}: found curves of {len(part.arms)} arms, expected those of one")
    for name, part in rest:
        for field in ("value_name", "unit", "good"):
            found, expected = getattr(part, field), getattr(first, field)
            if found != expected and not (field == "good" and "" in (found, expected)):
                word = {"value_name": "metrics", "unit": "units", "good": "directions"}[field]
                raise ConfigError(
                    f"arms: found mixed {word} ({first_name}: {expected!r}, {name}: {found!r}), expected one"
                )
        if not np.array_equal(part.steps, first.steps):
            raise ConfigError(f"arms: found other steps in {name!r} than in {first_name!r}, expected the same in all")
    seeds = list(dict.fromkeys(label for part in parts.values() for label in part.seeds))
    arrays: dict[str, Any] = dict.fromkeys(NOISE_ARRAYS)
    for name in ("values", *NOISE_ARRAYS):
        if all(getattr(part, name) is None for part in parts.values()):
            continue
        rows = [_on_seeds(_of_arm(part, name), part.seeds, seeds) for part in parts.values()]
        arrays[name] = np.stack(_equally_many(rows) if name == "replicates" else rows)
    good = next((part.good for part in parts.values() if part.good), "")
    return replace(first, **arrays, arms=tuple(parts), seeds=tuple(seeds), good=good)


def _of_arm(part: CurveSet, name: str) -> Floats:
    """An array of a set's one arm; NaN where the set has none, which takes nothing from the arms that have."""
    array = getattr(part, name)
    if array is None:
        return np.full_like(part.values[0][:, None] if name == "replicates" else part.values[0], np.nan)
    return np.asarray(array[0])


def _equally_many(rows: Sequence[Floats]) -> list[Floats]:
    """Replicates ``[seed, R, K]`` of each arm, R made that of the arm with most by NaN."""
    most = max(row.shape[1] for row in rows)
    return [np.pad(row, ((0, 0), (0, most - row.shape[1]), (0, 0)), constant_values=np.nan) for row in rows]


def _on_seeds(array: Floats, own: Sequence[str], seeds: Sequence[str]) -> Floats:
    """Rows ``[seed, ...]`` in the order of all seeds, NaN of those that there are none of."""
    wide = np.full((len(seeds), *array.shape[1:]), np.nan)
    wide[[seeds.index(label) for label in own]] = array
    return wide
