"""What is kept of a vendor's bars: one adjustment, whole sessions, inside its folder, whoever fetches at once."""

from __future__ import annotations

import json
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.catalog import open_vix
from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sessions import last_finished_date
from momentum_jax.market.vendors.cache import BarCache
from momentum_jax.market.vendors.download import stretches
from momentum_jax.market.vendors.symbols import checked_symbol, vendor_symbol
from momentum_jax.market.vendors.vendor_source import VendorSource
from tests.market_rows import minute_stamps

NOW = datetime(2024, 6, 12, 16, tzinfo=UTC)  # noon in New York


class StandIn:
    """A vendor whose prices are 500 times `factor`, and whose sessions have `minutes` (by date, else all) bars."""

    name = "standin"
    limits = "made up"
    stretch_days = 31
    request_seconds = 0.0

    def __init__(self) -> None:
        self.factor = 1.0
        self.minutes: dict[str, int] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.after_request = lambda: None

    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        self.asked.append((symbol, str(first), str(last)))
        stamps = minute_stamps(str(first), str(last))
        minute = (stamps.hour * 60 + stamps.minute - 570).to_numpy()
        stamps = stamps[minute < np.array([self.minutes.get(str(stamp.date()), 390) for stamp in stamps])]
        close = self.factor * (500.0 + np.asarray(stamps.minute) % 7)
        columns = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": 10.0}
        bars = pd.DataFrame(columns, index=stamps)
        self.after_request()
        return bars


class Unreachable(StandIn):
    def fetch(self, symbol: str, first: date, last: date) -> pd.DataFrame:
        raise DataError("standin: the service fails")


@pytest.fixture
def vendor() -> StandIn:
    return StandIn()


@pytest.fixture
def bars(vendor, tmp_path):
    """Bars of SPY through a source of its own each time; `now` and whoever answers may differ."""

    def get(start: str, end: str, now: datetime = NOW, symbol: str = "SPY", answers=None, **options) -> pd.DataFrame:
        return VendorSource(answers or vendor, str(tmp_path / "cache"), now=lambda: now, **options).bars(
            symbol, start, end
        )

    return get


def overnight_ratio(frame: pd.DataFrame) -> float:
    """The largest move from one bar to the next, as a ratio above 1."""
    steps = np.abs(np.diff(np.log(frame["close"].to_numpy())))
    return float(np.exp(steps.max()))


# --- one adjustment --------------------------------------------------------------------------------------


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


# --- whole sessions --------------------------------------------------------------------------------------


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


# --- only what was asked for -----------------------------------------------------------------------------


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


# --- symbols ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [("spy", "SPY"), ("brk-b", "BRK.B"), ("BRK/B", "BRK.B"), ("BRK.B", "BRK.B"), ("^GSPC", "SPX"), ("I:VIX", "VIX")],
)
def test_one_spelling_is_asked_for_and_stored(vendor, bars, tmp_path, written, meant):
    bars("2024-05-13", "2024-05-13", symbol=written)
    assert vendor.asked == [(meant, "2024-05-13", "2024-05-13")]
    assert [path.name for path in (tmp_path / "cache" / "standin").iterdir()] == [meant]


@pytest.mark.parametrize(
    "symbol", ["../../x", "/etc/x", "..", "A/../../B", "a\\b", "S\nPY", "", "X" * 40, "S PY", "$(x)"]
)
def test_no_symbol_leads_out_of_the_cache(vendor, bars, tmp_path, symbol):
    with pytest.raises(DataError, match="is none that a vendor has"):
        bars("2024-05-13", "2024-05-13", symbol=symbol)
    assert not vendor.asked and not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="symbol"):
        MarketConfig(data_source="massive", symbols=(symbol,), start_date="2024-05-13", end_date="2024-05-13")


@pytest.mark.parametrize("symbol", ["EUR/USD", "ES1!", "0050", "NA", "Brk.b"])
def test_files_may_name_instruments_freely(symbol):
    assert MarketConfig(symbols=(symbol,)).symbols == (symbol.upper(),)


