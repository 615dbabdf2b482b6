"""The published runs' numbers, as facts, and where they lie among the seeds of a run.

Published percentages are cumulative from step 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.inference.prediction import place_among
from momentum_jax.analysis.report.run_tables import table_percentages


class PublishedPoint(NamedTuple):
    """One published checkpoint of one run; None where nothing was published."""

    run: str
    env_steps: int
    hold_pct: float | None  # of the decisions taken while flat, like the next two
    call_pct: float | None
    put_pct: float | None
    strong_buy_pct: float | None  # buys, of the flat decisions at a strong setup
    hold_count: int | None = None
    call_count: int | None = None
    put_count: int | None = None
    strong_count: int | None = None  # flat decisions at a strong setup
    good_buy: int | None = None
    missed_opportunity: int | None = None
    bad_chase: int | None = None


PUBLISHED: tuple[PublishedPoint, ...] = (
    PublishedPoint("tune2", 5_000, 54.9, 24.9, 20.2, 46.6, 1477, 671, 544, 1272, 593, 679, 23),
    PublishedPoint("tune2", 10_000, 63.0, 21.5, 15.6, 37.5, 3896, 1327, 962, 3010, 1130, 1880, 44),
    PublishedPoint("tune2", 25_000, 52.9, 26.5, 20.6, 49.1, 7566, 3787, 2937, 6758, 3321, 3437, 99),
    PublishedPoint("tune2", 50_000, 47.1, 30.6, 22.3, 56.9, 8770, 5693, 4159, 8634, 4912, 3722, 160),
    PublishedPoint("tune2", 100_000, 38.2, 40.1, 21.7, 68.3, 9102, 9554, 5166, 12013, 8203, 3810, 330),
    PublishedPoint("baseline", 5_000, 55.8, 20.7, 23.4, 45.9),
    PublishedPoint("baseline", 10_000, 76.0, 11.5, 12.5, 24.4),
    PublishedPoint("baseline", 15_000, 84.1, 7.7, 8.3, 16.3),
    PublishedPoint("baseline", 85_000, 87.2, 6.4, 6.3, 14.5),
    PublishedPoint("tune1", 5_000, 54.9, 24.1, 21.0, 45.9),
    PublishedPoint("tune1", 10_000, 61.4, 22.1, 16.4, 39.2),
    PublishedPoint("full", 5_000, 51.1, 23.5, 25.4, 50.6),
    PublishedPoint("full", 10_000, 58.2, 20.5, 21.3, 43.9),
    PublishedPoint("full", 25_000, 45.5, 27.8, 26.7, 58.6),
    PublishedPoint("full", 50_000, 43.7, 29.4, 27.0, 64.6, None, None, None, None, 5232, 2864, 180),
    PublishedPoint("full", 500_000, 11.6, None, None, 94.9),
    PublishedPoint("v3", 5_000, 20.4, 16.0, 15.9, 32.9, None, None, None, None, 444, 267),
    PublishedPoint("v3", 10_000, 24.9, 11.8, 11.0, 23.2, None, None, None, None, 753, 807),
    PublishedPoint("v3", 25_000, 25.2, 7.6, 7.6, 15.0, None, None, None, None, 1396, 2348),
    PublishedPoint("v3", 50_000, 23.4, 9.8, 10.5, 19.8, None, None, None, None, 3351, 3942),
    PublishedPoint("v3", 100_000, 23.1, 11.7, 12.4, 23.6, None, None, None, None, 4335, 4251),
    PublishedPoint("v3", 500_000, 23.0, 11.9, 12.5, 23.8, None, None, None, None, 4394, 4251),
)
PUBLISHED_RUNS = tuple(dict.fromkeys(point.run for point in PUBLISHED))


def published_table(run: str) -> pd.DataFrame:
    """Published points of one run, indexed by ``env_steps``; NaN where nothing was published.

    Raises:
        KeyError: no such run was published.
    """
    table = pd.DataFrame(PUBLISHED, columns=list(PublishedPoint._fields)).set_index("run")
    return table.loc[[run]].set_index("env_steps").astype(float)


def published_windows(run: str) -> pd.DataFrame:
    """The published counts per window, which the cumulative percentages hide.

    Returns:
        Indexed by ``env_steps`` (the window's end): ``start`` (its beginning) and the
        percentages ``hold_pct, call_pct, put_pct, strong_buy_pct`` within the window.

    Raises:
        KeyError: no such run was published.
        ValueError: the run was published without counts.
    """
    points = published_table(run)
    names = ["hold_count", "call_count", "put_count", "strong_count", "good_buy"]
    if points[names].isna().any(axis=None):
        raise ValueError(f"run {run!r} was published without counts, so its windows are unknown")
    counts = points[names].diff().fillna(points[names])
    flat = counts[["hold_count", "call_count", "put_count"]].sum(axis=1)
    return pd.DataFrame(
        {
            "start": np.concatenate([[0], points.index[:-1]]),
            "hold_pct": 100 * counts["hold_count"] / flat,
            "call_pct": 100 * counts["call_count"] / flat,
            "put_pct": 100 * counts["put_count"] / flat,
            "strong_buy_pct": 100 * counts["good_buy"] / counts["strong_count"],
        }
    )


def published_percentiles(ds: xr.Dataset, run: str, arm: str | None = None) -> pd.DataFrame:
    """Where the published numbers of a run lie among the seeds of an arm.

    Args:
        ds: a loaded run.
        run: the published run; windows are compared where it was published with counts.
        arm: arm of `ds`, by default the one of the published run's name.

    Returns:
        One row per published step that the run has, ``counted`` (cumulative, or windowed
        between the published steps) and ``metric``: the ``published`` percentage, the number of
        ``seeds`` with a value, their ``seeds_median, seeds_min, seeds_max``, and ``percentile``
        (0 to 100, ties count half; NaN without seeds), the
        ``prediction_low, prediction_high`` for one more run with their ``prediction_confidence``, and
        ``place_p``, the two-sided chance of a place this far out (see `place_among`).
    """
    points = published_table(run)
    with_counts = points[["hold_count", "strong_count"]].notna().all(axis=None)
    facts = {"cumulative": points} | ({"windowed": published_windows(run)} if with_counts else {})
    steps = [int(step) for step in points.index]
    values = table_percentages(ds, steps).sel(arm=arm or run)
    row_of = {step: row for row, step in enumerate(values["env_steps"].values.tolist())}
    rows = []
    for step, start in zip(steps, [0, *steps], strict=False):
        # A window is comparable only where the run has its beginning too.
        kinds = list(facts) if start == 0 or start in row_of else ["cumulative"]
        for counted in kinds if step in row_of else []:
            at_step = values.isel(checkpoint=row_of[step]).sel(counted=counted)
            for metric in ("hold_pct", "call_pct", "put_pct", "strong_buy_pct"):
                published = facts[counted][metric].loc[step]
                if not np.isnan(published):
                    place = _place(published, at_step[metric].values)
                    rows.append({"env_steps": step, "counted": counted, "metric": metric, **place})
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
