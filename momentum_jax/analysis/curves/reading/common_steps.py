"""Curves of single runs on one grid of steps: equal already, or made so as the user asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.curves.curve_set import NOISE_ARRAYS, CurveSet
from momentum_jax.analysis.curves.reading.aligned_noise import (
    COUNTS_LEFT_OUT,
    has_counts,
    noise_on_line,
)
from momentum_jax.analysis.curves.reading.reading import RunCurve
from momentum_jax.analysis.curves.reading.windows import window_means
from momentum_jax.fields import ConfigError

Floats = npt.NDArray[np.float64]

WAYS = "previous, linear or bins:N"
_BINS = re.compile(r"bins:([1-9]\d*)")
_EXAMPLE_BINS = 50
_LARGEST_STEP = 2.0**53
_SHARED = 0.9  # of the steps, at least, where those that some run lacks are dropped


class Aligned(NamedTuple):
    """Runs that share their steps."""

    runs: list[RunCurve]
    note: str  # what was done, empty where nothing was


def check_align(align: str) -> None:
    """Raises ConfigError where `align` is no way to make steps equal."""
    if align not in ("", "previous", "linear") and not _BINS.fullmatch(align):
        raise ConfigError(f"--align={align!r}: expected {WAYS}, e.g. --align=bins:{_EXAMPLE_BINS}")


def bins_of(align: str) -> int | None:
    """N of ``bins:N``, None of any other way."""
    match = _BINS.fullmatch(align)
    return int(match[1]) if match else None


def align_runs(runs: Sequence[RunCurve], align: str, allow_missing: bool = False) -> Aligned:
    """The runs on common steps.

    ``previous`` takes each run's last value by a step, ``linear`` the value on the line between its neighbours. Both do
    so at the steps of the run whose number of values is the median, from where all have begun to where the first ends;
    where some run ends much earlier its values are missing. ``bins:N`` takes means within N equal windows from 0 to the
    last step. Where that is allowed, runs that lack some steps of the longest one have missing values there.

    Raises:
        ConfigError: steps do not increase, or are unequal and no way was asked for.
    """
    check_align(align)
    bins = bins_of(align)
    for run in runs:
        _check_steps(run, repeated=bins is not None or align == "previous")
    if bins:
        return _binned(runs, bins)
    first = runs[0]
    other = next((run for run in runs if not np.array_equal(run.steps, first.steps)), None)
    if other is None and not _repeats(first):
        return Aligned(list(runs), "")
    longest = max(runs, key=lambda run: len(run.steps))
    nested = other is not None and all(np.isin(run.steps, longest.steps).all() for run in runs)
    if not align and nested and allow_missing:
        return _with_missing(runs, longest.steps)
    if not align:
        raise ConfigError(_unequal(first, other or first, nested))
    middle = sorted(runs, key=lambda run: len(run.steps))[len(runs) // 2]
    grid = _shared_range(np.unique(middle.steps), runs)
    at_steps: Callable[[RunCurve, Floats], RunCurve] = _previous if align == "previous" else _linear
    how = "the last value by each step" if align == "previous" else "on the line between neighbours"
    same = all(np.array_equal(np.unique(run.steps), np.unique(first.steps)) for run in runs)
    measured = "Seeds have the same steps, some of them twice" if same else "Seeds are measured at unequal steps"
    note = (
        f"{measured}; read at {len(grid)} steps of {_words(middle)}, from {grid[0]:g} to {grid[-1]:g}, {how}."
        f"{_left_out(runs)}"
    )
    if align == "linear":
        note += _without_counts(runs)
    return Aligned([at_steps(run, grid) for run in runs], note)


def combine(runs: Sequence[RunCurve], value_name: str, unit: str = "", good: str = "") -> CurveSet:
    """Runs that share their steps as one set; a seed that an arm lacks is NaN."""
    arms = list(dict.fromkeys(run.arm for run in runs))
    seeds = sorted(dict.fromkeys(run.seed for run in runs), key=label_order)
    _check_once(runs)
    place = [(arms.index(run.arm), seeds.index(run.seed)) for run in runs]
    shape = (len(arms), len(seeds))

    def gathered(arrays: Sequence[Floats]) -> Floats:
        whole = np.full((*shape, *arrays[0].shape), np.nan)
        for index, array in zip(place, arrays, strict=True):
            whole[index] = array
        return whole

    noise = [name for name in NOISE_ARRAYS if any(name in run.noise for run in runs)]
    return CurveSet(
        values=gathered([run.values for run in runs]),
        steps=runs[0].steps,
        arms=tuple(arms),
        seeds=tuple(seeds),
        value_name=value_name,
        unit=unit,
        good=good,
        **{name: gathered(_equally_many([_noise_or_none(run, name) for run in runs])) for name in noise},
    )


def _noise_or_none(run: RunCurve, name: str) -> Floats:
    """NaN where nothing is known of a run's noise, which makes no difference to the other runs."""
    absent = np.full((1,) * (name == "replicates") + run.values.shape, np.nan)
    return run.noise.get(name, absent)


