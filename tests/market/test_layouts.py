"""Named layouts: each reads its own example, is suggested for it, and is documented with it."""

from pathlib import Path
from typing import Any

import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.layouts import LAYOUTS
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sources import FileSource, load_bars
from tests.market.advice import flags_in

DOCUMENT = Path(__file__).parents[2] / "docs" / "market_data.md"
PRICES = [[521.11, 521.35, 521.04, 521.20], [521.20, 521.28, 521.10, 521.15]]


def config_of(path: Path, *flags: str) -> MarketConfig:
    options: dict[str, Any] = {}
    for name, given, value in (flag.removeprefix("--").partition("=") for flag in flags):
        options |= {name: value} if given else {name.removeprefix("no"): not name.startswith("no")}
    return MarketConfig(data_source="csv", data_path=str(path), symbols=("SPY",), **options)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_reads_its_example(write, name):
    path = write("bars.csv", list(LAYOUTS[name].example))
    bars = load_bars(path, "SPY", form=config_of(path, f"--file_layout={name}").file_format)
    assert [str(stamp) for stamp in bars.index] == ["2024-05-14 09:30:00-04:00", "2024-05-14 09:31:00-04:00"]
    assert bars.iloc[:, :4].to_numpy().tolist() == PRICES
    assert (bars["volume"] > 0).all() or name == "histdata"


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_example_is_read_by_itself_or_by_the_layout_that_the_refusal_names(write, name):
    path = write("bars.csv", list(LAYOUTS[name].example))
    try:
        bars = load_bars(path, "SPY", form=FileFormat())
    except DataError as error:
        advice = flags_in(str(error))
        bars = load_bars(path, "SPY", form=config_of(path, *advice).file_format)
        # One shape, two clocks: HistData's files look like NinjaTrader's.
        assert set(advice) - {"--nofile_header"} == {f"--file_layout={name}"} or name == "histdata"
    if name != "histdata":
        assert str(bars.index[0]) == "2024-05-14 09:30:00-04:00"


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_documented_with_its_example(name):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"`{name}`" in text
    for line in LAYOUTS[name].example[:2]:
        assert line.replace("\t", "⇥") in text


def test_what_is_given_goes_before_the_layout(write):
    microseconds = [line.replace("0000,", "0000000,", 1) for line in LAYOUTS["klines"].example]
    path = write("klines.csv", microseconds)
    form = config_of(path, "--file_layout=klines", "--file_time_format=unix_us").file_format
    assert str(load_bars(path, "SPY", form=form).index[0]) == "2024-05-14 09:30:00-04:00"
    # Also where it is what holds without a layout.
    start = MarketConfig(data_source="csv", data_path="x.csv", file_layout="ninjatrader", file_bar_stamp="start")
    assert (start.file_format.bar_stamp, start.file_format.delimiter) == ("start", ";")


@pytest.fixture
def daily_files(tmp_path):
    """Flat files of three days, of which the first cannot be read."""
    header, row, _ = LAYOUTS["flat_files"].example
    (tmp_path / "2024-05-13.csv").write_text("broken\n")
    for day in (14, 15):
        stamp = 1715693400000000000 + (day - 14) * 86_400 * 10**9
        later = [row.replace("1715693400000000000", str(stamp + minute * 60 * 10**9)) for minute in range(2)]
        (tmp_path / f"2024-05-{day}.csv").write_text("\n".join([header, *later]) + "\n")
    return FileSource(tmp_path, FileFormat(**LAYOUTS["flat_files"].declarations))


def test_files_of_other_dates_are_not_opened(daily_files):
    assert len(daily_files.bars("SPY", "2024-05-14", "2024-05-15")) == 4
    assert len(daily_files.bars("SPY", "2024-05-14", "2024-05-14")) == 2
    assert len(daily_files.bars("SPY", "2024-05-15", None)) == 2
    with pytest.raises(DataError, match=r"2024-05-13\.csv"):
        daily_files.bars("SPY", None, "2024-05-14")


@pytest.mark.parametrize("spelling", ["20240514", "2024-W20-2"])
def test_files_are_not_chosen_by_a_date_of_another_spelling(daily_files, spelling):
    """As text it would lie before or after names of files that it does not."""
    with pytest.raises(DataError, match=f"start_date is '{spelling}': write it as YYYY-MM-DD"):
        daily_files.bars("SPY", spelling, "2024-05-15")
    with pytest.raises(DataError, match=f"end_date is '{spelling}': write it as YYYY-MM-DD"):
        daily_files.bars("SPY", "2024-05-14", spelling)


def test_a_layout_is_never_applied_in_silence(write):
    path = write("bars.csv", list(LAYOUTS["kibot"].example))
    with pytest.raises(DataError, match="it looks like kibot: use --file_layout=kibot"):
        load_bars(path, "SPY", form=FileFormat())


def test_an_unknown_layout_is_refused_with_those_there_are():
    with pytest.raises(DataError, match="file_layout='excel' is unknown: choose one of metatrader, metatrader4, kibot"):
        MarketConfig(data_source="csv", data_path="x.csv", file_layout="excel")
