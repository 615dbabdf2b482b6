"""Which sessions a vendor is asked for: those that were asked for, once they are over, again where incomplete."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.catalog import open_vix
from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sessions import last_finished_date
from momentum_jax.market.vendors.download import stretches
from momentum_jax.market.vendors.vendor_source import VendorSource
from tests.market.stand_in_vendor import NOW, Unreachable


def test_an_incomplete_session_is_reported_and_fetched_again(vendor, bars):
    vendor.minutes = {"2024-05-14": 30}
    with pytest.warns(DataWarning, match=r"1 sessions of SPY lack over 5% .*2024-05-14"):
        first = bars("2024-05-13", "2024-05-15")
    assert len(first) == 2 * 390 + 30
    vendor.minutes = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        assert len(bars("2024-05-13", "2024-05-15", NOW + timedelta(hours=1))) == 3 * 390
    count = len(vendor.asked)
    bars("2024-05-13", "2024-05-15")
    assert len(vendor.asked) == count


def test_an_incomplete_session_stays_usable_where_the_vendor_is_gone(vendor, bars):
    vendor.minutes = {"2024-05-14": 30}
    with pytest.warns(DataWarning):
        first = bars("2024-05-13", "2024-05-15")
    with (
        pytest.warns(DataWarning, match="could not be fetched again: standin: the service fails"),
        pytest.warns(DataWarning, match="sessions of SPY lack"),
    ):
        assert bars("2024-05-13", "2024-05-15", answers=Unreachable()).equals(first)
    assert bars("2024-05-13", "2024-05-13", answers=Unreachable()).equals(first.iloc[:390])


def test_two_answers_a_day_apart_settle_a_thinly_traded_session(vendor, bars):
    vendor.minutes = {"2024-05-14": 30}
    with pytest.warns(DataWarning):
        bars("2024-05-13", "2024-05-15")
        bars("2024-05-13", "2024-05-15", NOW + timedelta(hours=23))
        assert len(vendor.asked) == 2
    bars("2024-05-13", "2024-05-15", NOW + timedelta(hours=25))
    bars("2024-05-13", "2024-05-15", NOW + timedelta(hours=26))
    assert len(vendor.asked) == 3


def test_an_answer_with_fewer_bars_replaces_nothing(vendor, bars):
    vendor.minutes = {"2024-05-14": 200}
    with pytest.warns(DataWarning):
        bars("2024-05-13", "2024-05-15")
        vendor.minutes = {"2024-05-14": 10}
        assert len(bars("2024-05-13", "2024-05-15", NOW + timedelta(hours=1))) == 2 * 390 + 200


@pytest.mark.parametrize(
    ("utc", "newest"),
    [
        ("2024-05-14T19:59", "2024-05-13"),  # a minute before the close in New York
        ("2024-05-14T20:15", "2024-05-13"),  # closed, but free plans lag by 15 minutes
        ("2024-05-14T20:29", "2024-05-13"),
        ("2024-05-14T20:30", "2024-05-14"),
        ("2024-05-15T02:00", "2024-05-14"),  # tomorrow in London, the evening before in New York
        ("2024-05-15T12:00", "2024-05-14"),
        ("2024-07-03T17:30", "2024-07-03"),  # closes at 13:00
        ("2024-07-04T15:00", "2024-07-04"),  # no session
        ("2024-12-02T20:45", "2024-12-01"),  # winter time: the close is 21:00 UTC
    ],
)
def test_the_newest_date_is_new_yorks_and_waits_for_the_close(utc, newest, bars):
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert str(last_finished_date(now)) == newest
    later = str(date.fromisoformat(newest) + timedelta(days=1))
    with pytest.raises(DataError, match=f"end_date {later} is not over yet in New York: end with {newest} at most"):
        bars("2024-05-01", later, now)


def test_dates_that_nobody_asked_for_are_not_fetched(vendor, bars):
    bars("2024-04-15", "2024-05-15")
    assert vendor.asked[:2] == [("SPY", "2024-04-15", "2024-04-30"), ("SPY", "2024-05-01", "2024-05-15")]
    vendor.asked.clear()
    bars("2024-04-10", "2024-05-17", NOW + timedelta(minutes=1))
    assert vendor.asked[:2] == [("SPY", "2024-04-10", "2024-04-14"), ("SPY", "2024-05-16", "2024-05-17")]


def test_days_without_a_session_are_not_fetched(vendor, bars):
    bars("2024-05-13", "2024-05-17")
    bars("2024-05-11", "2024-05-19")
    assert vendor.asked == [("SPY", "2024-05-13", "2024-05-17")]


def test_a_date_of_another_spelling_is_refused_before_anything_is_fetched(vendor, bars):
    with pytest.raises(DataError, match="end_date is '20240515': write it as YYYY-MM-DD"):
        bars("2024-05-14", "20240515")
    assert vendor.asked == []


def test_stretches_cover_the_dates_exactly():
    assert stretches(date(2024, 2, 20), date(2024, 3, 1), 31) == [
        (date(2024, 2, 20), date(2024, 2, 29)),
        (date(2024, 3, 1), date(2024, 3, 1)),
    ]
    weeks = stretches(date(2024, 5, 20), date(2024, 6, 10), 7)
    days = np.concatenate([pd.date_range(*stretch).to_numpy() for stretch in weeks])
    assert (days[0], days[-1]) == (np.datetime64("2024-05-20"), np.datetime64("2024-06-10"))
    assert (np.diff(days) == np.timedelta64(1, "D")).all()
    assert all((last - first).days < 7 for first, last in weeks)


@pytest.mark.parametrize(("timing", "first"), [("same_day", "2024-05-13"), ("previous", "2024-05-10")])
def test_the_vix_of_the_dates_and_no_others(vendor, tmp_path, timing, first):
    config = MarketConfig(
        data_source="massive",
        symbols=("SPY",),
        vix_symbol="VIX",
        vix_timing=timing,
        start_date="2024-05-13",
        end_date="2024-05-15",
    )
    vendor.factor = 15 / 500
    vix = open_vix(config, VendorSource(vendor, str(tmp_path), now=lambda: NOW))
    assert vendor.asked == [("VIX", first, "2024-05-15")]
    assert str(vix.index[0].date()) == first
