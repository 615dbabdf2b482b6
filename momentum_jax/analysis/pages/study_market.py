"""The parts of a study on one market, and every seed's outcome in every arm."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.dips.dips import landmark_depth
from momentum_jax.analysis.dips.drawdowns import largest_drawdown
from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.metrics.derived_curves import derive_curves, failed_steps
from momentum_jax.analysis.metrics.metric_curves import primary_curve
from momentum_jax.analysis.pages.condensed import read_condensed
from momentum_jax.run_directory import RunDirectoryError, diagnostics_of
from momentum_jax.run_directory.joining import join_runs
from momentum_jax.study import DECLARATION_NAME

Floats = npt.NDArray[np.float64]


class Outcome(NamedTuple):
    """What became of each seed of an arm; arrays ``[seed]``, NaN for seeds that failed.

    A depth is of the environment's primary metric: the largest fall against its good direction within the horizon.
    """

    part: str
    arm: str
    confirmatory: bool
    seeds: npt.NDArray[np.int64]
    depth: Floats  # in the metric's exact form where it has one, points of a percentage, else its unit
    temporary_depth: Floats  # the largest such fall that came back
    windowed_depth: Floats  # in the metric's windowed form
    landmark: Floats  # the exact form at 10 000 steps less that at 5 000
    peak_step: Floats  # step at which that depth is reached; NaN too without a fall


class Market:
    """A folder with `study.json` and one condensed run per part.

    Attributes:
        folder: where they lie.
        name: of the folder.
        declaration: what `study.json` holds.
        horizon: environment steps within which a trough counts.
        threshold: smallest depth that counts as a dip, points.
        parts: datasets by part, in the declared order.

    Raises:
        RunDirectoryError: there is no declaration or no part, or one cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.declaration = read_declaration(folder)
        self.horizon, self.threshold = self.declaration["horizon"], self.declaration["threshold"]
        order = {name: place for place, name in enumerate(declared_parts(self.declaration))}
        files = sorted(folder.glob("*.npz"), key=lambda file: order.get(file.stem, len(order)))
        if not files:
            raise RunDirectoryError(f"{folder}: no condensed run")
        self.parts: dict[str, xr.Dataset] = {file.stem: read_condensed(file) for file in files}
        self._joined: dict[tuple[str, ...], xr.Dataset] = {}

    def joined(self, names: Sequence[str]) -> xr.Dataset | None:
        """The arms of those of these parts that are there, over common seeds and checkpoints; None without any."""
        found = tuple(name for name in names if name in self.parts)
        if found and found not in self._joined:
            self._joined[found] = join_runs([self.parts[name] for name in found], found)
        return self._joined.get(found)

    @functools.cached_property
    def outcomes(self) -> list[Outcome]:
        """Every arm of every part, in the declared order."""
        return [outcome for name in self.parts for outcome in self._of_part(name)]

    def outcome(self, arm: str, part: str | None = None) -> Outcome | None:
        """The first arm of that name, or the one of that part; None where it was not run."""
        return next((o for o in self.outcomes if o.arm == arm and part in (None, o.part)), None)

    def arms(self, part: str) -> list[dict[str, Any]]:
        """The settings of a part's arms."""
        return json.loads(self.parts[part].attrs["config"])["arms"]

    def _of_part(self, name: str) -> Iterator[Outcome]:
        ds = self.parts[name]
        steady, steps, curves = primary_curve(diagnostics_of(ds)), ds["env_steps"].values, derive_curves(ds)
        sign, windowed_name = steady.sign, steady.metric.curves.get("windowed", steady.name)
        healthy = failed_steps(ds).transpose("arm", "seed").values < 0
        exact, windowed = (
            curves[curve].transpose("arm", "seed", "checkpoint").values for curve in (steady.name, windowed_name)
        )
        for index, arm in enumerate(ds["arm"].values):
            largest = largest_drawdown(steps, exact[index], sign, self.horizon)
            numbers = (
                largest.depth,
                largest.temporary_depth,
                largest_drawdown(steps, windowed[index], sign, self.horizon).depth,
                landmark_depth(steps, exact[index], *early_steps(ds).landmarks),
                largest.trough_step,
            )
            known = [np.where(healthy[index], values, np.nan) for values in numbers]
            confirmatory = name in self.declaration["confirmatory"]
            yield Outcome(name, str(arm), confirmatory, ds["seed"].values, *known)


def read_declaration(folder: Path) -> dict[str, Any]:
    """What a study's folder of runs, or of condensed ones, was declared to be.

    Raises:
        RunDirectoryError: there is no declaration, or it cannot be read.
    """
    path = folder / DECLARATION_NAME
    if not path.is_file():
        raise RunDirectoryError(f"{path}: not found, so {folder} is not a study's market")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunDirectoryError(f"{path}: damaged, it holds no JSON ({error})") from None


def declared_parts(declaration: dict[str, Any]) -> list[str]:
    """The names of a declaration's parts, those added later last."""
    return [*declaration["parts"], *declaration.get("added", [])]


def paired(outcome: Outcome, reference: Outcome, number: str = "depth") -> tuple[Floats, Floats]:
    """A number of the two arms on the seeds that both have, in the same order."""
    common = np.intersect1d(outcome.seeds, reference.seeds)
    first, second = (getattr(o, number)[np.searchsorted(o.seeds, common)] for o in (outcome, reference))
    return first, second
