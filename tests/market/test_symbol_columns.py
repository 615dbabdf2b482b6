"""Columns that name the symbol in other words: named in the refusal, never mixed, never read for another symbol."""

import pandas as pd
import pytest

from momentum_jax.market.errors import DataError, DataWarning, UnknownSymbolError
from momentum_jax.market.files.bar_files import read_bars
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sources import FileSource, load_bars
from tests.market.advice import flags_in, inspected
from tests.market.plain_bars import HEADER, MINUTES, OPEN, OTHER, first_of, rows


def two_symbols(name: str, order: str, other: str = "QQQ") -> list[str]:
    own, others = [f"{line},SPY" for line in rows()], [f"{line},{other}" for line in OTHER]
    if order == "blocks":
        return [f"{HEADER},{name}", *own, *others]
    return [f"{HEADER},{name}", *(line for pair in zip(own, others, strict=True) for line in pair)]


@pytest.mark.parametrize("order", ["blocks", "turns"])
@pytest.mark.parametrize("name", ["sym", "Stock", "act_symbol", "instrument", "code", "what"])
def test_two_symbols_in_one_file_are_refused_with_the_flag_that_tells_them_apart(write, capsys, name, order):
    path = write("bars.csv", two_symbols(name, order))
    command = ["--data_source=csv", f"--data_path={path}", "--symbols=SPY"]
    for more in ([], ["--file_row_order=any"]):
        code, _, error = inspected(capsys, [*command, *more])
        assert code == 2 and set(flags_in(error)) == {f"--file_symbol_column={name.lower()}"}
    assert first_of(path, symbol_column=name) == OPEN
    assert load_bars(path, "QQQ", form=FileFormat(symbol_column=name))["open"].iloc[0] == 400.0


def test_two_symbols_are_told_apart_beside_other_declarations(write):
    lines = [line.replace("2024-05-14", "14.05.2024") for line in two_symbols("what", "turns")]
    with pytest.raises(DataError) as caught:
        load_bars(write("bars.csv", lines), "SPY")
    assert flags_in(str(caught.value))[-2:] == [
        "--file_time_format=%d.%m.%Y %H:%M:%S",
        "--file_symbol_column=what",
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_bars_of_another_symbol_are_not_given_out_as_those_asked_for(write, tmp_path, kind):
    path = write("bars.csv", [f"{HEADER},sym", *(f"{line},AAPL" for line in rows())])
    if kind == "parquet":
        frame = pd.read_csv(path).astype({"sym": "category"})
        path = tmp_path / "bars.parquet"
        frame.to_parquet(path)
    with pytest.raises(UnknownSymbolError) as caught:
        FileSource(path, FileFormat(kind=kind)).bars("SPY", None, None)
    assert "column sym holds AAPL, but SPY is asked for" in str(caught.value)
    assert flags_in(str(caught.value)) == ["--symbols=AAPL", "--file_symbol_column=sym"]
    assert read_bars(path, "AAPL", FileFormat(kind=kind, symbol_column="sym")).names_symbol
    assert len(FileSource(path, FileFormat(kind=kind)).bars("AAPL", None, None)) == MINUTES
    renamed = (*HEADER.split(","), "note")
    assert len(load_bars(path, "SPY", form=FileFormat(kind=kind, columns=renamed))) == MINUTES


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("sym", "spy"),
        ("instrument", "SPY.P"),
        ("instrument", "15144"),
        ("stock", "SPDR S&P 500 ETF"),
        ("exchange", "ARCA"),
        ("currency", "USD"),
        ("currency_symbol", "USD"),
        ("exchange_symbol", "XNAS"),
        ("primary exchange symbol", "ARCX"),
        ("quote_symbol", "USD"),
        ("mic_symbol", "ARCX"),
    ],
)
def test_columns_that_name_the_symbol_asked_for_or_something_else_do_no_harm(write, name, cell):
    assert first_of(write("bars.csv", [f"{HEADER},{name}", *(f"{line},{cell}" for line in rows())])) == OPEN


