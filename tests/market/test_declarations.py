"""How files may be written: what is declared, what is read without, and what is refused with advice that works."""

import gzip

import pandas as pd
import pytest

from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.files.bar_files import read_bars
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sources import FileSource, load_bars
from momentum_jax.market.vix.daily_vix import load_vix
from tests.market.advice import flags_in, inspected
from tests.market.plain_bars import HEADER, MINUTES, OPEN, first_of, rows

# --- stamps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "declarations"),
    [
        (lambda t: f"{t:%Y%m%d %H:%M:%S} US/Eastern", {"time_format": "%Y%m%d %H:%M:%S %Z"}),
        (lambda t: f"{t:%Y%m%d  %H:%M:%S} America/New_York", {"time_format": "%Y%m%d %H:%M:%S %Z"}),
        (lambda t: f"{t + pd.Timedelta(hours=4):%Y-%m-%d %H:%M} UTC", {"time_format": "%Y-%m-%d %H:%M %Z"}),
        (lambda t: f"{t + pd.Timedelta(hours=4):%Y-%m-%d %H:%M} GMT", {"time_format": "%Y-%m-%d %H:%M %Z"}),
        (lambda t: f"{t - pd.Timedelta(hours=1):%Y-%m-%d %H:%M} CDT", {"time_format": "%Y-%m-%d %H:%M %Z"}),
        (lambda t: f"{t - pd.Timedelta(hours=1):%Y-%m-%d %H:%M} EST", {"time_format": "%Y-%m-%d %H:%M %Z"}),
        (lambda t: f"EDT {t:%Y-%m-%d %H:%M}", {"time_format": "%Z %Y-%m-%d %H:%M"}),
        (lambda t: f"{t:%m/%d/%Y %I:%M %p} EDT", {"time_format": "%m/%d/%Y %I:%M %p %Z"}),
        (
            lambda t: f"{t + pd.Timedelta(hours=7):%Y.%m.%d %H:%M}",
            {"time_format": "%Y.%m.%d %H:%M", "hours_ahead": 7.0},
        ),
        # A clock that names a zone it does not keep: only what is written counts.
        (lambda t: f"{t}+00:00", {"hours_ahead": 0.0}),
        (lambda t: f"{t + pd.Timedelta(hours=7)}Z", {"hours_ahead": 7.0}),
        (lambda t: f"{t:%Y%m%d %H:%M} UTC", {"time_format": "%Y%m%d %H:%M %Z", "hours_ahead": 0.0}),
        (lambda t: f"{t:%Y%m%d %H:%M} +0300", {"time_format": "%Y%m%d %H:%M %z", "hours_ahead": 0.0}),
        (lambda t: int((t + pd.Timedelta(hours=7)).timestamp()), {"time_format": "unix_s", "hours_ahead": 7.0}),
    ],
)
def test_zones_and_clocks_of_stamps(write, stamp, declarations):
    assert first_of(write("bars.csv", [HEADER, *rows(stamp)]), **declarations) == OPEN


def test_zones_of_summer_and_winter_meet_in_one_file(write):
    cells = rows()[0].split(",", 1)[1]
    lines = [HEADER, f"20240308 09:30:00 EST,{cells}", f"20240311 09:30:00 EDT,{cells}"]
    form = FileFormat(time_format="%Y%m%d %H:%M:%S %Z")
    assert [str(stamp.time()) for stamp in load_bars(write("bars.csv", lines), "SPY", form=form).index] == [
        "09:30:00"
    ] * 2


def test_an_unknown_zone_is_refused_and_the_advice_works(write):
    path = write("bars.csv", [HEADER, *rows(lambda t: f"{t:%Y%m%d %H:%M} XNYT")])
    with pytest.raises(DataError, match=r"line 2: stamp .* names the zone XNYT, which is not known: write XNYT for %Z"):
        load_bars(path, "SPY", form=FileFormat(time_format="%Y%m%d %H:%M %Z"))
    assert first_of(path, time_format="%Y%m%d %H:%M XNYT", time_zone="America/New_York") == OPEN


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("%Y-%m-%d %H:%M %p", "%p would be ignored: use %I with %p"),
        ("%Y-%m-%d %I:%M", "add %p for AM or PM"),
        ("%H:%M:%S", "holds no whole date"),
        ("%Y-%m-%d %Q", "cannot be read"),
        ("%Y-%m-%dT%H:%M:%SZ", "its last letters say UTC.*add --file_time_zone=UTC"),
        ("%Y-%m-%d %H:%M UTC", "its last letters say UTC.*add --file_time_zone=UTC"),
    ],
)
def test_a_pattern_that_would_lose_something_is_refused(pattern, words):
    with pytest.raises(DataError, match=words):
        FileFormat(time_format=pattern)


