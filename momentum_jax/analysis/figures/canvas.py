"""What every figure shares: colours, an empty figure, axes of steps, saving. No pyplot: no global state."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from momentum_jax.analysis.report.formatting import short_steps
from momentum_jax.run_directory import write_atomic

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64] | npt.NDArray[np.float64]

MAX_ARMS = 6
COLUMNS = 3
GREY, INK = "#777777", "#222222"
SEED, MEDIAN, PUBLISHED = "#56B4E9", "#0072B2", "#D55E00"
_DPI = 150
_ZERO_WIDTH = 0.3  # decades from step 0 to the first step


class ArmStyle(NamedTuple):
    """How an arm is drawn: arms differ in colour and, in print without colour, by dashes and marker."""

    color: str
    linestyle: Literal["-", "--", "-.", ":"]
    marker: str


# Okabe and Ito's colours, which differ for every common colour vision.
STYLES = (
    ArmStyle("#0072B2", "-", "o"),
    ArmStyle("#D55E00", "--", "s"),
    ArmStyle("#009E73", "-.", "^"),
    ArmStyle("#CC79A7", ":", "D"),
    ArmStyle("#E69F00", "-", "v"),
    ArmStyle("#000000", "--", "P"),
)


def arm_styles(arms: Iterable[str]) -> dict[str, ArmStyle]:
    """A style for each arm, in order; the first six are all different."""
    return {arm: STYLES[position % len(STYLES)] for position, arm in enumerate(arms)}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches with a layout that keeps labels apart."""
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.06)
    FigureCanvasAgg(figure)
    return figure


def panels(number: int, width: float, height: float, margin: float) -> tuple[Figure, list[Axes]]:
    """A figure of panels, at most `COLUMNS` a row, each `width` by `height` inches; `margin` inches more in height."""
    columns = min(number, COLUMNS)
    rows = -(-number // columns)
    figure = new_figure(max(width * columns, 6.5), height * rows + margin)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[number:]:
        axis.set_visible(False)
    return figure, list(axes[:number])


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Saves ``<stem>.png`` (150 dpi) and ``<stem>.svg``, each whole or not at all.

    `Figure.savefig` would draw everything twice for each file, the first time for the layout alone.
    """
    png, svg = io.BytesIO(), io.BytesIO()
    figure.set_dpi(_DPI)
    FigureCanvasAgg(figure).print_png(png)
    figure.set_layout_engine("none")  # laid out by the first file; the second keeps it
    # A fixed salt and no date: the same run gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": "momentum_jax"}):
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None})
    paths = []
    for suffix, buffer in ((".png", png), (".svg", svg)):
        paths.append(stem.with_name(stem.name + suffix))
        write_atomic(paths[-1], buffer.getvalue())
    return paths


def seed_lines(axis: Axes, env_steps: Steps, values: Floats, least_alpha: float, rasterized: bool = False) -> None:
    """A thin line for each seed, paler the more there are; they look and lie as those of `Axes.plot` do.

    One collection in place of a line for each seed: of a thousand seeds it is made and drawn several times as fast.

    Args:
        axis: to draw on.
        env_steps: ``[K]``.
        values: ``[seed, K]``; a line has a gap where a value is NaN.
        least_alpha: opacity of very many seeds.
        rasterized: whether they are pixels in an SVG.
    """
    steps = np.broadcast_to(np.asarray(env_steps, np.float64), values.shape)
    points = np.stack([steps, values], axis=-1)
    alpha = float(np.clip(6 / max(len(values), 1), least_alpha, 0.7))
    lines = LineCollection(list(points), color=SEED, linewidth=0.8, alpha=alpha, rasterized=rasterized)
    lines.set(capstyle="projecting", joinstyle="round", zorder=Line2D.zorder)
    axis.add_collection(lines, autolim=False)
    axis.update_datalim(points.reshape(-1, 2))
    axis.autoscale_view()


def dress(axis: Axes) -> None:
    """Light grid, no frame at the top and the right, small tick labels."""
    axis.tick_params(labelsize=9)
    axis.grid(color="#DDDDDD", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def log_steps(axis: Axes, env_steps: Steps) -> None:
    """A logarithmic axis that ends with the data, ticks at 1, 2 and 5; step 0 stands left of the first step."""
    first, last = step_limits(env_steps)
    start = float(env_steps[0]) if len(env_steps) and 0 < env_steps[0] < last else 0.0
    axis.set_xscale("symlog", linthresh=first, linscale=_ZERO_WIDTH)
    axis.set_xlim(start, last)
    decades = 10.0 ** np.arange(np.floor(np.log10(first)), np.log10(last) + 1)
    steps = np.outer(decades, [1, 2, 5]).ravel()
    axis.xaxis.set_major_locator(FixedLocator([start, *steps[(steps >= first) & (steps > start) & (steps <= last)]]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_steps(step)))
    axis.xaxis.set_minor_locator(NullLocator())


def linear_steps(axis: Axes) -> None:
    """A linear axis of environment steps, labelled in thousands."""
    axis.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_steps(step)))


def step_limits(env_steps: Steps) -> tuple[float, float]:
    """The first step after 0, and the last; of a run that has only begun, 1 000 both."""
    positive = env_steps[env_steps > 0]
    return (float(positive[0]), float(positive[-1])) if len(positive) else (1_000.0, 1_000.0)


def shorten(name: str, length: int = 22) -> str:
    """A name that fits above a panel."""
    return name if len(name) <= length else name[: length - 1] + "…"


def nothing_to_draw(axis: Axes, reason: str) -> None:
    """Says in the middle of an empty panel why it is empty."""
    axis.text(0.5, 0.5, reason, transform=axis.transAxes, ha="center", va="center", color=GREY, fontsize=9, wrap=True)
