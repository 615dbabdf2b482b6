"""Options that mean nothing are refused before any file is opened."""

import dataclasses
import subprocess
import sys

import pytest

from momentum_jax.cli import command_line
from momentum_jax.config import Arm, Experiment
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig

FILES = {"data_source": "csv", "data_path": "bars.csv", "vix_path": "vix.csv"}


def test_the_default_is_the_embedded_market():
    config = MarketConfig()
    assert config.data_source == "synthetic"
    assert config.symbols == ("SPY", "QQQ", "SPX")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data_source": "excel"}, ("data_source", "'excel'", "choose one of synthetic, csv, parquet")),
        ({"data_source": "csv", "vix_path": "v.csv"}, ("data_path is missing", "one-minute bars")),
        ({"data_path": "bars.csv"}, ("data_path is 'bars.csv'", "synthetic", "set data_source to csv")),
        ({"vix_path": "vix.csv"}, ("vix_path is 'vix.csv'", "leave vix_path out")),
        ({"start_date": "2024-03-02", "end_date": "2024-03-01"}, ("2024-03-02 is after", "swap them")),
        ({**FILES, "start_date": "20/02/2024"}, ("start_date", "'20/02/2024'", "YYYY-MM-DD")),
        ({"end_date": "2024-02-30"}, ("end_date", "'2024-02-30'", "YYYY-MM-DD")),
        ({"intraday_days": 0}, ("intraday_days=0", "at least 1")),
        ({"synthetic_seed": -1}, ("synthetic_seed=-1", "at least 0")),
        ({"symbols": ()}, ("symbols is ()", "at least one ticker")),
        ({"symbols": "SPY"}, ("symbols='SPY' is text", "write symbols=('SPY',)")),
        ({"symbols": ("SPY", "")}, ("symbols", "at least one ticker")),
        ({"symbols": ("SPY", "SPY")}, ("symbols", "each ticker once")),
    ],
)
def test_a_meaningless_option_is_refused_in_one_line(options, words):
    with pytest.raises(DataError) as caught:
        MarketConfig(**options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["start_date", "train_end", "validation_end", "end_date"])
@pytest.mark.parametrize("spelling", ["20240220", "2024-W08-2", "2024-02-20 ", "2024-2-20", "2024-02-20T00:00", ""])
def test_a_date_has_one_spelling(name, spelling):
    """Dates are compared with names of files; 20240220 would come before 2024-01-01."""
    with pytest.raises(DataError, match=f"^{name} is '{spelling}': write it as YYYY-MM-DD, e.g. 2024-02-20$"):
        MarketConfig(**{name: spelling})


def test_one_day_may_be_both_start_and_end():
    assert MarketConfig(start_date="2024-03-01", end_date="2024-03-01").end_date == "2024-03-01"


def test_the_options_load_neither_jax_nor_pandas():
    code = "import sys, momentum_jax.market.market_options; print({'jax', 'pandas', 'numpy'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"


def test_each_option_is_a_flag_of_its_type():
    arms = (Arm(name="tune2"),)
    given = {
        "data_source": ("csv", "csv"),
        "data_path": ("a.csv", "a.csv"),
        "symbols": ("SPY,QQQ", ("SPY", "QQQ")),
        "file_header": ("false", False),
        "file_columns": ("time,open,high,low,close", ("time", "open", "high", "low", "close")),
        "file_price_scale": ("10000", 10_000.0),
        "file_bar_minutes": ("5", 5),
        "missing_minutes": ("fill", "fill"),
        "fill_limit": ("3", 3),
        "segments": ("balanced", "balanced"),
        "train_end": ("2024-02-09", "2024-02-09"),
        "data_part": ("train", "train"),
    }
    argv = ["launch.py", *(f"--{name}={text}" for name, (text, _) in given.items())]
    command = command_line.parse(argv, lambda name: Experiment(name=name, description="", arms=arms), ["tune2"])
    assert isinstance(command, command_line.Command)
    market = command.config.market
    for field in dataclasses.fields(MarketConfig):
        assert getattr(market, field.name) == given.get(field.name, (None, field.default))[1]


def test_a_declaration_that_the_source_does_not_read_is_refused():
    with pytest.raises(DataError, match="file_bar_stamp is given but data_source synthetic does not read it"):
        MarketConfig(file_bar_stamp="end")
    with pytest.raises(DataError, match="file_delimiter is given but data_source parquet does not read it"):
        MarketConfig(data_source="parquet", data_path="b.parquet", file_delimiter=";")


def test_a_declaration_of_what_holds_anyway_is_none():
    """Runs that were stored when every declaration had a value of its own can be resumed."""
    written_out = {"file_delimiter": ",", "file_header": True, "file_bar_minutes": 1, "file_price_scale": 1.0}
    assert MarketConfig(**FILES, **written_out) == MarketConfig(**FILES)
    assert MarketConfig(**written_out) == MarketConfig()
    assert MarketConfig(**FILES, file_layout="kibot", file_header=True).file_format.header


def test_declarations_of_a_vix_file_need_one():
    with pytest.raises(DataError, match="vix_columns is given but no vix_path: give the VIX file, or leave it out"):
        MarketConfig(data_source="csv", data_path="bars.csv", vix_columns=("date", "close"))
    with pytest.raises(DataError, match="vix_time_format is '%H:%M', which holds no whole date"):
        MarketConfig(**FILES, vix_time_format="%H:%M")
    config = MarketConfig(**FILES, vix_layout="yfinance", vix_delimiter=";")
    assert (config.vix_file_format.header_lines, config.vix_file_format.separator) == (3, ";")


def test_two_settings_that_contradict_each_other_are_refused_by_name():
    with pytest.raises(DataError, match=r"file_decimal and file_thousands are both '\.': leave one out"):
        MarketConfig(**FILES, file_thousands=".")
    with pytest.raises(DataError, match="file_encoding is 'utf-9': use a name such as cp1252"):
        MarketConfig(**FILES, file_encoding="utf-9")
    with pytest.raises(DataError, match="file_time_columns is a,b,c: name one column, or two"):
        MarketConfig(**FILES, file_time_columns=("a", "b", "c"))
