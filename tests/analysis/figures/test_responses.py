"""A number against a dose."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from momentum_jax.analysis.figures.canvas import save_figure
from momentum_jax.analysis.figures.responses import Doses, plot_responses

DEPTHS = {0.0: np.full(8, 30.0), 0.85: np.full(8, 20.0), 0.9: np.full(8, 19.0), 1.0: np.full(8, 5.0)}


def joined(axis):
    """The points of the line through the means."""
    (line,) = (line for line in axis.get_lines() if line.get_linestyle() == "--" and len(line.get_xdata()) > 2)
    return np.stack([line.get_xdata(), line.get_ydata()]), line.get_markevery()


@pytest.mark.filterwarnings("error")
def test_a_line_is_level_as_far_as_nothing_changes(tmp_path):
    other = Doses("reward", {"reward": {0.0: np.zeros(8), 0.5: np.ones(8), 1.0: np.full(8, 2.0)}})
    figure = plot_responses([other, Doses("share", {"share": DEPTHS}, unchanged_to=0.8)], "depth", "title")
    _, right = figure.axes
    path, marked = joined(right)
    assert path.tolist() == [[0, 0.8, 0.85, 0.9, 1], [30, 30, 20, 19, 5]]
    assert marked == [0, 2, 3, 4]  # a mean was measured there, and not where the level part ends
    assert [text.get_text() for text in right.texts] == ["the same runs up to 0.8"]
    plain = plot_responses([other, Doses("share", {"share": DEPTHS})], "depth", "title")
    assert joined(plain.axes[1])[0].tolist() == [[*DEPTHS], [30, 20, 19, 5]]


@pytest.mark.parametrize("wide", [False, True])
def test_numbers_of_close_doses_do_not_overlap(tmp_path, wide):
    panels = [Doses("share", {"share": DEPTHS}, unchanged_to=0.8)] * (1 if wide else 2)
    figure = plot_responses(panels, "depth", "title")
    save_figure(figure, tmp_path / "doses")
    for axis in figure.axes:
        assert axis.get_xticks().tolist() == [0, 0.8, 0.85, 0.9, 1]
        boxes = [label.get_window_extent() for label in axis.get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
