"""Files of bars and of VIX: what is read, and what each kind of bad file says."""

import time

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sessions import cut_sessions
from momentum_jax.market.sources import FileSource, load_bars
from momentum_jax.market.vix.daily_vix import load_vix

PARQUET = FileFormat(kind="parquet")

VIX_LINES = ["DATE,OPEN,HIGH,LOW,CLOSE", "2024-02-20,15,16,14,15.42", "2024-02-21,15,16,14,15.34"]


def refusal(load, *arguments, **options) -> str:
    with pytest.raises(DataError) as caught:
        load(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- real data -------------------------------------------------------------------------------------------


def test_real_spy_bars_are_read_in_exchange_time_across_the_clock_change(shared_data):
    began = time.perf_counter()
    bars = load_bars(shared_data / "spy_1min_2024.csv", "SPY", start="2024-03-08", end="2024-03-11")
    assert time.perf_counter() - began < 3.0
    regular = cut_sessions(bars).bars
    assert len(regular) == 2 * 390  # the change lies between
    assert str(regular.index[390]) == "2024-03-11 09:30:00-04:00"
    first = load_bars(shared_data / "spy_1min_2024.csv", "SPY").iloc[0]
    assert first.to_list() == [498.33, 498.42, 498.3, 498.39, 3952.0]


def test_the_real_vix_is_read(shared_data):
    vix = load_vix(shared_data / "vix_daily.csv")
    assert vix.loc["2024-02-20"] == 15.42
    assert str(vix.index.dtype) == "datetime64[ns]"


def test_a_descending_file_is_refused_with_its_line(shared_data):
    message = refusal(load_bars, shared_data / "qqq_1min_2019.csv", "QQQ")
    for words in ("qqq_1min_2019.csv, line 3", "earlier than the bar before it", "sort the rows by time"):
        assert words in message


# --- what is accepted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["datetime", "Timestamp", "DATE", " time "])
def test_columns_match_in_any_case_and_order(bar_lines, write, name):
    header, *rows = bar_lines(minutes=3)
    swapped = [",".join([row.split(",")[-1], *row.split(",")[:-1], "7"]) for row in rows]
    path = write("bars.csv", [f"VOLUME,{name},Open,HIGH,low,Close,vwap", *swapped])
    expected = load_bars(write("plain.csv", [header, *rows]), "SPY")
    pd.testing.assert_frame_equal(load_bars(path, "SPY"), expected)


@pytest.mark.parametrize(
    "stamp",
    ["2024-07-01 09:30", "2024-07-01T09:30:00-04:00", "2024-07-01 13:30:00Z", "2024-07-01 13:30:00+00"],
)
def test_naive_stamps_are_exchange_time_and_offsets_are_converted(bar_lines, write, stamp):
    header, row, *_ = bar_lines()
    bars = load_bars(write("bars.csv", [header, f"{stamp},{row.split(',', 1)[1]}"]), "SPY")
    assert str(bars.index[0]) == "2024-07-01 09:30:00-04:00"


def test_winter_and_summer_offsets_may_meet_in_one_file(bar_lines, write):
    header, row, *_ = bar_lines()
    cells = row.split(",", 1)[1]
    lines = [header, f"2024-03-08 09:30:00-05:00,{cells}", f"2024-03-11 09:30:00-04:00,{cells}"]
    assert list(load_bars(write("bars.csv", lines), "SPY").index.hour) == [9, 9]


def test_an_empty_volume_column_means_an_index(bar_lines, write):
    header, *rows = bar_lines(minutes=3)
    path = write("spx.csv", [header, *(row.rsplit(",", 1)[0] + "," for row in rows)])
    assert (load_bars(path, "SPX")["volume"] == 0).all()


def test_prices_survive_to_the_last_bit(bar_lines, write):
    header, row, *_ = bar_lines()
    stamp = row.split(",")[0]
    path = write("bars.csv", [header, f"{stamp},498.33,498.42000000000002,498.3,498.39,1"])
    assert load_bars(path, "SPY").iloc[0].to_list() == [498.33, 498.42, 498.3, 498.39, 1.0]


def test_a_symbol_column_is_picked_by_and_rows_keep_their_lines(bar_lines, write):
    header, *rows = bar_lines(minutes=3)
    lines = [f"{header},Ticker"]
    for row in rows:
        lines += [f"{row},SPY", f"{row},qqq"]
    path = write("two.csv", lines)
    assert len(FileSource(path, FileFormat()).bars("QQQ", None, None)) == 3
    message = refusal(load_bars, path, "IWM")
    assert "two.csv: no symbol 'IWM'; found QQQ, SPY: put one of those first in symbols" in message
    lines[4] = lines[4].replace("1000", "-5")
    assert "two.csv, line 5: volume is -5.0" in refusal(load_bars, write("two.csv", lines), "QQQ")
    assert len(load_bars(path, "SPY")) == 3  # the other symbol's bad row is not its business


@pytest.mark.parametrize("kind", ["index", "column", "naive", "text"])
def test_parquet_gives_what_csv_gives(bar_lines, write, tmp_path, kind):
    expected = load_bars(write("bars.csv", bar_lines(minutes=5)), "SPY")
    frame = expected.reset_index()
    if kind == "index":
        frame = expected
    elif kind == "naive":
        frame["datetime"] = frame["datetime"].dt.tz_localize(None)
    elif kind == "text":
        frame["datetime"] = frame["datetime"].astype(str)
    frame.to_parquet(tmp_path / "bars.parquet")
    bars = load_bars(tmp_path / "bars.parquet", "SPY", form=PARQUET)
    pd.testing.assert_frame_equal(bars, expected, check_freq=False)


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("datetime", "2/20/2024 9:31", ("stamp '2/20/2024 9:31' is no ISO time", "write it as 2024-02-20")),
        ("datetime", "1708439460", ("stamp '1708439460' is no ISO time", "write it as")),
        ("datetime", "20240220T093100-0500", ("is no ISO time", "write it as")),
        ("datetime", "2024-02-30 09:31:00", ("is no ISO time", "write it as")),
        ("datetime", "9999-02-20 09:31:00", ("is no ISO time", "write it as")),
        ("datetime", "", ("stamp 'nan' is empty", "drop the row")),
        ("datetime", "2024-03-10 02:30:00", ("names no single moment", "add its offset")),
        ("datetime", "2024-02-20 09:29:00", ("is earlier", "sort the rows")),
        ("datetime", "2024-02-20 09:30:30", ("not on a whole minute", "give one-minute bars")),
        ("open", "n.a.", ("open is 'n.a.', not a number", "correct the cell")),
        ("volume", '"1,000"', ("volume is '1,000', not a number", "correct the cell")),
        ("close", "", ("close is empty (NaN)", "drop the row")),
        ("close", "NaN", ("close is empty (NaN)", "drop the row")),
        ("high", "inf", ("high is infinite", "correct it")),
        ("low", "0", ("low is 0.0, but must be above 0", "correct it")),
        ("open", "-1", ("open is -1.0, but must be above 0", "correct it")),
        ("volume", "-1", ("volume is -1.0, but must be 0 or more", "correct it")),
        ("high", "99", ("high 99.0 is below low 99.5", "correct the bar")),
        ("close", "101", ("high 100.5 is below close 101.0", "correct the bar")),
        ("open", "99", ("open 99.0 is below low 99.5", "correct the bar")),
    ],
)
def test_a_bad_cell_is_named_with_file_line_and_remedy(bar_lines, write, column, cell, words):
    lines = bar_lines()
    cells = lines[2].split(",")
    cells[lines[0].split(",").index(column)] = cell
    lines[2] = ",".join(cells)
    lines.insert(1, "")  # a blank line counts as a line
    message = refusal(load_bars, write("bars.csv", lines), "SPY")
    for word in ("bars.csv, line 4: ", *words):
        assert word in message


