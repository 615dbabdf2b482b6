"""A picture of a symbol's sessions: a calendar of completeness and one of volume."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.checks.quality_report import QualityReport

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
_CELL_INCHES = 0.24
_LIGHTEST = 0.75  # of the complete session: below this a cell has the palette's last colour


def draw_calendar(report: QualityReport, path: str | Path) -> None:
    """Writes a PNG: per week and weekday the share of bars present, and the median volume against its median.

    Days without a session stay white; excluded sessions are crossed out.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    table = report.table
    dates = pd.DatetimeIndex(table.index)
    weeks, days = _places(dates)
    volume = table["median_volume"].where(table["median_volume"] > 0)
    panels = [
        (
            "bars present, share of the session",
            (table["bars"] / table["expected"]).to_numpy(),
            "viridis",
            (_LIGHTEST, 1.0),
        ),
        (
            "median volume, log2 of its ratio to the median",
            np.log2(volume / volume.median()).to_numpy(),
            "RdBu_r",
            (-3, 3),
        ),
    ]
    width = max(6.5, 1.8 + _CELL_INCHES * (weeks.max() + 1))
    figure, axes = plt.subplots(2, 1, figsize=(width, 5.2), layout="constrained")
    figure.suptitle(_title(report), fontsize=10)
    excluded = dates.isin(pd.DatetimeIndex(list(report.excluded)))
    for axis, (label, values, palette, limits) in zip(axes, panels, strict=True):
        _panel(axis, (weeks, days), values, palette, limits)
        axis.plot(weeks[excluded], days[excluded], "x", color="black", markersize=6)
        axis.set_title(label, fontsize=9, loc="left")
        _label_weeks(axis, dates, weeks)
        if np.isnan(values).all():
            axis.text(0.5, 0.5, "no volume", transform=axis.transAxes, ha="center", va="center")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _title(report: QualityReport) -> str:
    facts = report.summary()
    return (
        f"{report.symbol}: {facts['sessions']} sessions, {facts['missing']:,} bars missing, "
        f"{facts['excluded']} sessions excluded (crossed)"
    )


def _places(dates: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Number of each date's week, counted from the first, and its weekday from Monday = 0."""
    since_monday = dates.to_numpy().astype("datetime64[D]").astype(np.int64) + 3  # 1970-01-01 was a Thursday
    return since_monday // 7 - since_monday[0] // 7, since_monday % 7


def _panel(
    axis: Any, place: tuple[np.ndarray, np.ndarray], values: np.ndarray, palette: str, limits: tuple[float, float]
) -> None:
    weeks, days = place
    grid = np.full((len(_DAYS), weeks.max() + 1), np.nan)
    grid[days, weeks] = values
    image = axis.imshow(grid, cmap=palette, vmin=limits[0], vmax=limits[1], aspect="auto")
    axis.figure.colorbar(image, ax=axis, extend="min" if limits[1] == 1.0 else "both", pad=0.01)
    axis.set_yticks(range(len(_DAYS)), _DAYS, fontsize=8)
    axis.set_xticks(np.arange(-0.5, grid.shape[1]), minor=True)
    axis.set_yticks(np.arange(-0.5, len(_DAYS)), minor=True)
    axis.grid(which="minor", color="white", linewidth=1)
    axis.tick_params(which="minor", length=0)


def _label_weeks(axis: Any, dates: pd.DatetimeIndex, weeks: np.ndarray) -> None:
    """The date of the first session of a week, at most a dozen of them."""
    first = np.unique(weeks, return_index=True)[1]
    first = first[:: max(1, -(-len(first) // 12))]
    axis.set_xticks(weeks[first], [str(dates[place].date()) for place in first], rotation=30, ha="right", fontsize=7)
