"""Claims judged in every universe: each combination of horizon, threshold, baseline and metric's form.

A number depends on choices that nobody can make for certain: until which step it is read, from which step a rise is
measured, how small a move is none, and whether probabilities or decisions are read. A claim that holds by one choice
alone is not one to rely on (Steegen et al. 2016, Perspectives on Psychological Science 11).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.criterion_tests import Compared, tested
from momentum_jax.analysis.claims.published_arms import find_arm
from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.inference.verdict import Verdict
from momentum_jax.analysis.metrics.derived_curves import healthy
from momentum_jax.config.declared_claims import Claim, Criterion

VARIED = ("change", "depth")  # quantities that have a baseline and a horizon
_GROUP = ["claim", "number", "counted"]


class Choices(NamedTuple):
    """What is varied."""

    horizons: Sequence[int]  # environment steps by which a trough counts, and at which a change is read
    thresholds: Sequence[float]  # points: a seed's smaller depth or change counts as 0
    baselines: Sequence[int]  # environment steps from which both are measured


class Universe(NamedTuple):
    """One choice of each, beside the form."""

    baseline: int
    horizon: int
    threshold: float


class UniverseNumbers(RunNumbers):
    """Numbers of a run where a move below the threshold is none.

    A change is read off the curve itself: windows of a grid of its own have no rows in the tables of published steps.
    """

    def __init__(self, ds: xr.Dataset) -> None:
        super().__init__(ds)
        self.threshold = 0.0

    def per_seed(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """As `RunNumbers.per_seed` of a depth or a change; 0 where its size does not reach the threshold."""
        move = super().per_seed(criterion, counted, arm)
        return np.where(reaches(np.abs(move), self.threshold) | np.isnan(move), move, 0.0)

    def _measured(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        if criterion.quantity != "change":
            return super()._measured(criterion, counted, arm)
        steps, curve = self.ds["env_steps"].values, self._dip_curve(criterion, counted, arm)
        there = ~np.isnan(curve).all(axis=0)  # a window that ends at step 0 has counted nothing
        rows = np.flatnonzero((steps >= criterion.from_step) & (steps <= criterion.step) & there)
        usable = healthy(self.ds).isel(checkpoint=-1).sel(arm=arm).values
        if len(rows) < 2:
            return np.full(len(usable), np.nan)
        return np.where(usable, curve[:, rows[-1]] - curve[:, rows[0]], np.nan)


def universes(runs: Mapping[str, xr.Dataset], claims: Sequence[Claim], choices: Choices) -> pd.DataFrame:
    """The verdict on each claim's criteria of a depth or a change in every universe, each by itself at 5 %.

    Args:
        runs: by the metric's form, the dataset in which it is read; of windows one with windows that are long enough.
        claims: their criteria of levels and shares of seeds are left out, and so are those on arms that are not there,
            and horizons that the run does not reach. Criteria that differ in their steps alone are one. One that starts
            at none of the baselines, as a recovery does, keeps its start.
        choices: what is varied beside the form.

    Returns:
        A row per claim, number and universe:
        ``claim, number, counted, baseline, horizon, threshold, estimate, low, high, verdict``.
    """
    rows = []
    for counted, ds in runs.items():
        run, end = UniverseNumbers(ds), int(ds["env_steps"].values[-1])
        for claim, criterion in _varied(claims):
            arms = [find_arm(ds, name) for name in criterion.arms]
            if None in arms:
                continue
            first, *others = (arm or "" for arm in arms)
            for universe in _universes_of(criterion, choices, end):
                run.threshold = universe.threshold
                own = dataclasses.replace(criterion, from_step=universe.baseline, step=universe.horizon)
                found = tested(Compared(run, own, first, tuple(others)), counted, CONFIDENCE)
                row: dict[str, object] = {"claim": claim.name, "number": criterion.quantity, "counted": counted}
                row |= universe._asdict()
                row |= {name: getattr(found.interval, name) for name in ("estimate", "low", "high")}
                rows.append(row | {"verdict": found.decision.verdict.value})
    return pd.DataFrame(rows)


def _varied(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Criterion]]:
    """Each claim's criteria, those that differ in their horizons alone once."""
    for claim in claims:
        alike = {dataclasses.replace(one, step=0): one for one in claim.criteria if one.quantity in VARIED}
        yield from ((claim, criterion) for criterion in alike.values())


def _universes_of(criterion: Criterion, choices: Choices, end: int) -> Iterator[Universe]:
    starts_later = criterion.from_step not in choices.baselines
    baselines = [criterion.from_step] if starts_later else choices.baselines
    every = map(Universe._make, itertools.product(baselines, choices.horizons, choices.thresholds))
    return (universe for universe in every if universe.baseline < universe.horizon <= end)


_SIGNS = {Verdict.SUPPORTED.value: "+", Verdict.NOT_SUPPORTED.value: "−", Verdict.UNDECIDED.value: "?"}


def by_horizon(cells: pd.DataFrame) -> pd.DataFrame:
    """To read: a row per claim, number and form, a column per horizon, in it a sign for each threshold in turn.

    Args:
        cells: as `universes` returns them.

    Returns:
        ``+`` where the claim is supported, ``−`` where it is not, ``?`` where it is undecided; from each baseline in
        turn, with a stroke between them.
    """
    rows = []
    for key, own in cells.groupby(_GROUP, sort=False):
        row: dict[str, object] = dict(zip(_GROUP, key, strict=True))
        for horizon, at in own.groupby("horizon"):
            signs = at.sort_values("threshold")["verdict"].map(_SIGNS).groupby(at["baseline"])
            row[f"by_{horizon}"] = " / ".join("".join(of_baseline) for _, of_baseline in signs)
        rows.append(row)
    columns = [f"by_{horizon}" for horizon in sorted(cells["horizon"].unique())]
    return pd.DataFrame(rows)[[*_GROUP, *columns]]


def verdict_shares(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per claim and number: in how many universes it is supported, not supported and undecided, and what matters.

    Args:
        cells: as `universes` returns them.

    Returns:
        ``claim, number, universes``, a column for each verdict, and ``depends_on``: the choices of which a single one,
        the others as they are, turns a support into a refutation somewhere.
    """
    rows = []
    for (claim, number), own in cells.groupby(["claim", "number"], sort=False):
        counts = own["verdict"].value_counts()
        row: dict[str, object] = {"claim": claim, "number": number, "universes": len(own)}
        row |= {verdict.value: int(counts.get(verdict.value, 0)) for verdict in Verdict}
        rows.append(row | {"depends_on": ", ".join(_turning(own)) or "none"})
    return pd.DataFrame(rows)


def _turning(cells: pd.DataFrame) -> Iterator[str]:
    """The choices that alone make the difference between supported and not supported."""
    names = ("counted", "baseline", "horizon", "threshold")
    opposite = {Verdict.SUPPORTED.value, Verdict.NOT_SUPPORTED.value}
    for name in names:
        others = [other for other in names if other != name]
        groups = cells.groupby(others)["verdict"]
        if any(opposite <= set(verdicts) for _, verdicts in groups):
            yield name