def test_a_stamp_that_occurs_twice_with_other_values_is_refused(bar_lines, write):
    lines = bar_lines()
    lines[2] = lines[1].replace("100.25", "100.3")
    message = refusal(load_bars, write("bars.csv", lines), "SPY")
    for word in ("bars.csv, line 3: ", "is a duplicate", "one row a minute"):
        assert word in message


def test_a_stamp_without_the_offset_that_others_have_is_refused(bar_lines, write):
    lines = bar_lines(minutes=3)
    lines[1] = lines[1].replace("09:30:00", "09:30:00-05:00")
    message = refusal(load_bars, write("bars.csv", lines), "SPY")
    assert "bars.csv, line 3: stamp '2024-02-20 09:31:00' has no UTC offset but others have: add it" in message


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            "datetime,open,high,low,last,volume",
            ("no column close", "found datetime, open", "rename the columns"),
        ),
        ("datetime,open,high,low,close,size", ("no column volume", "wanted open, high, low, close, volume")),
        ("when,open,high,low,close,volume", ("no stamp column", "datetime, timestamp, date, time", "rename")),
        ("datetime,open,high,low,close,Close", ("column close occurs twice", "keep one")),
        ("datetime,open,high,low,close,close", ("column close occurs twice", "keep one")),
    ],
)
def test_wrong_columns_say_what_was_found_and_wanted(bar_lines, write, header, words):
    message = refusal(load_bars, write("bars.csv", [header, *bar_lines()[1:]]), "SPY")
    for word in ("bars.csv: ", *words):
        assert word in message


