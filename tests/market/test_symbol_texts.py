"""Columns of symbols that are written in the ways of programs and services: ES1!, EUR_USD, SPY US Equity, 005930."""

import dataclasses

import pandas as pd
import pytest

from momentum_jax.market.errors import DataError, UnknownSymbolError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sources import load_bars
from tests.market.advice import flags_in, inspected
from tests.market.plain_bars import HEADER, OTHER, rows

PAIRS = [
    ("EUR_USD", "GBP_USD"),
    ("ES1!", "NQ1!"),
    ("SPY US EQUITY", "QQQ US EQUITY"),
    ("@ES#", "@NQ#"),
    ("/ES", "/NQ"),
    ("6E1!", "6B1!"),
    ("005930.KS", "000660.KS"),
    ("005930", "000660"),
    ("SPDR S&P 500 ETF", "INVESCO QQQ TRUST"),
]


def followed(capsys, path, symbol: str) -> list[str]:
    """The flags of a refusal, with which the file can be read."""
    command = ["--data_source=csv", f"--data_path={path}"]
    code, _, error = inspected(capsys, [*command, f"--symbols={symbol}"])
    flags = flags_in(error)
    assert code == 2 and error.count("\n") == 1 and flags, error
    asked = [] if any(flag.startswith("--symbols=") for flag in flags) else [f"--symbols={symbol}"]
    _, text, error = inspected(capsys, [*command, *asked, *dict.fromkeys(flags)])
    assert error == "" and "6 bars" in text
    return flags


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_symbols_in_any_spelling_that_take_turns_are_not_mixed(write, capsys, pair):
    lines = [f"{line},{pair[place % 2]}" for place, line in enumerate(rows())]
    path = write("bars.csv", [f"{HEADER},sym", *lines])
    assert followed(capsys, path, "SPY")[-1] == "--file_symbol_column=sym"
    for text in pair:
        assert "--file_symbol_column=sym" in followed(capsys, path, text.lstrip("/"))


def test_symbols_that_parquet_keeps_as_numbers_are_not_mixed(write, tmp_path):
    frame = pd.read_csv(write("bars.csv", [HEADER, *rows()]))
    path, form = tmp_path / "bars.parquet", FileFormat(kind="parquet")
    frame.assign(sym=[600519, 700] * (len(frame) // 2)).to_parquet(path)
    with pytest.raises(UnknownSymbolError, match="column sym holds 600519, 700, but SPY is asked for") as caught:
        load_bars(path, "SPY", form=form)
    assert flags_in(str(caught.value)) == ["--symbols=600519", "--file_symbol_column=sym"]
    assert len(load_bars(path, "600519", form=dataclasses.replace(form, symbol_column="sym"))) == len(frame) // 2
    frame.assign(sym=15144).to_parquet(path)  # a number that any service may give to an instrument
    assert len(load_bars(path, "SPY", form=form)) == len(frame)


@pytest.mark.parametrize("pair", [*PAIRS[:6], PAIRS[-1]], ids=lambda pair: pair[0])
def test_symbols_in_any_spelling_whose_stamps_repeat_are_told_apart_by_any_column(write, pair):
    own = [f"{line},{pair[0]}" for line in rows()]
    lines = [line for both in zip(own, (f"{line},{pair[1]}" for line in OTHER), strict=True) for line in both]
    with pytest.raises(DataError, match="stamps repeat, once for each of") as caught:
        load_bars(write("bars.csv", [f"{HEADER},what", *lines]), "SPY")
    assert set(flags_in(str(caught.value))) == {"--file_symbol_column=what"}


def test_a_faulty_row_with_another_comment_is_no_second_symbol(write):
    lines = [f"{line},first of two downloads" for line in rows()]
    lines.insert(1, f"{OTHER[0]},second of two downloads")
    with pytest.raises(DataError, match="is a duplicate of the bar before it: keep one row a minute"):
        load_bars(write("bars.csv", [f"{HEADER},note", *lines]), "SPY")


@pytest.mark.parametrize("cell", ["BTC_USDT", "ES1!", "QQQ US EQUITY", "/ES", "S&P 500"])
def test_one_text_in_a_column_of_symbols_is_a_symbol_however_it_is_written(write, capsys, cell):
    path = write("bars.csv", [f"{HEADER},sym", *(f"{line},{cell}" for line in rows())])
    command = ["--data_source=csv", f"--data_path={path}"]
    code, _, error = inspected(capsys, [*command, "--symbols=SPY"])
    assert code == 2 and flags_in(error) == [f"--symbols={cell.lstrip('/')}", "--file_symbol_column=sym"]
    _, text, error = inspected(capsys, [*command, *flags_in(error)])
    assert error == "" and "12 bars" in text


def test_several_texts_that_may_be_no_symbols_are_reported(write, capsys):
    lines = [f"{line},{('Apple Inc', 'Apple Incorporated')[place % 2]}" for place, line in enumerate(rows())]
    path = write("bars.csv", [f"{HEADER},stock", *lines])
    _, text, error = inspected(capsys, ["--data_source=csv", f"--data_path={path}", "--symbols=AAPL"])
    assert error == "" and "column stock holds Apple Inc, Apple Incorporated, taken for no symbol" in text
