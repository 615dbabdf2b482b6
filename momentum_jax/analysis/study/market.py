"""The parts of a study on one market, and every seed's outcome in every arm."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from momentum_jax.analysis.dips.dips import landmark_depth
from momentum_jax.analysis.dips.drawdowns import largest_drawdown
from momentum_jax.analysis.metrics.curves import derive_curves, failed_steps
from momentum_jax.analysis.study.condensed import read_condensed
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import SCENARIOS
from momentum_jax.run_directory import RunDirectoryError
from momentum_jax.run_directory.joining import join_runs
from momentum_jax.study import DECLARATION_NAME

Floats = npt.NDArray[np.float64]

REFERENCE, TRAP_MENDED = "tune2", "trim_reduces_cost"
MAIN_PARTS = ("reproduction", "main_causes", "controls")


# The parts that tables read, and the arms that they compare with.
REFERENCES = {"reproduction": REFERENCE, "main_causes": TRAP_MENDED}
PAGE_PARTS = (
    *MAIN_PARTS,
    "streams",
    "dose",
    "switches",
    "rewards",
    "learner",
    "full",
    "several_envs",
    "vix_previous",
    *(scenario for scenario in SCENARIOS if scenario != "mixed"),
    "other_bars",
    "rest",
    "random_episodes",
    "ladders",
)


def check_parts(declaration: Mapping[str, Any], path: Path) -> None:
    """Refuse a study whose parts a page has no tables for: it would call *not run* what was run.

    Raises:
        ConfigError: naming what is missing, and what no table reads.
    """
    declared = [*declaration["parts"], *declaration.get("added", [])]
    missing = [part for part in REFERENCES if part not in declared]
    unread = [part for part in declared if part not in PAGE_PARTS]
    if not missing and not unread:
        return
    wrong = [f"it has no part {', '.join(missing)}"] if missing else []
    wrong += [f"no table reads its part {', '.join(unread)}"] if unread else []
    raise ConfigError(
        f"{path}: pages are made of the parts of early_dip only, and study {declaration['name']!r} has others: "
        f"{'; '.join(wrong)}. Compare its runs with: python -m momentum_jax.report RUN [RUN...]"
    )


class Outcome(NamedTuple):
    """What became of each seed of an arm; arrays ``[seed]``, NaN for seeds that failed."""

    part: str
    arm: str
    confirmatory: bool
    seeds: npt.NDArray[np.int64]
    depth: Floats  # largest rise of exact P(HOLD) within the horizon, points
    temporary_depth: Floats  # largest rise of it that came back, points
    windowed_depth: Floats  # the same of windowed HOLD %
    landmark: Floats  # exact P(HOLD) at 10 000 less that at 5 000 steps
    peak_step: Floats  # step at which that depth is reached; NaN too without a rise


class Market:
    """A folder with `study.json` and one condensed run per part.

    Raises:
        RunDirectoryError: there is no declaration or no part, or one cannot be read, or an arm is missing.
        ConfigError: the study has other parts than those of a page.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / DECLARATION_NAME
        if not path.exists():
            raise RunDirectoryError(f"{path}: not found, so {folder} is not a study's market")
        self.name = folder.name
        self.declaration: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        check_parts(self.declaration, path)
        self.horizon, self.threshold = self.declaration["horizon"], self.declaration["threshold"]
        names = self.declaration["parts"] + self.declaration.get("added", [])
        order = {name: place for place, name in enumerate(names)}
        files = sorted(folder.glob("*.npz"), key=lambda file: order.get(file.stem, len(order)))
        if not files:
            raise RunDirectoryError(f"{folder}: no condensed run")
        self.parts: dict[str, xr.Dataset] = {file.stem: read_condensed(file) for file in files}
        for part, arm in REFERENCES.items():
            found = self.parts[part]["arm"].values.tolist() if part in self.parts else [arm]
            if arm not in found:
                raise RunDirectoryError(
                    f"{folder / part}.npz: no arm {arm!r}, which every table compares with, among {', '.join(found)}"
                )

    def joined(self, names: Sequence[str]) -> xr.Dataset | None:
        """The arms of those of these parts that are there, over common seeds and checkpoints; None without any."""
        found = [name for name in names if name in self.parts]
        return join_runs([self.parts[name] for name in found], found) if found else None

    @functools.cached_property
    def main(self) -> xr.Dataset | None:
        """The confirmatory arms that share their seeds and their length."""
        return self.joined(MAIN_PARTS)

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
        curves, steps = derive_curves(ds), ds["env_steps"].values
        healthy = failed_steps(ds).transpose("arm", "seed").values < 0
        exact, windowed = (curves[c].transpose("arm", "seed", "checkpoint").values for c in ("p_hold", "hold_pct"))
        for index, arm in enumerate(ds["arm"].values):
            largest = largest_drawdown(steps, exact[index], -1, self.horizon)
            numbers = (
                largest.depth,
                largest.temporary_depth,
                largest_drawdown(steps, windowed[index], -1, self.horizon).depth,
                landmark_depth(steps, exact[index]),
                largest.trough_step,
            )
            known = [np.where(healthy[index], values, np.nan) for values in numbers]
            confirmatory = name in self.declaration["confirmatory"]
            yield Outcome(name, str(arm), confirmatory, ds["seed"].values, *known)


def paired(outcome: Outcome, reference: Outcome, number: str = "depth") -> tuple[Floats, Floats]:
    """A number of the two arms on the seeds that both have, in the same order."""
    common = np.intersect1d(outcome.seeds, reference.seeds)
    first, second = (getattr(o, number)[np.searchsorted(o.seeds, common)] for o in (outcome, reference))
    return first, second
