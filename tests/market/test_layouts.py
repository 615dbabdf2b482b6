"""Named layouts: each reads its own example, is suggested for it, and is documented with it."""

from pathlib import Path

import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.layouts import LAYOUTS
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sources import load_bars
from tests.market.advice import flags_in

DOCUMENT = Path(__file__).parents[2] / "docs" / "market_data.md"
PRICES = [[521.11, 521.35, 521.04, 521.20], [521.20, 521.28, 521.10, 521.15]]


def config_of(path: Path, *flags: str) -> MarketConfig:
    options = dict(flag.removeprefix("--").split("=") for flag in flags)
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
        assert advice == [f"--file_layout={name}"] or name == "histdata"
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


def test_a_layout_is_never_applied_in_silence(write):
    path = write("bars.csv", list(LAYOUTS["kibot"].example))
    with pytest.raises(DataError, match="it looks like kibot: use --file_layout=kibot"):
        load_bars(path, "SPY", form=FileFormat())


def test_an_unknown_layout_is_refused_with_those_there_are():
    with pytest.raises(DataError, match="file_layout='excel' is unknown: choose one of metatrader, metatrader4, kibot"):
        MarketConfig(data_source="csv", data_path="x.csv", file_layout="excel")