def test_the_ticker_at_an_exchange_is_a_ticker(write):
    with pytest.raises(UnknownSymbolError, match="column exchange_ticker holds QQQ, but SPY is asked for"):
        load_bars(column_of(write, "exchange_ticker", "QQQ"), "SPY")


def column_of(write, name, cell):
    return write("bars.csv", [f"{HEADER},{name}", *(f"{line},{cell}" for line in rows())])


@pytest.mark.parametrize("name", ["instrument", "sym"])
@pytest.mark.parametrize(
    ("cell", "symbol"),
    [
        ("BRK.B", "BRK.B"),
        ("BRK-B", "BRK-B"),
        ("BRK-B", "brk.b"),
        ("BRK/B", "BRK.B"),
        ("NYSE:BRK.B", "BRK.B"),
        ("I:SPX", "I:SPX"),
        ("I:SPX", "SPX"),
        ("^GSPC", "SPX"),
        ("$SPX", "SPX"),
        ("EUR/USD", "EUR/USD"),
        ("C:EURUSD", "EUR/USD"),
        ("BTC-USD", "BTC-USD"),
        ("BTC-USD", "BTC"),
        ("ARCA:SPY", "SPY"),
        ("AAPL.US", "AAPL"),
        ("ES=F", "ES"),
        ("ESH4", "ES"),
        ("CLZ2024", "CL"),
        ("ESM24", "ES=F"),
        ("ESM24", "ES1!"),
        ("ES1!", "ES"),
        ("CME_MINI:ES1!", "ES"),
        ("ES.c.0", "ES1!"),
        ("ES1!", "ES=F"),
        ("ES.v.1", "ES2!"),
        ("@ES#", "ES"),
        ("/ES", "ES"),
        ("6E1!", "6E"),
        ("ES 03-24", "ES"),
        ("EUR_USD", "EURUSD"),
        ("EUR_USD", "EUR/USD"),
        ("BRK_B", "BRK.B"),
        ("SPY US Equity", "SPY"),
        ("BRK/B US Equity", "BRK.B"),
        ("AAPL UW", "AAPL"),
        ("X:BTCUSD", "BTC/USD"),
        ("SPY:US", "SPY"),
        ("VOD:LN", "VOD"),
        ("NYSE:CN", "CN"),
        ("X", "X"),
    ],
)
def test_a_symbol_is_known_in_every_spelling(write, recwarn, name, cell, symbol):
    assert len(load_bars(column_of(write, name, cell), symbol)) == MINUTES
    assert not [warning for warning in recwarn if issubclass(warning.category, DataWarning)]


@pytest.mark.parametrize(
    ("cell", "symbol"),
    [
        ("BRK.B", "BRK.A"),
        ("BRK.B", "B"),
        ("BRK.B", "BRK"),
        ("MET-A", "META"),
        ("EUR/USD", "USD"),
        ("NASDAQ:SPY", "QQQ"),
        ("ESH4", "NQ"),
        ("ESH4", "E"),
        ("BTC-PERPETUAL", "SPY"),
        ("EURUSD", "SPY"),
        ("X:BTCUSD", "X"),
        ("C:EURUSD", "C"),
        ("NYSE:BRK.B", "NYSE"),
        ("SPY:US", "QQQ"),
        ("BRK_B", "BRK"),
        ("ES2!", "ES1!"),
        ("ES.C.1", "ES=F"),
        ("NQ1!", "ES1!"),
        ("BINANCE:BTCUSDT.P", "SPY"),
        ("7203.T", "SPY"),
    ],
)
def test_a_part_of_another_symbol_is_another_symbol(write, cell, symbol):
    path = column_of(write, "instrument", cell)
    with pytest.raises(UnknownSymbolError) as caught:
        load_bars(path, symbol)
    assert flags_in(str(caught.value)) == [f"--symbols={cell}", "--file_symbol_column=instrument"]
    assert len(load_bars(path, cell, form=FileFormat(symbol_column="instrument"))) == MINUTES