def _equally_many(arrays: Sequence[Floats]) -> list[Floats]:
    """The arrays ``[..., K]``; of replicates ``[R, K]`` with the R of the run with most, filled up by NaN."""
    most = max(len(array) for array in arrays)
    return [
        array if array.ndim == 1 else np.pad(array, ((0, most - len(array)), (0, 0)), constant_values=np.nan)
        for array in arrays
    ]


def label_order(label: str) -> tuple[bool, float, str]:
    """Numbers by size, then words by the alphabet."""
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label


def _words(run: RunCurve) -> str:
    return f"arm {run.arm}, seed {run.seed}"


def _where(run: RunCurve) -> str:
    return f"{run.source}: {_words(run)}" if run.source else _words(run)


def _check_once(runs: Sequence[RunCurve]) -> None:
    known: dict[tuple[str, str], RunCurve] = {}
    for run in runs:
        before = known.setdefault((run.arm, run.seed), run)
        if before is not run:
            raise ConfigError(
                f"{_where(run)} is read a second time (first from {before.source}), expected each seed of an arm once: "
                "name files and folders such as ppo/seed_3"
            )


def _check_steps(run: RunCurve, repeated: bool) -> None:
    if not len(run.steps):
        raise ConfigError(f"{_where(run)} has no value, expected one at each step: leave the run out")
    if np.isinf(run.values).any():
        place = int(np.argmax(np.isinf(run.values)))
        raise ConfigError(
            f"{_where(run)}, step {run.steps[place]:g}: found {run.values[place]}, expected a finite number: "
            "correct it, or leave it empty where nothing was measured"
        )
    if not np.isfinite(run.steps).all():
        place = int(np.argmin(np.isfinite(run.steps)))
        raise ConfigError(f"{_where(run)}: step {place + 1} is {run.steps[place]}, expected a finite number")
    if np.abs(run.steps).max() > _LARGEST_STEP:
        raise ConfigError(
            f"{_where(run)}: found step {np.abs(run.steps).max():g}, expected at most {_LARGEST_STEP:.0f}, up to which "
            "numbers are told apart: subtract the first step or divide all of them, or name another column with --step"
        )
    change = np.diff(run.steps)
    if (change < 0).any():
        place = int(np.argmax(change < 0))
        raise ConfigError(
            f"{_where(run)}: step {run.steps[place]:g} is followed by {run.steps[place + 1]:g}, expected steps that "
            "increase: sort the rows by step, or name the right column with --step"
        )
    if not repeated and _repeats(run):
        place = int(np.argmax(change == 0))
        raise ConfigError(
            f"{_where(run)}: step {run.steps[place]:g} occurs twice, expected one value a step: name what tells them "
            f"apart with --arm or --seed, or take means with --align=bins:{_EXAMPLE_BINS}"
        )


