"""Segments are cut into sessions, each with its own bars and the whole VIX."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.session_segments import FEWEST_BARS, cut_into_sessions, long_enough, usable_sessions
from tests.markets import make_segment


def test_sessions_come_by_date_then_symbol_and_hold_their_own_bars():
    calm, other = make_segment(num_bars=800), dataclasses.replace(make_segment(num_bars=400, seed=1), symbol="QQQ")
    found = cut_into_sessions([calm, other])
    assert [(session.symbol, session.date) for session in found] == [
        ("SPY", date(2024, 1, 1)),
        ("QQQ", date(2024, 1, 1)),
        ("SPY", date(2024, 1, 2)),
        ("QQQ", date(2024, 1, 2)),
        ("SPY", date(2024, 1, 3)),
    ]
    assert [session.num_bars for session in found] == [390, 390, 390, 10, 20]
    own = [session for session in found if session.symbol == "SPY"]
    np.testing.assert_array_equal(np.concatenate([session.segment.bars for session in own]), calm.bars)
    assert all((session.segment.vix_close == calm.vix_close).all() for session in own)
    assert [session.num_bars for session in found if long_enough(session)] == [390, 390, 390]


def test_the_shortest_session_has_one_purchase_and_one_sale():
    assert long_enough(cut_into_sessions([make_segment(FEWEST_BARS)])[0])
    assert not long_enough(cut_into_sessions([make_segment(FEWEST_BARS - 1)])[0])


def test_a_part_without_a_session_that_is_long_enough_is_refused():
    kept = usable_sessions([make_segment(FEWEST_BARS - 1), make_segment(FEWEST_BARS)], "bars.csv", "test")
    assert [session.num_bars for session in kept] == [FEWEST_BARS]
    with pytest.raises(DataError, match=r"bars.csv: none of 1 sessions of data_part test has 23 bars .*longest has 22"):
        usable_sessions([make_segment(FEWEST_BARS - 1)], "bars.csv", "test")
