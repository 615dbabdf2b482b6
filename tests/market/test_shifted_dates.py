"""A clock that is right on some dates only: the dates are named, the remedy fits them all, odd days are left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.checks.shifted_dates import describe, shifted_stretches
from momentum_jax.market.checks.volume_steps import volume_steps
from momentum_jax.market.dataset import inspect
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sources import FileSource, load_bars
from tests.market.advice import flags_in

SPRING = pd.bdate_range("2024-02-26", "2024-04-12")  # America changes on 03-10, Europe on 03-31
AUTUMN = pd.bdate_range("2024-10-14", "2024-11-15")  # Europe changes on 10-27, America on 11-03


def half_hours(hours_late: dict[str, float], days: pd.DatetimeIndex) -> pd.DataFrame:
    """Half-hour bars of days, 04:00 to 20:00, with ten times the volume in sessions, late by the hours of a date."""
    stamps = [pd.date_range(f"{day.date()} 04:00", periods=32, freq="30min") for day in days]
    late = np.repeat([hours_late.get(str(day.date()), 0.0) for day in days], 32)
    index = pd.DatetimeIndex(np.concatenate(stamps))
    hour = index.hour + index.minute / 60
    volume = np.where((hour >= 9.5) & (hour < 16), 10.0, 1.0)
    moved = index + pd.to_timedelta(late, unit="h")
    return pd.DataFrame({"volume": volume}, index=moved.tz_localize("America/New_York"))


def found(hours_late: dict[str, float], days: pd.DatetimeIndex) -> list[str]:
    return [stretch.text for stretch in shifted_stretches(volume_steps(half_hours(hours_late, days)))]


def late(first: str, last: str, hours: float) -> dict[str, float]:
    return {str(day.date()): hours for day in pd.bdate_range(first, last)}


@pytest.mark.parametrize(
    ("days", "hours_late", "expected"),
    [
        (SPRING, late("2024-03-11", "2024-03-29", -1), "at 08:30 from 2024-03-11 to 2024-03-29 (15 of 15 days)"),
        (SPRING, late("2024-02-26", "2024-03-08", 1), "at 10:30 from 2024-02-26 to 2024-03-08 (10 of 10 days)"),
        (AUTUMN, late("2024-10-28", "2024-11-01", -1), "at 08:30 from 2024-10-28 to 2024-11-01 (5 of 5 days)"),
        # Two days suffice between two changes, one odd day among them does not hide the others …
        (
            SPRING[SPRING < "2024-03-13"],
            late("2024-03-11", "2024-03-12", -1),
            "at 08:30 from 2024-03-11 to 2024-03-12 (2 of 2 days)",
        ),
        (
            SPRING,
            late("2024-03-11", "2024-03-29", -1) | {"2024-03-20": 4.5},
            "at 08:30 from 2024-03-11 to 2024-03-29 (14 of 15 days)",
        ),
        # … and a clock that moves on any other date is noticed after a week.
        (SPRING, late("2024-03-13", "2024-03-19", 3), "at 12:30 from 2024-03-13 to 2024-03-19 (5 of 5 days)"),
    ],
)
def test_dates_with_a_clock_of_their_own_are_named(days, hours_late, expected):
    assert found(hours_late, days) == [expected]


@pytest.mark.parametrize(
    "hours_late",
    [
        {},
        {"2024-03-11": -1},  # one day of a stretch
        late("2024-03-12", "2024-03-14", -1),  # news before three openings in a row
        late("2024-03-13", "2024-03-18", 3),
        {"2024-03-12": -1, "2024-03-20": 4.5, "2024-04-02": 6},
    ],
)
def test_a_few_odd_days_are_left_alone(hours_late):
    assert found(hours_late, SPRING) == []


def test_the_first_stretches_stand_for_many():
    years = pd.bdate_range("2019-01-02", "2024-12-31")
    summers = [f"{year}-{part}" for year in range(2019, 2025) for part in ("spring", "autumn")]
    lagging = (years.tz_localize("Europe/Berlin").tz_convert("America/New_York").hour + 6) % 24
    hours_late = {str(day.date()): -1.0 for day, hour in zip(years, lagging, strict=True) if hour == 1}
    stretches = shifted_stretches(volume_steps(half_hours(hours_late, years)))
    assert len(stretches) == len(summers)
    assert "at 08:30 from 2019-03-11 to 2019-03-29 (15 of 15 days)" in describe(stretches)
    assert describe(stretches).endswith(", and in 8 more stretches, not at 09:30")


def test_days_that_together_step_up_at_the_open_have_no_wrong_clock():
    """Of a symbol that hardly trades: each day steps up when somebody buys."""
    bars = half_hours({}, SPRING)
    buys = np.random.default_rng(0).integers(12, 24, len(SPRING)) + 32 * np.arange(len(SPRING))
    volume = bars["volume"].to_numpy(copy=True)
    volume[buys] = 60
    steps = volume_steps(bars.assign(volume=volume))
    assert steps.at_open < 0.5 and not steps.wrong and shifted_stretches(steps) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_symbol_that_hardly_trades_has_no_wrong_clock(shared_data, seed):
    """Its days step up anywhere: a single trade is three times none."""
    bars = load_bars(shared_data / "spy_1min_2024.csv", "SPY")
    rng = np.random.default_rng(seed)
    volume = rng.poisson(bars["volume"] * 3e-6) * 100 * rng.lognormal(0, 1.2, len(bars))
    steps = volume_steps(bars.assign(volume=volume)[volume > 0])
    assert steps.at_open < 0.5  # or the test would say nothing
    assert not steps.wrong and shifted_stretches(steps) == []


def report_of(path, **options):
    return next(iter(inspect(MarketConfig(data_source="parquet", data_path=str(path), symbols=("SPY",), **options))))


def clock_of(report) -> list[str]:
    return [finding.text for finding in report.findings if finding.kind == "clock"]


@pytest.mark.parametrize(
    ("zone", "declared", "dates", "advice"),
    [
        ("Europe/Berlin", 6.0, "08:30 from 2024-03-11 to 2024-03-28", "Europe/Berlin"),
        ("Europe/Athens", 7.0, "08:30 from 2024-03-11 to 2024-03-28", "Europe/Athens"),  # many brokers' clock
        ("Etc/GMT+4", None, "10:30 from 2024-02-20 to 2024-03-08", "Etc/GMT+4"),
    ],
)
def test_the_remedy_fits_all_dates_of_a_real_file(shared_data, tmp_path, zone, declared, dates, advice):
    bars = load_bars(shared_data / "spy_1min_2024.csv", "SPY")
    naive = bars.set_axis(pd.DatetimeIndex(bars.index).tz_convert(zone).tz_localize(None).rename("datetime"))
    path = tmp_path / "bars.parquet"
    naive.to_parquet(path)
    (text,) = clock_of(report_of(path, file_hours_ahead=declared))
    assert f"wrong for a part of the dates: volume steps up at {dates}" in text
    assert flags_in(text) == [f"--file_time_zone={advice}"]
    assert text.endswith("and leave file_hours_ahead out") == (declared is not None)
    fixed = report_of(path, file_time_zone=advice)
    assert clock_of(fixed) == [] and fixed.summary()["bars"] == 24_570


@pytest.fixture
def half_hour_file(tmp_path):
    """Writes half-hour bars of the spring with the clock of a zone that the stamps do not name."""

    def to_file(zone: str):
        bars = half_hours({}, SPRING).assign(open=100.0, high=100.5, low=99.5, close=100.0)
        naive = pd.DatetimeIndex(bars.index).tz_convert(zone).tz_localize(None).rename("datetime")
        bars.set_axis(naive).to_parquet(tmp_path / "half_hours.parquet")
        return tmp_path / "half_hours.parquet"

    return to_file


def test_hours_ahead_that_fit_most_dates_are_no_remedy(half_hour_file):
    path = half_hour_file("Europe/Athens")
    (text,) = clock_of(report_of(path, file_bar_minutes=30))
    assert "volume steps up at 16:30 on 20 of 35 days" in text
    assert flags_in(text) == ["--file_time_zone=Europe/Athens"]  # seven hours ahead are right on 20 days
    (text,) = clock_of(report_of(path, file_bar_minutes=30, file_hours_ahead=7.0))
    assert "at 08:30 from 2024-03-11 to 2024-03-29 (15 of 15 days)" in text


def test_a_clock_that_knows_no_summer_time_has_an_offset_for_a_remedy(half_hour_file):
    (text,) = clock_of(report_of(half_hour_file("Etc/GMT-3"), file_bar_minutes=30))
    assert flags_in(text) == ["--file_time_zone=Etc/GMT-3"]


def test_a_zone_with_other_changes_is_noticed_in_the_real_march(shared_data):
    path = shared_data / "spy_1min_2011_03.csv"
    options = {"file_layout": "ninjatrader", "file_time_zone": "Europe/London"}
    config = MarketConfig(data_source="csv", data_path=str(path), symbols=("SPY",), **options)
    (text,) = clock_of(next(iter(inspect(config))))
    assert "08:30 from 2011-03-28 to 2011-03-31 (4 of 4 days)" in text
    assert flags_in(text) == ["--file_time_zone=UTC"]


def test_a_zone_goes_before_the_hours_of_a_layout():
    layout = {"data_source": "csv", "data_path": "bars.csv", "file_layout": "metatrader"}
    assert MarketConfig(**layout).file_format.hours_ahead == 7
    zone = MarketConfig(**layout, file_time_zone="Europe/Athens").file_format
    assert (zone.hours_ahead, zone.time_zone) == (None, "Europe/Athens")
    both = MarketConfig(**layout, file_time_zone="Europe/Athens", file_hours_ahead=6).file_format
    assert both.hours_ahead == 6


def test_real_days_of_lean_have_no_shifted_dates(shared_data):
    folder = shared_data / "lean" / "equity" / "usa" / "minute"
    declared = {"file_header": False, "file_time_format": "day_ms", "file_price_scale": 10_000.0}
    config = MarketConfig(data_source="csv", data_path=str(folder), symbols=("SPY",), **declared)
    bars = FileSource(str(folder), config.file_format).bars("SPY", None, None)
    steps = volume_steps(bars)
    assert len(steps.dates) == 7 and shifted_stretches(steps) == [] and not steps.wrong
