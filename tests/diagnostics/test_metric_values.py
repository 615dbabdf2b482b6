"""A metric's value at one checkpoint, by hand."""

from __future__ import annotations

import numpy as np

from momentum_jax.diagnostics.description import Ratio
from momentum_jax.diagnostics.metric_values import exact, windowed
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.env.plain_diagnostics import plain_diagnostics

HOLD, STRONG, CHASE = (MOMENTUM.metric(name) for name in ("hold_pct", "strong_buy_pct", "chase_pct"))


def counted(cells):
    """[2, 5, 6] decisions: those of the first run at (score, action), none of the second."""
    table = np.zeros((2, 5, 6), int)
    for (score, action), count in cells.items():
        table[0, score, action] = count
    return {"flat_count": table, "bad_chase": np.array([3, 0])}


def test_shares_and_ratios_of_a_window():
    arrays = counted({(0, 0): 6, (3, 0): 2, (4, 1): 5, (2, 2): 7})
    np.testing.assert_array_equal(windowed(HOLD, MOMENTUM, arrays), [40, np.nan])
    np.testing.assert_allclose(windowed(STRONG, MOMENTUM, arrays), [500 / 7, np.nan])
    assert isinstance(CHASE.derived, Ratio)
    np.testing.assert_array_equal(windowed(CHASE, MOMENTUM, arrays), [25, np.nan])


def test_exact_shares_weigh_contexts_by_their_probe_states():
    count = np.zeros((1, 2, 5), int)
    count[0, 0, 0], count[0, 1, 4] = 3, 1
    p_action = np.full((1, 2, 5, 6), np.nan)
    p_action[0, 0, 0], p_action[0, 1, 4] = [0.2, 0.5, 0.3, 0, 0, 0], [0.6, 0.3, 0.1, 0, 0, 0]
    arrays = {"probe_count": count, "p_action": p_action}
    np.testing.assert_allclose(exact(HOLD.derived, MOMENTUM, arrays), [100 * (3 * 0.2 + 0.6) / 4])
    np.testing.assert_allclose(exact(STRONG.derived, MOMENTUM, arrays), [40])


def test_what_is_recorded_stands_for_itself():
    plain = plain_diagnostics("plain", 2)
    found = windowed(plain.metric("episode_return"), plain, {"episode_return": np.array([1.5, np.nan])})
    np.testing.assert_array_equal(found, [1.5, np.nan])


def test_shares_of_decisions_in_a_position_are_exact_on_their_own_probe_states():
    """Windowed over `position_count`, exact over the twins, with no context in either."""
    hold, trim = (MOMENTUM.metric(f"{name}_position_pct") for name in ("hold", "trim"))
    counts = {"position_count": np.array([[6, 0, 0, 1, 2, 3], [0, 0, 0, 0, 0, 0]])}
    np.testing.assert_array_equal(windowed(hold, MOMENTUM, counts), [50, np.nan])
    np.testing.assert_array_equal(windowed(trim, MOMENTUM, counts), [25, np.nan])
    p_action = np.array([[[0.5, 0, 0, 0.1, 0.2, 0.2], [0.9, 0, 0, 0.0, 0.1, 0.0]]])
    arrays = {"probe_count_position": np.array([[3, 1]]), "p_action_position": p_action}
    arrays |= {"probe_count": np.ones((1, 2, 5)), "p_action": np.full((1, 2, 5, 6), 1 / 6)}
    np.testing.assert_allclose(exact(hold.derived, MOMENTUM, arrays), [100 * (3 * 0.5 + 0.9) / 4])
    np.testing.assert_allclose(exact(trim.derived, MOMENTUM, arrays), [100 * (3 * 0.3 + 0.1) / 4])