def test_date_and_time_in_two_columns(write):
    lines = ["Date,Time,Open,High,Low,Close,Volume", *(line.replace(" ", ",", 1) for line in rows())]
    path = write("bars.csv", lines)
    with pytest.raises(DataError, match=r"dates without a time of day.*declare --file_time_columns=date,time"):
        load_bars(path, "SPY")
    assert first_of(path, time_columns=("Date", "Time")) == OPEN
    frame = pd.read_csv(path)
    frame["Date"] = pd.to_datetime(frame["Date"])
    frame.to_parquet(path.with_suffix(".parquet"))
    assert first_of(path.with_suffix(".parquet"), kind="parquet", time_columns=("date", "time")) == OPEN


def test_the_hour_that_the_clock_repeats_is_left_out_where_it_touches_no_session(write):
    cells = rows()[0].split(",", 1)[1]
    night = [f"2024-11-03 {hour}:{minute:02d}:00,{cells}" for hour in ("00", "01", "02") for minute in (0, 30)]
    lines = [HEADER, f"2024-11-01 09:30:00,{cells}", *night, f"2024-11-04 09:30:00,{cells}"]
    with pytest.warns(DataWarning, match="2 rows in the hour that the clock repeats, outside all sessions: left out"):
        bars = load_bars(write("bars.csv", lines), "SPY")
    assert len(bars) == len(lines) - 3
    assert [str(stamp)[11:16] for stamp in bars.index] == ["09:30", "00:00", "00:30", "02:00", "02:30", "09:30"]
    # Half past two in the morning of the other change does not exist: that is an error.
    lines = [HEADER, f"2024-03-10 02:30:00,{cells}"]
    with pytest.raises(DataError, match="names no single moment in America/New_York"):
        load_bars(write("bars.csv", lines), "SPY")


# --- text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", "utf-16-le"), ("cp1252", "cp1252"), ("utf-8", "")],
)
def test_encodings(tmp_path, encoding, declared):
    path = tmp_path / "bars.csv"
    text = "\n".join([HEADER + ",gültig", *(line + ",ß" for line in rows())]) + "\n"
    path.write_bytes(text.encode(encoding))
    if declared:
        with pytest.raises(DataError, match=f"--file_encoding={declared}"):
            load_bars(path, "SPY")
    assert first_of(path, encoding=declared) == OPEN
    packed = tmp_path / "bars.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert first_of(packed, encoding=declared) == OPEN


@pytest.mark.parametrize(
    ("mark", "declarations"),
    [
        ('"{}"', {}),
        ('"1.{}"', {"thousands": ".", "decimal": ",", "price_scale": 1.0}),
    ],
)
def test_thousands_and_decimal_marks(write, mark, declarations):
    lines = rows(mark=mark)
    if declarations:
        lines = [line.replace("100.", "234,").replace("99.50", "234,00") for line in lines]
        path = write("bars.csv", [HEADER, *lines])
        bars = load_bars(path, "SPY", form=FileFormat(**declarations))
        assert bars.iloc[0].to_list() == [1234.0, 1234.5, 1234.0, 1234.25, 1000.0]
        with pytest.raises(DataError, match=r"--file_decimal=, --file_thousands=."):
            load_bars(path, "SPY")
    else:
        assert first_of(write("bars.csv", [HEADER, *lines])) == OPEN


@pytest.mark.parametrize(
    ("names", "declarations"),
    [
        (None, {"columns": tuple(HEADER.split(","))}),
        (None, {}),
        (None, {"columns": tuple(HEADER.split(",")), "skip_lines": 1}),
        ("0,1,2,3,4,5", None),  # names that a program made up are no row
        ("a,b,c,d,e,f", None),
    ],
)
def test_a_row_in_the_place_of_the_header_is_not_lost(write, names, declarations):
    above = ["Exported by a program"] if declarations and "skip_lines" in declarations else []
    path = write("bars.csv", [*above, *([names] if names else []), *rows()])
    if declarations is None:
        assert first_of(path, columns=tuple(HEADER.split(","))) == OPEN
        return
    with pytest.raises(DataError, match=rf"line {len(above) + 1}: '2024-05-14 09:30:00,100.00.* is a row") as caught:
        load_bars(path, "SPY", form=FileFormat(**declarations))
    assert "--nofile_header" in str(caught.value) or "--file_layout=firstrate" in str(caught.value)
    assert first_of(path, **declarations, header=False) == OPEN


