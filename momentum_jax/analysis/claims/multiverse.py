"""Claims about depths judged in every universe: each combination of horizon, threshold, baseline and metric's form.

A depth depends on choices that nobody can make for certain: until which step a trough counts, from which step the rise
is measured, how small a rise is none, and whether probabilities or decisions are read. A claim that holds by one
choice alone is not one to rely on (Steegen et al. 2016, Perspectives on Psychological Science 11).
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
from momentum_jax.config.declared_claims import Claim, Criterion


class Choices(NamedTuple):
    """What is varied."""

    horizons: Sequence[int]  # environment steps by which a trough counts
    thresholds: Sequence[float]  # points: a shallower depth counts as 0
    baselines: Sequence[int]  # environment steps from which depth is measured


class ThresholdedNumbers(RunNumbers):
    """Numbers of a run where a depth below the threshold is none."""

    def __init__(self, ds: xr.Dataset) -> None:
        super().__init__(ds)
        self.threshold = 0.0

    def per_seed(self, criterion: Criterion, counted: str, arm: str) -> npt.NDArray[np.float64]:
        """As `RunNumbers.per_seed` of a depth; 0 where it does not reach the threshold."""
        depth = super().per_seed(criterion, counted, arm)
        return np.where(reaches(depth, self.threshold) | np.isnan(depth), depth, 0.0)


def universes(runs: Mapping[str, xr.Dataset], claims: Sequence[Claim], choices: Choices) -> pd.DataFrame:
    """The verdict on each claim's criterion of depth in every universe, each by itself at 5 %.

    Args:
        runs: by the metric's form, the dataset in which it is read; of windows one with windows that are long enough.
        claims: those without a criterion of depth are left out, and so are those on arms that are not there, and
            horizons that the run does not reach.
        choices: what is varied beside the form.

    Returns:
        A row per claim and universe: ``claim, counted, baseline, horizon, threshold, estimate, low, high, verdict``.
    """
    rows = []
    for counted, ds in runs.items():
        run, end = ThresholdedNumbers(ds), int(ds["env_steps"].values[-1])
        horizons = [horizon for horizon in choices.horizons if horizon <= end]
        for claim, criterion in _depths(claims):
            arms = [find_arm(ds, name) for name in criterion.arms]
            if None in arms:
                continue
            first, *others = (arm or "" for arm in arms)
            for baseline, horizon, threshold in itertools.product(choices.baselines, horizons, choices.thresholds):
                run.threshold = threshold
                own = dataclasses.replace(criterion, from_step=baseline, step=horizon)
                found = tested(Compared(run, own, first, tuple(others)), counted, CONFIDENCE)
                rows.append(
                    {
                        "claim": claim.name,
                        "counted": counted,
                        "baseline": baseline,
                        "horizon": horizon,
                        "threshold": threshold,
                        "estimate": found.interval.estimate,
                        "low": found.interval.low,
                        "high": found.interval.high,
                        "verdict": found.decision.verdict.value,
                    }
                )
    return pd.DataFrame(rows)


def _depths(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Criterion]]:
    for claim in claims:
        for criterion in claim.criteria:
            if criterion.quantity == "depth":
                yield claim, criterion


_SIGNS = {Verdict.SUPPORTED.value: "+", Verdict.NOT_SUPPORTED.value: "−", Verdict.UNDECIDED.value: "?"}


def by_horizon(cells: pd.DataFrame) -> pd.DataFrame:
    """To read: a row per claim, form and baseline, a column per horizon, a sign for each threshold in turn.

    Args:
        cells: as `universes` returns them.

    Returns:
        ``+`` where the claim is supported, ``−`` where it is not, ``?`` where it is undecided.
    """
    rows = []
    for (claim, counted, baseline), own in cells.groupby(["claim", "counted", "baseline"], sort=False):
        row: dict[str, object] = {"claim": claim, "counted": counted, "baseline": baseline}
        for horizon, at in own.groupby("horizon"):
            row[f"by_{horizon}"] = " ".join(at.sort_values("threshold")["verdict"].map(_SIGNS))
        rows.append(row)
    return pd.DataFrame(rows)


def verdict_shares(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per claim: in how many universes it is supported, not supported and undecided, and which choices matter.

    Args:
        cells: as `universes` returns them.

    Returns:
        ``claim, universes``, a column for each verdict, and ``depends_on``: the choices of which a single one,
        the others as they are, turns a support into a refutation somewhere.
    """
    rows = []
    for name, own in cells.groupby("claim", sort=False):
        counts = own["verdict"].value_counts()
        row: dict[str, object] = {"claim": name, "universes": len(own)}
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