def _repeats(run: RunCurve) -> bool:
    return bool((np.diff(run.steps) == 0).any())


def _left_out(runs: Sequence[RunCurve]) -> str:
    """Of steps that occur more than once all values but the last are left out; empty where there are none."""
    number = sum(int((np.diff(run.steps) == 0).sum()) for run in runs)
    if not number:
        return ""
    first = next(run for run in runs if _repeats(run))
    step = first.steps[int(np.argmax(np.diff(first.steps) == 0))]
    return (
        f" Values left out since their step has a later one: {number}, the first at step {step:g} of {_words(first)}."
    )


def _with_missing(runs: Sequence[RunCurve], steps: Floats) -> Aligned:
    """The runs on steps of which each has some, NaN at the others."""

    def spread(run: RunCurve, array: Floats) -> Floats:
        wide = np.full((*array.shape[:-1], len(steps)), np.nan)
        wide[..., np.isin(steps, run.steps)] = array
        return wide

    short = sum(len(run.steps) < len(steps) for run in runs)
    padded = [
        replace(
            run,
            steps=steps,
            values=spread(run, run.values),
            noise={name: spread(run, array) for name, array in run.noise.items()},
        )
        for run in runs
    ]
    return Aligned(padded, f"{short} of {len(runs)} runs lack some of the {len(steps)} steps.")


def _unequal(first: RunCurve, other: RunCurve, nested: bool) -> str:
    missing = "allow seeds to lack values by --allow_missing, or " if nested else ""
    return (
        f"{first.source + ': ' if first.source else ''}seeds have unequal steps: {_words(first)} has {_steps(first)}, "
        f"{_words(other)} has {_steps(other)}, expected the same steps in all: {missing}give --align=previous, "
        f"--align=linear or --align=bins:{_EXAMPLE_BINS}"
    )


def _steps(run: RunCurve) -> str:
    return f"{len(run.steps)} from {run.steps[0]:g} to {run.steps[-1]:g}"


def _shared_range(grid: Floats, runs: Sequence[RunCurve]) -> Floats:
    """The steps at which every run has a value; all of them where that would lose many."""
    first, last = max(run.steps[0] for run in runs), min(run.steps[-1] for run in runs)
    shared = grid[(grid >= first) & (grid <= last)]
    return shared if len(shared) >= _SHARED * len(grid) else grid


def _previous(run: RunCurve, grid: Floats) -> RunCurve:
    place = np.searchsorted(run.steps, grid, side="right") - 1
    inside = (place >= 0) & (grid <= run.steps[-1])

    def taken(array: Floats) -> Floats:
        return np.where(inside, array[..., np.maximum(place, 0)], np.nan)

    noise = {name: taken(array) for name, array in run.noise.items()}
    return replace(run, steps=grid, values=taken(run.values), noise=noise)


def _linear(run: RunCurve, grid: Floats) -> RunCurve:
    known = ~np.isnan(run.values)
    values, noise = np.full(len(grid), np.nan), {}
    if known.any():
        noise = noise_on_line(run, grid)
        values = np.interp(grid, run.steps[known], run.values[known], left=np.nan, right=np.nan)
    return replace(run, steps=grid, values=values, noise=noise)


def _binned(runs: Sequence[RunCurve], bins: int) -> Aligned:
    last = max(run.steps[-1] for run in runs)
    below = next((run for run in runs if run.steps[0] < 0), None)
    if below is not None or last <= 0:
        found = below or runs[0]
        raise ConfigError(f"{_where(found)} has {_steps(found)}: expected steps from 0 up for --align=bins:{bins}")
    edges = np.linspace(0, last, bins + 1)
    note = f"Values are means within {bins} equal windows of {edges[1]:g} steps; a step stands for its window's end."
    return Aligned([window_means(run, edges) for run in runs], note + _without_counts(runs))


def _without_counts(runs: Sequence[RunCurve]) -> str:
    return f" {COUNTS_LEFT_OUT}" if any(has_counts(run) for run in runs) else ""
