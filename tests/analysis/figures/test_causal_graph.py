"""A graph of causes: every box, every arrow's words, and a legend of the findings that occur and no others."""

from __future__ import annotations

from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from momentum_jax.analysis.figures.canvas import save_figure
from momentum_jax.analysis.figures.causal_graph import Link, Node, plot_causal_graph


def test_boxes_arrows_and_findings_are_drawn_as_they_are_given():
    nodes = {"cause": Node("the cause", 0, 1), "means": Node("by means of", 1, 1), "effect": Node("the effect", 1, 0)}
    links = [Link("cause", "means", "removed: gone", "needed"), Link("means", "effect", "", "not run")]
    figure = plot_causal_graph(nodes, links, "three boxes")
    words = {text.get_text() for text in figure.findobj(Text)}
    assert {"the cause", "by means of", "the effect", "removed: gone", "needed", "not run", "three boxes"} <= words
    assert not words & {"not needed", "undecided", "a part of it"}
    across, down = figure.findobj(FancyArrowPatch)
    assert across.get_linewidth() > down.get_linewidth() and across.get_edgecolor() != down.get_edgecolor()


def test_arrows_end_at_their_boxes_although_nothing_was_drawn_before(tmp_path):
    """A box has its place once it is drawn: an arrow that is drawn first goes by where the box was before."""
    nodes = {"a": Node("cause", 0, 0), "b": Node("an effect of many words", 1, 0)}
    at_once, drawn_before = (plot_causal_graph(nodes, [Link("a", "b", "", "needed")], "title") for _ in range(2))
    drawn_before.set_dpi(150)
    drawn_before.draw_without_rendering()
    files = [save_figure(figure, tmp_path / "graph")[0].read_bytes() for figure in (at_once, drawn_before)]
    assert files[0] == files[1]
