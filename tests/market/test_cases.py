"""Files of the kinds that people bring, each against its right answer; advice that a message gives is followed."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.dataset import inspect, load_dataset
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.vix.daily_vix import load_vix
from tests.conftest import SHARED, require
from tests.market.advice import flags_in, inspected


@pytest.fixture(scope="module")
def cases() -> Path:
    return require(SHARED / "cases" / "market")


def config_of(path: Path, **options) -> MarketConfig:
    kind = "parquet" if path.suffix == ".parquet" else "csv"
    return MarketConfig(data_source=kind, data_path=str(path), symbols=("SPY",), **options)


def summary_of(path: Path, **options) -> dict:
    return next(iter(inspect(config_of(path, **options)))).summary()


def arguments_of(path: Path) -> list[str]:
    kind = "parquet" if path.suffix == ".parquet" else "csv"
    return [f"--data_source={kind}", f"--data_path={path}", "--symbols=SPY"]


RIGHT = {"sessions": 2, "bars": 240, "missing": 540, "first": "2024-05-14", "last": "2024-05-15"}
RIGHT_LINE = "2 sessions 2024-05-14 to 2024-05-15, 240 bars, 540 missing"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("04-alpaca-df.parquet", {}),
        ("04b-index-ts.parquet", {}),
        ("04d-yfinance-download.parquet", {}),
        ("07-overlap.csv", {"duplicate_rows": 1}),
        ("09-unnamed-index.csv", {}),
        ("09b-two-unnamed.csv", {}),
        ("15-wide.csv", {}),
        ("16-empty-volume.csv", {"empty_volume": 1}),
        ("18b-bom.csv", {}),
        ("26-rounding-hair.csv", {"rounding": 1}),
    ],
)
def test_what_leaves_no_doubt_is_read_and_what_was_set_right_is_counted(cases, name, found):
    summary = summary_of(cases / name)
    assert {key: summary[key] for key in RIGHT} == RIGHT
    assert {kind: count for kind, count in summary["findings"]["warn"].items() if kind in found} == found
    assert summary["findings"]["error"] == summary["findings"]["exclude"] == {}


@pytest.mark.parametrize(
    "name",
    [
        "02-date-and-time.csv",
        "02b-metatrader.csv",
        "02d-kibot.txt",
        "03-yfinance-download.csv",
        "08-decimal-comma.csv",
        "08b-decimal-comma-one-stamp.csv",
        "10-tradingview.csv",
        "11-ib-zone-name.csv",
        "21-klines.csv",
        "23-ninjatrader.txt",
    ],
)
def test_the_declarations_that_the_refusal_names_read_the_file(cases, capsys, name):
    code, _, error = inspected(capsys, arguments_of(cases / name))
    assert code == 2 and error.count("\n") == 1
    advice = flags_in(error)
    assert advice
    code, text, error = inspected(capsys, [*arguments_of(cases / name), *advice])
    assert (code, error) == (0, "")
    assert RIGHT_LINE in text and "clock" not in text


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("02b-metatrader.csv", {"file_layout": "metatrader"}),
        ("02d-kibot.txt", {"file_layout": "kibot"}),
        ("03-yfinance-download.csv", {"file_layout": "yfinance"}),
        ("04-alpaca-df.parquet", {"file_layout": "alpaca"}),
        ("04d-yfinance-download.parquet", {"file_layout": "yfinance"}),
        ("10-tradingview.csv", {"file_layout": "tradingview"}),
        ("11-ib-zone-name.csv", {"file_layout": "interactive_brokers"}),
        ("11-ib-zone-name.csv", {"file_time_format": "%Y%m%d %H:%M:%S %Z"}),
        ("21-klines.csv", {"file_layout": "klines"}),
        ("23-ninjatrader.txt", {"file_layout": "ninjatrader"}),
    ],
)
def test_layouts_and_patterns_read_their_files(cases, name, options):
    source = config_of(cases / name, **options)
    summary = summary_of(cases / name, **options)
    assert {key: summary[key] for key in RIGHT} == RIGHT
    assert source.file_layout == options.get("file_layout")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("06-daily.csv", "bars are a day apart"),
        ("06d-tradingview-daily.csv", "bars are a day apart"),
        ("06c-hourly.csv", "bars are an hour apart"),
    ],
)
def test_bars_that_are_no_minutes_are_refused_as_such(cases, name, words):
    with pytest.raises(DataError, match=words) as caught:
        summary_of(cases / name)
    assert "zone" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_with_a_file_a_day_serves_every_ticker(cases, capsys):
    folder = cases / "12-flatfiles"
    code, _, error = inspected(capsys, arguments_of(folder))
    assert code == 2 and flags_in(error) == ["--file_layout=flat_files"]
    for symbol in ("SPY", "QQQ"):
        arguments = ["--data_source=csv", f"--data_path={folder}", f"--symbols={symbol}", *flags_in(error)]
        code, text, _ = inspected(capsys, arguments)
        assert code == 0 and "2 sessions 2024-05-14 to 2024-05-15, 120 bars" in text


def test_naive_utc_stamps_are_noticed_and_the_finding_names_what_helps(cases, capsys):
    path = cases / "01-naive-utc.csv"
    code, text, _ = inspected(capsys, arguments_of(path))
    assert code == 1 and "volume steps up at 13:30 on 2 of 2 days, not at 09:30" in text
    assert flags_in(text) == ["--file_time_zone=UTC"]
    code, text, _ = inspected(capsys, [*arguments_of(path), *flags_in(text)])
    assert code == 0 and "2 sessions 2024-05-14 to 2024-05-15, 120 bars" in text and "clock" not in text
    first = next(iter(inspect(config_of(path, file_time_zone="UTC")))).table["at_open"]
    assert first.all()


def test_end_stamps_are_noticed_and_the_finding_names_what_helps(cases, capsys):
    path = cases / "17-end-stamps.csv"
    code, text, _ = inspected(capsys, arguments_of(path))
    assert code == 0 and "2 of 2 sessions lack 09:30 and have a bar at their close (16:00)" in text
    assert flags_in(text) == ["--file_bar_stamp=end"]
    code, text, _ = inspected(capsys, [*arguments_of(path), *flags_in(text)])
    assert code == 0 and "180 bars" in text and "0 outside sessions" in text and "clock" not in text


def test_a_brokers_clock_is_declared_by_its_hours_ahead_of_new_york(cases, capsys):
    path = cases / "28-mt5-broker-time.csv"
    code, text, _ = inspected(capsys, arguments_of(path))
    assert code == 1 and flags_in(text) == ["--file_hours_ahead=7"]
    report = next(iter(inspect(config_of(path, file_hours_ahead=7.0))))
    traded = report.table[report.table["bars"] > 0]
    assert len(traded) == 2 and traded["at_open"].all() and (traded["bars"] == 120).all()


def test_prices_that_whole_dollar_strikes_do_not_suit_are_refused_before_training(cases, capsys):
    path = cases / "13-cheap.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(
            DataError, match=r"240 of 240 closes are 0\.50 or less, where the whole-dollar strike is 0"
        ) as caught:
            load_dataset(config_of(path, vix_path=str(cases / "05d-vix-iso.csv")))
        code, text, _ = inspected(capsys, [*arguments_of(path), *flags_in(str(caught.value))])
        assert code == 0 and "of a usual premium" not in text


@pytest.mark.parametrize(
    "name", ["05-vix-cboe.csv", "05b-vix-fred.csv", "05c-vix-utc-midnight.csv", "05f-vix-unix.csv"]
)
def test_every_vix_file_has_the_same_days_and_closes(cases, name):
    expected = load_vix(cases / "05d-vix-iso.csv")
    assert len(expected) == 15 and (pd.DatetimeIndex(expected.index).day_of_week == 4).sum() == 3
    found = load_vix(cases / name)
    pd.testing.assert_index_equal(found.index, expected.index)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), rtol=1e-12)
