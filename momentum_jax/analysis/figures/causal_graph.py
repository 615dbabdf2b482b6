"""A chain of causes as boxes and arrows, each arrow in the style of what a study found of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from momentum_jax.analysis.figures import canvas

Finding = Literal[
    "needed", "not needed", "a part of it", "enough alone", "not enough alone", "undecided", "not run", "not tested"
]


class Node(NamedTuple):
    """A box."""

    label: str
    x: float  # of its middle, in boxes from the left
    y: float  # in rows from the bottom


class Link(NamedTuple):
    """An arrow from a cause to its effect."""

    cause: str
    effect: str
    words: str  # beside it: how it was tested and what was found
    finding: Finding


class _Style(NamedTuple):
    color: str
    linestyle: Literal["-", "--", "-.", ":"]
    width: float


_STYLES: dict[Finding, _Style] = {
    "needed": _Style("#D55E00", "-", 3.0),
    "a part of it": _Style("#E69F00", "-", 2.0),
    "undecided": _Style(canvas.GREY, ":", 2.0),
    "not needed": _Style("#0072B2", "--", 2.0),
    "enough alone": _Style("#009E73", "-", 3.0),
    "not enough alone": _Style("#CC79A7", "-.", 2.0),
    "not run": _Style("#BBBBBB", "-", 1.0),
    "not tested": _Style(canvas.INK, "-", 1.0),
}
# An arrow ends where a box does, and a box has its place once it is drawn.
_BOXES, _ARROWS, _WORDS = 2, 3, 4
_WIDTH, _HEIGHT = 2.35, 1.55  # inches of a column and of a row


def plot_causal_graph(nodes: Mapping[str, Node], links: Sequence[Link], title: str) -> Figure:
    """Boxes and arrows, with a legend of the findings that occur.

    Args:
        nodes: boxes by name.
        links: arrows between them.
        title: above the figure.
    """
    right, top = (max(getattr(node, side) for node in nodes.values()) for side in ("x", "y"))
    figure = canvas.new_figure(_WIDTH * (right + 1), _HEIGHT * (top + 1) + 0.6)
    axis = figure.add_subplot()
    axis.set_xlim(-0.55, right + 0.55)
    axis.set_ylim(-0.5, top + 0.5)
    axis.set_axis_off()
    axis.set_title(title, fontsize=12, loc="left")
    boxes = {name: _box(axis, node) for name, node in nodes.items()}
    for link in links:
        _arrow(axis, nodes, boxes, link)
    found = [finding for finding in _STYLES if any(link.finding == finding for link in links)]
    handles = [
        Line2D([], [], color=s.color, linestyle=s.linestyle, linewidth=s.width) for s in map(_STYLES.get, found) if s
    ]
    figure.legend(handles, found, loc="outside lower left", ncols=len(found), fontsize=10, frameon=False)
    return figure


def _box(axis: Axes, node: Node) -> Text:
    style = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": canvas.INK}
    return axis.text(node.x, node.y, node.label, ha="center", va="center", fontsize=10, bbox=style, zorder=_BOXES)


def _arrow(axis: Axes, nodes: Mapping[str, Node], boxes: Mapping[str, Text], link: Link) -> None:
    style, start, end = _STYLES[link.finding], nodes[link.cause], nodes[link.effect]
    begin_box, end_box = (boxes[name].get_bbox_patch() for name in (link.cause, link.effect))
    assert begin_box is not None and end_box is not None  # `_box` gives every text one
    arrow = FancyArrowPatch(
        (start.x, start.y), (end.x, end.y), arrowstyle="-|>", mutation_scale=16, shrinkA=2, shrinkB=2,
        color=style.color, linestyle=style.linestyle, linewidth=style.width, zorder=_ARROWS,
    )  # fmt: skip
    arrow.set_patchA(begin_box)
    arrow.set_patchB(end_box)
    axis.add_patch(arrow)
    middle = ((start.x + end.x) / 2, (start.y + end.y) / 2)
    level = start.y == end.y
    place = (middle[0], middle[1] + 0.17) if level else (middle[0] - 0.04, middle[1])
    axis.text(
        *place, link.words, fontsize=8.5, color=canvas.INK, zorder=_WORDS,
        ha="center" if level else "right", va="bottom" if level else "center",
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
    )  # fmt: skip
