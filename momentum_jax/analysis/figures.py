"""Figures of a run, drawn without pyplot: no global figure, no changed defaults."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from momentum_jax.analysis.curves import derive_curves, failed_steps
from momentum_jax.analysis.published import published_windows
from momentum_jax.store import write_atomic

MAX_PANELS = 6
_COLUMNS = 3
_DPI = 150
# Okabe and Ito's colours, told apart with every common colour vision.
_SEED, _MEDIAN, _PUBLISHED = "#56B4E9", "#0072B2", "#D55E00"
_ROWS = (("hold_pct", "windowed HOLD %"), ("p_hold", "exact P(HOLD) %"))


def plot_hold(ds: xr.Dataset) -> Figure:
    """Windowed HOLD % above exact P(HOLD) %, every seed and the median, one column per arm.

    The first six arms are drawn. Published windows of tune2 lie over the windowed row: a bar
    spans the window that the value was counted over, the marker stands at its end.

    Args:
        ds: a loaded run.
    """
    arms = [str(arm) for arm in ds["arm"].values[:MAX_PANELS]]
    curves = derive_curves(ds)
    columns = min(len(arms), _COLUMNS)
    bands = -(-len(arms) // _COLUMNS)
    figure = Figure(figsize=(max(4.0 * columns, 6.5), 5.2 * bands + 0.9))
    figure.set_layout_engine("constrained", w_pad=0.1)
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 * bands, columns, sharex=True, sharey=True, squeeze=False)
    limits = _step_limits(ds)
    published = _published_within(limits)
    for position, arm in enumerate(arms):
        band, column = divmod(position, _COLUMNS)
        pair = axes[2 * band : 2 * band + 2, column]
        for axis, (name, label) in zip(pair, _ROWS, strict=True):
            _draw_seeds(axis, ds["env_steps"].values, curves[name].sel(arm=arm).transpose("seed", ...).values)
            _dress(axis, limits, label if column == 0 else "")
        _draw_published(pair[0], published, limits[0])
        pair[0].set_title(_panel_title(ds, arm), fontsize=11)
        lowest = band == bands - 1 or position + _COLUMNS >= len(arms)
        pair[1].tick_params(labelbottom=lowest)
        pair[1].set_xlabel("environment steps" if lowest else "")
    for axis in axes[2 * bands - 2 :, (len(arms) - 1) % _COLUMNS + 1 :].flat:
        axis.set_visible(False)
    figure.suptitle(_title(ds, len(arms)), fontsize=12)
    figure.legend(
        handles=_legend_handles(not published.empty),
        loc="outside lower center",
        ncols=3,
        fontsize=9,
        frameon=False,
    )
    return figure


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Saves ``<stem>.png`` (150 dpi) and ``<stem>.svg``, each whole or not at all."""
    paths = []
    for suffix in (".png", ".svg"):
        buffer = io.BytesIO()
        # A fixed salt and no date: the same run gives the same bytes.
        with mpl.rc_context({"svg.hashsalt": "momentum_jax"}):
            figure.savefig(buffer, format=suffix[1:], dpi=_DPI, metadata={"Date": None} if suffix == ".svg" else None)
        paths.append(stem.with_name(stem.name + suffix))
        write_atomic(paths[-1], buffer.getvalue())
    return paths


def _step_limits(ds: xr.Dataset) -> tuple[float, float]:
    """First and last step of a logarithmic axis; a run that has only begun gets a decade."""
    positive = ds["env_steps"].values[ds["env_steps"].values > 0]
    first, last = (positive[0], positive[-1]) if len(positive) else (1_000, 10_000)
    return float(first), float(max(last, 2 * first))


def _draw_seeds(axis: Axes, env_steps: np.ndarray, values: np.ndarray) -> None:
    shown = env_steps > 0
    alpha = float(np.clip(6 / max(len(values), 1), 0.15, 0.7))
    axis.plot(env_steps[shown], values[:, shown].T, color=_SEED, linewidth=0.8, alpha=alpha)
    # A checkpoint without any value has no median; np.nanmedian would warn about it.
    some = shown & ~np.isnan(values).all(axis=0)
    axis.plot(env_steps[some], np.nanmedian(values[:, some], axis=0), color=_MEDIAN, linewidth=2)


def _published_within(limits: tuple[float, float]) -> pd.DataFrame:
    windows = published_windows("tune2")
    return windows[(windows.index >= limits[0]) & (windows.index <= limits[1])]


def _draw_published(axis: Axes, windows: pd.DataFrame, first_step: float) -> None:
    if windows.empty:  # an empty line that is not clipped has no extent, and the layout collapses
        return
    starts = np.maximum(windows["start"], first_step)
    axis.hlines(windows["hold_pct"], starts, windows.index, color=_PUBLISHED, linewidth=1.2, zorder=4)
    axis.plot(
        windows.index,
        windows["hold_pct"],
        linestyle="none",
        marker="o",
        markersize=7,
        markerfacecolor="white",
        markeredgecolor=_PUBLISHED,
        markeredgewidth=1.6,
        zorder=5,
        clip_on=False,
    )


def _dress(axis: Axes, limits: tuple[float, float], label: str) -> None:
    axis.set_xscale("log")
    axis.set_xlim(*limits)
    axis.set_ylim(0, 100)
    axis.set_ylabel(label, fontsize=10)
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(_step_label))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(labelsize=9)
    axis.grid(color="#DDDDDD", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def _step_label(step: float, _position: int | None) -> str:
    return f"{step / 1_000:g}k" if step >= 1_000 else f"{step:g}"


def _panel_title(ds: xr.Dataset, arm: str) -> str:
    failed = int((failed_steps(ds).sel(arm=arm) >= 0).sum())
    return f"{arm} ({failed} of {ds.sizes['seed']} seeds failed)" if failed else arm


def _title(ds: xr.Dataset, shown: int) -> str:
    arms = f"first {shown} of {ds.sizes['arm']} arms, " if shown < ds.sizes["arm"] else ""
    return f"{ds.attrs['experiment']}: HOLD while flat, {arms}{ds.sizes['seed']} seeds"


def _legend_handles(with_published: bool) -> list[Line2D]:
    published = Line2D([], [], color=_PUBLISHED, marker="o", markerfacecolor="white", markersize=7)
    published.set_label("published tune2, over wider windows (bar: its window)")
    seed = Line2D([], [], color=_SEED, linewidth=1.2, label="one seed")
    median = Line2D([], [], color=_MEDIAN, linewidth=2, label="median")
    return [seed, median, published] if with_published else [seed, median]