TITLE = "SPY,1 min,2024-05-14,390,x,y"


@pytest.mark.parametrize("columns", [(), tuple(HEADER.split(","))])
@pytest.mark.parametrize("above", [[TITLE], [TITLE, "all times of New York"], [TITLE.replace(",x,y", ""), TITLE]])
def test_a_title_that_looks_like_a_row_is_left_out_and_the_header_below_it_read(write, capsys, above, columns):
    path = write("bars.csv", [*above, HEADER, *rows()])
    command = ["--data_source=csv", f"--data_path={path}", "--symbols=SPY"]
    code, _, error = inspected(capsys, [*command, *([f"--file_columns={','.join(columns)}"] if columns else [])])
    assert code == 2 and f"line {len(above) + 1} is the header, leave out the lines above it" in error
    assert "header, and" not in error and f"--file_skip_lines={len(above)}" in flags_in(error)
    code, text, error = inspected(capsys, [*command, *flags_in(error)])
    assert error == "" and "12 bars" in text
    assert first_of(write("shorter.csv", [HEADER, *rows()])) == OPEN  # what else the message asks for


def test_a_title_that_looks_like_a_row_of_a_vix_file_is_left_out(write):
    names, closes = "date,open,high,low,close", ["2024-05-13,14,15,13,14", "2024-05-14,14,15,13,13.5"]
    with pytest.raises(DataError, match="line 2 is the header, leave out the lines above it"):
        load_vix(write("vix.csv", ["VIX,2024-05-14,2,x,y", names, *closes]))
    assert load_vix(write("vix.csv", [names, *closes])).to_list() == [14.0, 13.5]


def test_rows_below_the_header_are_not_lost_in_it(write):
    path = write("bars.csv", [HEADER, *rows()])
    with pytest.raises(DataError, match=r"line 2: .* is a row, .*: the header takes --file_header_lines=1"):
        load_bars(path, "SPY", form=FileFormat(columns=tuple(HEADER.split(",")), header_lines=3))
    assert first_of(path, columns=tuple(HEADER.split(",")), header_lines=1) == OPEN


@pytest.mark.parametrize(
    ("declarations", "bad", "line", "words"),
    [
        ({"delimiter": ";", "decimal": ","}, {8: ("100,25", "n/v")}, 9, "close is 'n/v'"),
        ({"delimiter": ";", "decimal": ",", "thousands": "."}, {8: ("1.000", "n/v")}, 9, "volume is 'n/v'"),
        ({"delimiter": ";", "thousands": ","}, {8: ("1,000", "n/v")}, 9, "volume is 'n/v'"),
        # A mark that is not declared makes no number.
        ({"delimiter": ";", "decimal": ","}, {8: ("100,25", "n/v"), 6: ("100,25", "100.25")}, 7, "close is '100.25'"),
    ],
)
def test_a_bad_cell_is_named_and_not_the_first_one_with_a_declared_mark(write, declarations, bad, line, words):
    decimal, thousands = declarations.get("decimal", "."), declarations.get("thousands", "")
    lines = [
        text.replace(",", ";").replace(".", decimal).replace("1000", f"1{thousands}000") for text in [HEADER, *rows()]
    ]
    assert first_of(write("good.csv", lines), **declarations) == OPEN
    for place, (good, cell) in bad.items():
        lines[place] = lines[place].replace(good, cell)
    with pytest.raises(DataError, match=f"line {line}: {words}, not a number"):
        load_bars(write("bars.csv", lines), "SPY", form=FileFormat(**declarations))


