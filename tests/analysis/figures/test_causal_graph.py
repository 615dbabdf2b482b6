"""A graph of causes: every box, every arrow's words, and a legend of the findings that occur and no others."""

from __future__ import annotations

from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

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
