"""Figures of what policies earn day by day hold all that they draw."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.figures.daily_trading import plot_equity
from momentum_jax.run_directory.backtest_names import BASELINES, WAYS

DAYS = np.arange("2024-03-01", "2024-03-13", dtype="datetime64[D]").astype("datetime64[ns]")


@pytest.mark.parametrize("num_arms", [1, 2, 4])
def test_the_legend_has_every_policy_and_lies_inside_the_picture(num_arms):
    rng = np.random.default_rng(0)

    def profits(names):
        return {name: rng.normal(0, 9, (6, len(DAYS))) for name in names}

    arms = {f"arm {place}": profits(WAYS) for place in range(num_arms)}
    figure = plot_equity(DAYS, arms, profits(BASELINES), "equity")
    figure.canvas.draw()
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {*WAYS, *BASELINES}
    box, whole = legend.get_window_extent(), figure.bbox
    assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0
