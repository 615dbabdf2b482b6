"""What was published of earlier runs, and where its numbers lie among the seeds of a run.

The facts belong to the study that repeats those runs: its module `published` defines ``PUBLISHED``, a `Published`, and
`experiments.published` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.inference.placement import place_among
from momentum_jax.analysis.report.run_tables import table_values
from momentum_jax.config.declared_claims import Claim
from momentum_jax.config.experiment_file import shipped

SeedFlags = Callable[[xr.Dataset], npt.NDArray[np.bool_]]
"""From a run with one arm to a flag of each seed, ``[seed]``."""


@dataclass(frozen=True, kw_only=True)
class PublishedPoint:
    """One published checkpoint of a run: percentages by metric, those that were not published left out.

    Attributes:
        env_steps: its step.
        cumulative: percent since step 0.
        windowed: percent since the run's point before; empty where it is not known.
    """

    env_steps: int
    cumulative: Mapping[str, float]
    windowed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """One published run.

    Attributes:
        name: as it was published.
        points: in the order of their steps.
        settings: what it changed of `Published.defaults`; None where its settings are not those of any arm here.
    """

    name: str
    points: tuple[PublishedPoint, ...] = ()
    settings: Mapping[str, Any] | None = None

    @property
    def has_windows(self) -> bool:
        """Whether its windows are known."""
        return bool(self.points) and all(point.windowed for point in self.points)

    def windows(self) -> pd.DataFrame:
        """Windowed percentages, a column per metric, indexed by ``env_steps``, the window's end; ``start`` begins it.

        Raises:
            ValueError: they are not known.
        """
        if not self.has_windows:
            raise ValueError(f"run {self.name!r} was published without counts, so its windows are unknown")
        index = pd.Index([point.env_steps for point in self.points], name="env_steps")
        starts = pd.DataFrame({"start": [0, *index[:-1]]}, index)
        return starts.join(pd.DataFrame([dict(point.windowed) for point in self.points], index))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A claim that is a rule and not a number, judged by what becomes of the seeds that it selects.

    Attributes:
        arm: published run whose arm it is judged on.
        step: checkpoint that the run needs for it.
        selects: the seeds that it selects.
        succeeds: the seeds that end well.
        maximum: largest share of the selected seeds, percent, that may end well where the rule is right.
        words: what the number is; ``{selected}`` and ``{seeds}`` become their numbers.
        none_selected: why it is undecided where it selects no seed.
    """

    arm: str
    step: int
    selects: SeedFlags
    succeeds: SeedFlags
    maximum: float
    words: str
    none_selected: str


@dataclass(frozen=True, kw_only=True)
class TradingClaim:
    """A claim on an evaluation, on days that no policy has seen.

    Attributes:
        arm: published run whose arm it is judged on.
        trades_per_day: from more than the first to the second.
        win_rate: per cent of the trades that gain, more than this.
    """

    arm: str
    trades_per_day: tuple[float, float]
    win_rate: float


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was published of several runs.

    Attributes:
        symbol: of the bars that they were trained on.
        defaults: settings of an arm, those of its environment and its learner in one mapping.
        runs: with their numbers.
        claims: what was claimed of them.
        rules: by the name of the claim that is a rule.
        trading: by the name of the claim that an evaluation judges.
    """

    symbol: str
    defaults: Mapping[str, Any]
    runs: tuple[PublishedRun, ...]
    claims: tuple[Claim, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)
    trading: Mapping[str, TradingClaim] = field(default_factory=dict)


def published_sources() -> tuple[Published, ...]:
    """What the shipped studies repeat."""
    return tuple(shipped().published())


def published_percentiles(ds: xr.Dataset, run: PublishedRun, arm: str) -> pd.DataFrame:
    """Where the published numbers of a run lie among the seeds of an arm.

    Args:
        ds: a loaded run.
        run: the published run; windows are compared where they are known.
        arm: arm of `ds`.

    Returns:
        One row per published step that the run has, ``counted`` (cumulative, or windowed
        between the published steps) and ``metric``: the ``published`` percentage, the number of
        ``seeds`` with a value, their ``seeds_median, seeds_min, seeds_max``, and ``percentile``
        (0 to 100, ties count half; NaN without seeds), the
        ``prediction_low, prediction_high`` for one more run with their ``prediction_confidence``, and
        ``place_p``, the two-sided chance of a place this far out (see `place_among`).
    """
    steps = [point.env_steps for point in run.points]
    values = table_values(ds, steps).sel(arm=arm)
    row_of = {step: row for row, step in enumerate(values["env_steps"].values.tolist())}
    rows = []
    for point, start in zip(run.points, [0, *steps], strict=False):
        if point.env_steps not in row_of:
            continue
        # A window is comparable only where the run has its beginning too.
        windowed = point.windowed if run.has_windows and (start == 0 or start in row_of) else {}
        for counted, facts in (("cumulative", point.cumulative), ("windowed", windowed)):
            at_step = values.isel(checkpoint=row_of[point.env_steps]).sel(counted=counted)
            for metric, percent in facts.items():
                place = _place(percent, at_step[metric].values)
                rows.append({"env_steps": point.env_steps, "counted": counted, "metric": metric, **place})
    return pd.DataFrame(rows)


def _place(published: float, seeds: npt.NDArray[np.float64]) -> dict[str, float]:
    known = seeds[~np.isnan(seeds)]
    place = place_among(published, seeds)
    if not len(known):
        known = np.array([np.nan])
    return {
        "published": published,
        "seeds": int((~np.isnan(known)).sum()),
        "seeds_median": float(np.median(known)),
        "seeds_min": float(known.min()),
        "seeds_max": float(known.max()),
        "percentile": place.percentile,
        "prediction_low": place.low,
        "prediction_high": place.high,
        "prediction_confidence": place.confidence,
        "place_p": place.p_value,
    }