def test_files_that_are_no_tables(bar_lines, write, tmp_path):
    assert "gone.csv: no such file: check the path" in refusal(load_bars, tmp_path / "gone.csv", "SPY")
    assert "is a folder: name one file in it" in refusal(load_bars, tmp_path, "SPY")
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert "empty.csv: the file is empty or begins with a blank line: begin with the header" in refusal(
        load_bars, empty, "SPY"
    )
    header_only = write("header.csv", bar_lines()[:1])
    assert "header.csv: holds no rows below its header" in refusal(load_bars, header_only, "SPY")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x81" * 40)
    assert "binary.csv: cannot be read as csv" in refusal(load_bars, binary, "SPY")
    message = refusal(load_bars, binary, "SPY", form=PARQUET)
    assert "binary.csv: cannot be read as parquet" in message
    assert "check the file and its format" in message


@pytest.mark.parametrize("line", [2, 3])
def test_a_line_with_too_many_cells_is_refused(bar_lines, write, line):
    lines = bar_lines(minutes=4)
    lines[line - 1] += ",1,2"
    message = refusal(load_bars, write("bars.csv", lines), "SPY")
    assert "bars.csv: cannot be read as csv" in message
    assert f"line {line}" in message


def test_a_parquet_error_names_the_row(bar_lines, write, tmp_path):
    frame = load_bars(write("bars.csv", bar_lines(minutes=5)), "SPY")
    frame.iloc[2, frame.columns.get_loc("close")] = np.nan
    frame.to_parquet(tmp_path / "bars.parquet")
    message = refusal(load_bars, tmp_path / "bars.parquet", "SPY", form=PARQUET)
    assert "bars.parquet, row 3: close is empty (NaN)" in message


def test_dates_outside_the_file_name_what_it_covers(bar_lines, write):
    path = write("bars.csv", bar_lines(days=("2024-02-20", "2024-02-23")))
    message = refusal(load_bars, path, "SPY", start="2024-02-21", end="2024-02-22")
    for words in ("bars.csv: no bars from 2024-02-21 to 2024-02-22", "covers 2024-02-20 to 2024-02-23"):
        assert words in message


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2024-02-22,1,1,1,0", ("line 4", "2024-02-22 is 0.0", "must be above 0")),
        ("2024-02-22,1,1,1,", ("line 4", "is nan", "must be above 0")),
        ("2024-02-22,1,1,1,-2", ("line 4", "is -2.0", "must be above 0")),
        ("2024-02-22,1,1,1,inf", ("line 4", "is inf", "must be above 0")),
        ("2024-02-22,1,1,1,.", ("line 4", "close is '.', not a number", "correct the cell")),
        ("02/22/2024,1,1,1,15", ("line 4", "is no ISO time", "write it as")),
        ("2024-02-21,1,1,1,15", ("line 4", "2024-02-21 repeats its date", "one close a day")),
        ("2024-02-19,1,1,1,15", ("line 4", "before the row above", "sort the rows by date")),
    ],
)
def test_a_bad_vix_is_named_with_file_line_and_remedy(write, row, words):
    message = refusal(load_vix, write("vix.csv", [*VIX_LINES, row]))
    for word in ("vix.csv", *words):
        assert word in message


def test_a_vix_file_without_its_columns_or_rows(write, tmp_path):
    message = refusal(load_vix, write("vix.csv", ["DATE,VIX", "2024-02-20,15"]))
    assert "vix.csv: no column close; found date, vix; wanted close" in message
    assert "no stamp column" in refusal(load_vix, write("vix.csv", ["day,close", "2024-02-20,15"]))
    assert "no such file" in refusal(load_vix, tmp_path / "gone.csv")


def test_a_vix_parquet_is_read_by_its_suffix(write, tmp_path):
    vix = load_vix(write("vix.csv", VIX_LINES))
    vix.rename("close").reset_index().to_parquet(tmp_path / "vix.parquet")
    pd.testing.assert_series_equal(load_vix(tmp_path / "vix.parquet"), vix)
