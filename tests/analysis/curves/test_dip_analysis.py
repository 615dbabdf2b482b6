"""Dips of curves from anywhere: examples by hand, invariances, forms of input, the answer's words, JSON."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.dips import analyze

STEPS = [0, 10, 20, 30, 40, 50]
# Falls from 4 to 1 between 10 and 20, back to 4 at 40; never falls; falls from 3 to 2.5 and stays there.
HAND = np.array([[0, 4, 1, 2.5, 4, 6], [0, 1, 2, 3, 4, 5], [0, 2, 3, 2.5, 2.5, 2.5]])
EXACT = {"good": "up", "noise": "exact", "horizon": 40, "threshold": 1}


def test_an_example_by_hand():
    found = analyze(HAND, steps=STEPS, **EXACT)
    seeds = found.seeds
    assert seeds["depth"].tolist() == [3, 0, 0.5]
    assert seeds["is_dip"].tolist() == [True, False, False]
    assert seeds["class"].tolist() == ["recovered", "none", "none"]
    dip = seeds.iloc[0]
    assert (dip["onset_step"], dip["onset_value"], dip["trough_step"], dip["trough_value"]) == (10, 4, 20, 1)
    # 90 % of 3 points are back at 3.7, between 2.5 at step 30 and 4 at step 40.
    assert dip["recovery_step"] == pytest.approx(38)
    assert dip["area"] == pytest.approx(15 + 22.5 + 1.5 * 8 - 0.5 * 0.15 * 64)
    assert seeds["baseline_value"].tolist() == [0, 0, 0] and seeds["final_value"].tolist() == [6, 5, 2.5]
    assert found.population["prevalence_pct"].tolist() == [pytest.approx(100 / 3)]
    assert found.answer == "1 of 3 seeds fall by at least 1 by step 40: no verdict below 6 seeds."