def test_symbols_that_differ_in_case_alone_are_one():
    with pytest.raises(DataError, match="name each ticker once"):
        MarketConfig(symbols=("spy", "SPY"))
    assert (checked_symbol("symbols", " spy "), vendor_symbol("qqq")) == ("SPY", "QQQ")


# --- several processes -----------------------------------------------------------------------------------


def test_whoever_fetches_at_once_asks_once_and_loses_nothing(tmp_path):
    class Slow(StandIn):
        def fetch(self, symbol, first, last):
            time.sleep(0.05)
            log.append((symbol, str(first)))
            return super().fetch(symbol, first, last)

    log: list[tuple[str, str]] = []

    def fetch(symbol: str) -> int:
        source = VendorSource(Slow(), str(tmp_path), now=lambda: NOW)
        return len(source.bars(symbol, "2024-04-24", "2024-05-08"))

    # Each opens the lock for itself, so threads exclude each other as processes do.
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(fetch, ["SPY", "SPY", "QQQ", "SPY", "QQQ", "SPY"])) == [11 * 390] * 6
    days = ("2024-04-24", "2024-05-01", "2024-04-30")
    assert sorted(log) == sorted((symbol, day) for symbol in ("SPY", "QQQ") for day in days)
    for symbol in ("SPY", "QQQ"):
        manifest = json.loads((tmp_path / "standin" / symbol / "manifest.json").read_text())
        assert len(manifest["stretches"]) == 2


def test_two_writers_of_one_stretch_do_not_take_each_others_files(tmp_path):
    """As on a file system without locks: a second writer begins and ends while the first one writes."""
    frame = StandIn().fetch("SPY", date(2024, 5, 13), date(2024, 5, 13))
    first, second = BarCache(tmp_path, "standin", "SPY"), BarCache(tmp_path, "standin", "SPY")

    class Interrupted(pd.DataFrame):
        def to_parquet(self, path):
            frame.to_parquet(path)
            second.put(date(2024, 5, 13), date(2024, 5, 13), frame, NOW)

    with first.locked():
        first.put(date(2024, 5, 13), date(2024, 5, 13), Interrupted(frame), NOW)
        (stored,) = first.stretches()
        assert first.read(stored).equals(frame)


def test_what_a_killed_process_left_is_removed_and_an_older_manifest_is_fetched_again(vendor, bars, tmp_path):
    folder = tmp_path / "cache" / "standin" / "SPY"
    folder.mkdir(parents=True)
    (folder / ".2024-05-13_2024-05-13.parquet.0123.tmp").write_bytes(b"half")
    (folder / "manifest.json").write_text('{"2024-05-13_2024-05-13.parquet": {"sha256": "x", "bars": 3}}')
    assert len(bars("2024-05-13", "2024-05-13")) == 390
    assert not list(folder.glob(".*.tmp"))


def test_a_folder_that_cannot_be_written_is_said(vendor, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be written .*choose another cache_path"):
        VendorSource(vendor, str(tmp_path / "file"), now=lambda: NOW).bars("SPY", "2024-05-13", "2024-05-13")


def test_a_further_process_does_not_ask_again_for_what_is_incomplete(vendor, bars):
    vendor.minutes = {"2024-05-14": 30}
    with pytest.warns(DataWarning):
        first = bars("2024-05-13", "2024-05-15")
        assert bars("2024-05-13", "2024-05-15", answers=Unreachable(), refresh=False).equals(first)


def test_bars_that_cannot_be_right_are_not_stored(vendor, bars, tmp_path):
    class Broken(StandIn):
        def fetch(self, symbol, first, last):
            return super().fetch(symbol, first, last).assign(high=1.0)

    with pytest.raises(DataError, match=r"standin, SPY.*high 1\.0 is below"):
        bars("2024-05-13", "2024-05-13", answers=Broken())
    assert len(bars("2024-05-13", "2024-05-13")) == 390
