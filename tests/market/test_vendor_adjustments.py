"""Stored bars of several downloads are on one adjustment: a split never shows in a segment."""

from __future__ import annotations

import warnings
from datetime import date, timedelta

import numpy as np
import pytest

from momentum_jax.market.errors import DataError, DataWarning
from tests.market.stand_in_vendor import NOW, StandIn, Unreachable, overnight_ratio


def test_a_split_between_two_downloads_never_shows_in_one_segment(vendor, bars):
    bars("2024-04-01", "2024-04-30")
    vendor.factor = 0.25
    with pytest.warns(DataWarning, match=r"prices of SPY are 0\.25 times what was stored"):
        joined = bars("2024-04-01", "2024-05-31", NOW + timedelta(days=3))
    assert overnight_ratio(joined) < 1.02
    assert joined["close"].max() < 130
    expected = [("SPY", "2024-05-01", "2024-05-31"), ("SPY", "2024-04-30", "2024-04-30")]
    assert vendor.asked[1:3] == expected  # the rest is fetched; a stored session is compared with it
    assert ("SPY", "2024-04-01", "2024-04-30") in vendor.asked[3:]
    count = len(vendor.asked)
    assert bars("2024-04-01", "2024-05-31", NOW + timedelta(days=4)).equals(joined)
    assert len(vendor.asked) == count


@pytest.mark.parametrize("factor", [0.25, 0.99, 10.0])
def test_earlier_dates_fetched_after_a_split_are_joined_with_new_ones(vendor, bars, factor):
    bars("2024-05-01", "2024-05-31")
    vendor.factor = factor
    with pytest.warns(DataWarning, match="times what was stored"):
        joined = bars("2024-04-15", "2024-05-31", NOW + timedelta(days=3))
    np.testing.assert_allclose(joined["close"].min(), 500 * factor)
    np.testing.assert_allclose(joined["close"].max(), 506 * factor)


def test_a_split_while_several_months_are_fetched(vendor, bars):
    def split_after_two() -> None:
        vendor.factor = 0.5 if len(vendor.asked) >= 2 else 1.0

    vendor.after_request = split_after_two
    with pytest.warns(DataWarning, match="times what was stored"):
        joined = bars("2024-03-01", "2024-05-31")
    assert overnight_ratio(joined) < 1.02


def test_three_adjustments_of_three_downloads(vendor, bars):
    for month, factor in (("03", 1.0), ("04", 0.5), ("05", 0.25)):
        vendor.factor = factor
        bars(f"2024-{month}-01", f"2024-{month}-28", NOW + timedelta(days=int(month)))
    with pytest.warns(DataWarning, match="times what was stored"):
        joined = bars("2024-03-01", "2024-05-28", NOW + timedelta(days=9))
    assert overnight_ratio(joined) < 1.02 and joined["close"].max() < 130


def test_without_a_split_one_session_is_asked_for_anew_and_nothing_else(vendor, bars):
    bars("2024-04-01", "2024-04-30")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        bars("2024-04-01", "2024-05-31", NOW + timedelta(days=3))
    assert len(vendor.asked) == 3


def test_what_cannot_be_compared_is_not_joined(vendor, bars):
    bars("2024-04-01", "2024-04-30")

    class Forgetful(StandIn):
        def fetch(self, symbol, first, last):
            if first < date(2024, 5, 1):
                raise DataError("standin: out of reach")
            return super().fetch(symbol, first, last)

    with pytest.raises(DataError, match="out of reach"):
        bars("2024-04-01", "2024-05-31", NOW + timedelta(days=3), answers=Forgetful())
    assert len(bars("2024-04-01", "2024-04-30", answers=Unreachable())) == 22 * 390  # alone it still serves