def test_a_symbol_is_picked_from_a_declared_column_in_every_spelling(write):
    path = write("bars.csv", two_symbols("sym", "turns", "BRK-B"))
    for symbol in ("BRK.B", "BRK/B", "BRK-B"):
        bars = load_bars(path, symbol, form=FileFormat(symbol_column="sym"))
        assert len(bars) == MINUTES and bars["open"].iloc[0] == 400.0
    preferred = write("bars.csv", two_symbols("symbol", "turns", "MET-A"))
    with pytest.raises(UnknownSymbolError, match="no symbol 'META'"):
        load_bars(preferred, "META")


@pytest.mark.parametrize(
    ("name", "cell", "is_reported"),
    [
        ("in_stock", "Y", False),
        ("has_symbol", "yes", True),
        ("sym", "N", True),
        ("security", "ETF", True),
        ("instrument", "COMMON-STOCK", True),
        ("stock", "Common", True),
        ("instrument", "REGULAR", True),
        ("stock", "SPDR S&P 500 ETF", True),
    ],
)
def test_a_word_that_may_be_no_ticker_is_not_taken_for_one(write, capsys, name, cell, is_reported):
    path = column_of(write, name, cell)
    command = ["--data_source=csv", f"--data_path={path}", "--symbols=SPY"]
    _, text, error = inspected(capsys, command)
    assert error == "" and "12 bars" in text
    assert (f"column {name} holds {cell}, taken for no symbol" in text) == is_reported
    if is_reported:  # whoever follows the remark is told what the column holds
        with pytest.raises(UnknownSymbolError, match=f"no symbol 'SPY'; found {cell.upper()}"):
            load_bars(path, "SPY", form=FileFormat(symbol_column=name))


def test_bars_that_are_out_of_order_by_themselves_are_not_taken_for_two_symbols(write):
    lines = [f"{line},{'REGULAR' if place < 6 else 'PRE'}" for place, line in enumerate(rows()[6:] + rows()[:6])]
    with pytest.raises(DataError, match="is earlier than the bar before it") as caught:
        load_bars(write("bars.csv", [f"{HEADER},session", *lines]), "SPY")
    assert "symbol_column" not in str(caught.value)


# --- folders ---------------------------------------------------------------------------------------------


def refused(folder, kind="csv", symbol="SPY") -> str:
    with pytest.raises(DataError, match="no file of SPY in this folder") as caught:
        FileSource(folder, FileFormat(kind=kind)).bars(symbol, None, None)
    return str(caught.value)


@pytest.mark.parametrize("name", ["SPY_1min.csv", "2024-05-14.csv"])
def test_a_folder_of_files_without_symbols_gets_no_advice_that_does_not_help(write, tmp_path, name):
    write(name, [HEADER, *rows()])
    assert flags_in(refused(tmp_path)) == []
    (tmp_path / name).rename(tmp_path / "SPY.csv")  # what the message asks for
    assert len(FileSource(tmp_path, FileFormat()).bars("SPY", None, None)) == MINUTES


def test_a_hive_folder_gets_no_advice_that_does_not_help(write, tmp_path):
    frame = pd.read_csv(write("bars.csv", [HEADER, *rows()]))
    (tmp_path / "hive" / "symbol=SPY").mkdir(parents=True)
    frame.to_parquet(tmp_path / "hive" / "symbol=SPY" / "part-0.parquet")
    assert flags_in(refused(tmp_path / "hive", "parquet")) == []
    (tmp_path / "hive" / "symbol=SPY").rename(tmp_path / "hive" / "SPY")  # what the message asks for
    assert len(FileSource(tmp_path / "hive", FileFormat(kind="parquet")).bars("SPY", None, None)) == MINUTES


@pytest.mark.parametrize("name", ["symbol", "ticker", "sym", "what"])
def test_a_folder_of_files_of_all_symbols_is_read_by_the_column_that_the_refusal_names(write, tmp_path, capsys, name):
    write("2024-05-14.csv", two_symbols(name, "turns"))
    advice = flags_in(refused(tmp_path))
    assert advice == [f"--file_symbol_column={name}"]
    _, text, error = inspected(capsys, ["--data_source=csv", f"--data_path={tmp_path}", "--symbols=SPY", *advice])
    assert error == "" and "12 bars" in text
