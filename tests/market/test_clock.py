"""The clock of the stamps: wrong ones are noticed, right ones are left alone, and the named declaration helps."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.dataset import inspect, load_dataset
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sources import load_bars
from tests.market.advice import flags_in

HEADER = "datetime,open,high,low,close,volume"
DAYS = ("2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12", "2024-03-13", "2024-03-14")  # the clocks change between
REAL = {
    "spy_1min_2024": {},
    "spy_1min_2019": {"file_bar_stamp": "end", "file_row_order": "descending"},
    "qqq_1min_2019": {"file_bar_stamp": "end", "file_row_order": "descending"},
    "spy_1min_2011_01": {"file_layout": "ninjatrader", "file_time_zone": "UTC"},
    "spy_1min_2011_03": {"file_layout": "ninjatrader", "file_time_zone": "UTC"},
    "spx_1min_2019_11": {"file_time_format": "%m/%d/%Y %H:%M"},
    "spx_5min_2025": {"file_time_format": "unix_s", "file_bar_minutes": 5},
    "vix1d_5min_2025": {"file_time_format": "unix_s", "file_bar_minutes": 5, "max_move_pct": 100.0},
}


def bars_of(first="04:00", last="19:59") -> pd.DataFrame:
    """Bars of DAYS, naive New York time, with the volume of a day: little outside the session, a step at its open."""
    stamps = pd.DatetimeIndex([t for day in DAYS for t in pd.date_range(f"{day} {first}", f"{day} {last}", freq="min")])
    minute = np.asarray(stamps.hour * 60 + stamps.minute)
    inside = (minute >= 570) & (minute < 960)
    shape = np.where(inside, 3.0 + 6.0 * np.abs(minute - 765) / 195, 0.2)
    rng = np.random.default_rng(3)
    volume = np.round(1000 * shape * rng.lognormal(0, 0.3, len(stamps)))
    close = np.round(500 + np.cumsum(rng.normal(0, 0.02, len(stamps))), 2)
    return pd.DataFrame({"close": close, "volume": volume}, index=stamps)


@pytest.fixture
def write_bars(write):
    def to_file(bars: pd.DataFrame, stamps: pd.DatetimeIndex, text=str) -> Path:
        cells = zip(stamps, bars["close"], bars["volume"], strict=True)
        lines = [f"{text(t)},{c},{c + 0.02:.2f},{c - 0.02:.2f},{c},{v:.0f}" for t, c, v in cells]
        return write("bars.csv", [HEADER, *lines])

    return to_file


def moved(bars: pd.DataFrame, zone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(bars.index).tz_localize("America/New_York").tz_convert(zone).tz_localize(None)


def report_of(path: Path, *flags: str, **options):
    given = dict(flag.removeprefix("--file_").split("=") for flag in flags)
    kinds = {"hours_ahead": float}
    declared = {f"file_{name}": kinds.get(name, str)(value) for name, value in given.items()}
    config = MarketConfig(data_source="csv", data_path=str(path), symbols=("SPY",), **declared, **options)
    return next(iter(inspect(config)))


def clock_of(report) -> list:
    return [finding for finding in report.findings if finding.kind in ("clock", "no_session")]


@pytest.mark.parametrize("hours", [("04:00", "19:59"), ("09:30", "15:59")])
@pytest.mark.parametrize(
    ("zone", "advice"),
    [
        ("UTC", "--file_time_zone=UTC"),
        ("America/Chicago", "--file_time_zone=America/Chicago"),
        ("Europe/Berlin", "--file_time_zone=Europe/Berlin"),
        ("Asia/Tokyo", "--file_time_zone=Asia/Tokyo"),
    ],
)
def test_a_naive_clock_of_another_zone_is_noticed_and_the_advice_helps(write_bars, zone, advice, hours):
    bars = bars_of(*hours)
    path = write_bars(bars, moved(bars, zone))
    (found,) = clock_of(report_of(path))
    assert flags_in(found.text) == [advice]
    # Chicago's hour costs few bars, and extended hours fill the session with others.
    few = zone == "Asia/Tokyo" or (hours[0] == "09:30" and zone != "America/Chicago")
    assert found.severity == ("error" if few else "warn")
    fixed = report_of(path, advice)
    assert clock_of(fixed) == [] and fixed.summary()["bars"] == 390 * len(DAYS)


def test_a_brokers_clock_differs_from_a_zone_with_other_changes(write_bars):
    bars = bars_of()
    path = write_bars(bars, pd.DatetimeIndex(bars.index) + pd.Timedelta(hours=7))
    (found,) = clock_of(report_of(path))
    assert "volume steps up at 16:30 on 6 of 6 days, not at 09:30" in found.text
    assert flags_in(found.text) == ["--file_hours_ahead=7"]
    assert clock_of(report_of(path, "--file_hours_ahead=7")) == []
    (again,) = clock_of(report_of(path, "--file_hours_ahead=6"))
    assert flags_in(again.text) == ["--file_hours_ahead=7"]


@pytest.mark.parametrize("text", [lambda t: f"{t}+00:00", lambda t: f"{t}-05:00", lambda t: str(int(t.timestamp()))])
def test_stamps_that_name_a_zone_they_do_not_keep_are_noticed(write_bars, text):
    bars = bars_of()
    path = write_bars(bars, pd.DatetimeIndex(bars.index), text)  # New York clock times, called UTC or winter time
    options = {"file_time_format": "unix_s"} if text(bars.index[0]).isdigit() else {}
    found = clock_of(report_of(path, **options))
    if text(bars.index[0]).endswith("-05:00"):  # right in two sessions, an hour off in four
        assert "volume steps up at 10:30 on 4 of 6 days" in found[0].text
    assert flags_in(found[0].text) == ["--file_hours_ahead=0"]
    assert clock_of(report_of(path, "--file_hours_ahead=0", **options)) == []


@pytest.mark.parametrize("hours", [("04:00", "19:59"), ("09:30", "15:59")])
def test_stamps_at_the_other_end_are_noticed_both_ways(write_bars, hours):
    bars = bars_of(*hours)
    late = write_bars(bars, pd.DatetimeIndex(bars.index) + pd.Timedelta(minutes=1))
    (found,) = clock_of(report_of(late))
    assert found.severity == "warn" and flags_in(found.text) == ["--file_bar_stamp=end"]
    assert clock_of(report_of(late, "--file_bar_stamp=end")) == []
    right = write_bars(bars, pd.DatetimeIndex(bars.index))
    assert clock_of(report_of(right)) == []
    (found,) = clock_of(report_of(right, "--file_bar_stamp=end"))
    assert flags_in(found.text) == ["--file_bar_stamp=start"]


def test_sessions_that_lack_most_bars_and_both_ends_are_an_error(write_bars):
    bars = bars_of("11:00", "13:00")
    path = write_bars(bars, pd.DatetimeIndex(bars.index))
    (found,) = clock_of(report_of(path))
    assert found.severity == "error"
    assert "most sessions lack most of their bars, the open and the close among them; see file_time_zone" in found.text
    vix = path.with_name("vix.csv")
    vix.write_text("date,close\n" + "".join(f"{day},15\n" for day in DAYS))
    with pytest.raises(DataError, match="the clock looks wrong: most sessions lack most"):
        load_dataset(MarketConfig(data_source="csv", data_path=str(path), symbols=("SPY",), vix_path=str(vix)))


@pytest.mark.parametrize("hours", [("04:00", "19:59"), ("09:30", "15:59"), ("09:30", "11:29"), ("14:30", "15:59")])
def test_a_right_clock_is_left_alone(write_bars, hours):
    bars = bars_of(*hours)
    assert clock_of(report_of(write_bars(bars, pd.DatetimeIndex(bars.index)))) == []
    assert clock_of(report_of(write_bars(bars.assign(volume=0.0), pd.DatetimeIndex(bars.index)))) == []


def test_the_references_clock_is_not_looked_at(write_bars):
    bars = bars_of()
    assert clock_of(report_of(write_bars(bars, moved(bars, "UTC")), session_clock="naive_utc")) == []


@pytest.mark.parametrize("name", REAL)
def test_real_files_have_a_right_clock_and_wrong_declarations_are_noticed(shared_data, name):
    config = MarketConfig(data_source="csv", data_path=str(shared_data / f"{name}.csv"), symbols=("X",), **REAL[name])
    assert clock_of(next(iter(inspect(config)))) == []
    wrong = []
    if "2011" in name:
        wrong = [{"file_time_zone": "America/New_York"}, {"file_bar_stamp": "start"}]
    elif "2019" in name and "spx" not in name:
        wrong = [{"file_bar_stamp": "start"}]
    elif name == "spy_1min_2024":
        wrong = [{"file_bar_stamp": "end"}]
    for change in wrong:
        (found,) = clock_of(next(iter(inspect(dataclasses.replace(config, **change)))))
        (field, value), *_ = change.items()
        assert flags_in(found.text) == [f"--{field}={getattr(config.file_format, field[5:])}"], value


@pytest.mark.parametrize(("zone", "step"), [("UTC", "13:30"), ("America/Chicago", "08:30")])
def test_the_real_month_without_its_offsets(shared_data, tmp_path, zone, step):
    bars = load_bars(shared_data / "spy_1min_2024.csv", "SPY")
    naive = bars.set_axis(pd.DatetimeIndex(bars.index).tz_convert(zone).tz_localize(None).rename("datetime"))
    naive.to_parquet(tmp_path / "bars.parquet")
    config = MarketConfig(data_source="parquet", data_path=str(tmp_path / "bars.parquet"), symbols=("SPY",))
    (found,) = clock_of(next(iter(inspect(config))))
    assert f"volume steps up at {step}" in found.text and flags_in(found.text) == [f"--file_time_zone={zone}"]