def test_lines_before_the_header_are_skipped_and_rows_keep_their_numbers(write):
    lines = ["Exported by a program", "SPY, 1 minute", HEADER, *rows()]
    path = write("bars.csv", lines)
    with pytest.raises(DataError, match="its first rows can be read with --file_skip_lines=2"):
        load_bars(path, "SPY")
    assert first_of(path, skip_lines=2) == OPEN
    lines[7] = lines[7].replace("100.50", "1.0")
    with pytest.raises(DataError, match=r"line 8: high 1.0 is below low"):
        load_bars(write("bars.csv", lines), "SPY", form=FileFormat(skip_lines=2))


@pytest.mark.parametrize(
    ("lines", "advice"),
    [
        ([HEADER.replace(",", ";"), *(line.replace(",", ";") for line in rows())], "'--file_delimiter=;'"),
        ([HEADER.replace(",", "\t"), *(line.replace(",", "\t") for line in rows())], "--file_delimiter=tab"),
        ([HEADER, *rows(lambda t: int(t.tz_localize("America/New_York").timestamp() * 1000))], "unix_ms"),
        ([HEADER.rsplit(",", 1)[0], *(line.rsplit(",", 1)[0] for line in rows())], "--nofile_volume"),
        (["ts,o,h,l,c,v", *rows()], "--file_columns=datetime,open,high,low,close,volume"),
        ([HEADER, *rows(lambda t: f"{t:%d.%m.%Y %H:%M}")], "'--file_time_format=%d.%m.%Y %H:%M'"),
        ([HEADER, *rows()[::-1]], "--file_row_order=descending"),
    ],
)
def test_the_advice_of_a_refusal_is_what_reads_the_file(write, lines, advice):
    with pytest.raises(DataError) as caught:
        load_bars(write("bars.csv", lines), "SPY")
    assert advice in str(caught.value) and "\n" not in str(caught.value)


def test_a_bad_cell_far_down_brings_no_advice_about_the_layout(write):
    lines = [HEADER, *rows()]
    lines[9] = lines[9].replace("99.50", "199.50")
    with pytest.raises(DataError) as caught:
        load_bars(write("bars.csv", lines), "SPY")
    assert "line 10" in str(caught.value) and "--file" not in str(caught.value)


# --- symbols ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["NA", "0050", "TRUE", "NAN", "1E5", "null"])
def test_tickers_that_look_like_something_else(write, symbol):
    lines = [f"{HEADER},ticker", *(f"{line},{symbol}" for line in rows()), "", *(f"{line},SPY" for line in rows())]
    found = read_bars(write("bars.csv", lines), symbol, FileFormat())
    assert len(found.bars) == MINUTES and found.names_symbol


def test_an_unread_column_may_occur_twice_a_read_one_may_not(write):
    lines = [f"{HEADER},Plot,Plot,", *(f"{line},1,2," for line in rows())]
    assert first_of(write("bars.csv", lines)) == OPEN
    with pytest.raises(DataError, match="column close occurs twice"):
        load_bars(write("bars.csv", [line.replace("Plot", "Close", 1) for line in lines]), "SPY")


def test_a_file_that_names_no_symbol_serves_one(write):
    source = FileSource(write("bars.csv", [HEADER, *rows()]), FileFormat())
    assert source.taken_for is None
    assert len(source.bars("SPY", None, None)) == len(source.bars("SPY", None, None)) == MINUTES
    assert source.taken_for == "SPY"
    with pytest.raises(DataError, match=r"names no symbol.*SPY and of QQQ would be the same: .*--symbols=SPY"):
        source.bars("QQQ", None, None)


@pytest.mark.parametrize("header", ["SPY_{}", "{}_SPY", "spy {}", "('{}', 'SPY')"])
def test_columns_that_name_symbol_and_field(write, header):
    fields = [header.format(name) for name in ("open", "high", "low", "close", "volume")]
    other = [name.replace("SPY", "QQQ").replace("spy", "qqq") for name in fields]
    names = ",".join(f'"{name}"' for name in [*fields, *other])
    lines = [f"datetime,{names}", *(line + ",1,1,1,1,5" for line in rows())]
    lines[3] = lines[3].replace("1,1,1,1,5", ",,,,")
    path = write("bars.csv", lines)
    assert first_of(path) == OPEN
    with pytest.warns(DataWarning, match="1 rows hold no price of this symbol: left out"):
        assert len(load_bars(path, "QQQ")) == MINUTES - 1
    with pytest.raises(DataError, match="no symbol 'IWM'; found QQQ, SPY"):
        load_bars(path, "IWM")
