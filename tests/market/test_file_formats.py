"""What a file may look like once it is declared, and what a wrong declaration says."""

import gzip

import pandas as pd
import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sources import FileSource, load_bars


@pytest.fixture
def plain(bar_lines, write) -> pd.DataFrame:
    """Five bars of a winter day, read from the plainest file."""
    return load_bars(write("plain.csv", bar_lines(minutes=5)), "SPY")


def restamped(lines: list[str], stamp) -> list[str]:
    rows = [line.split(",", 1) for line in lines[1:]]
    return [lines[0], *(f"{stamp(pd.Timestamp(text))},{cells}" for text, cells in rows)]


def utc_ns(stamp: pd.Timestamp) -> int:
    return stamp.tz_localize("America/New_York").value


@pytest.mark.parametrize(
    ("stamp", "options"),
    [
        (lambda t: utc_ns(t) // 10**9, {"time_format": "unix_s"}),
        (lambda t: utc_ns(t) // 10**6, {"time_format": "unix_ms"}),
        (lambda t: utc_ns(t) // 10**3, {"time_format": "unix_us"}),
        (utc_ns, {"time_format": "unix_ns"}),
        (lambda t: t - pd.Timedelta(hours=1), {"time_zone": "America/Chicago"}),
        (lambda t: t + pd.Timedelta(hours=5), {"time_zone": "UTC"}),
        (lambda t: t + pd.Timedelta(minutes=1), {"bar_stamp": "end"}),
        (lambda t: t.strftime("%d.%m.%Y %H.%M"), {"time_format": "%d.%m.%Y %H.%M"}),
        (lambda t: t.strftime("%Y%m%d%H%M"), {"time_format": "%Y%m%d%H%M"}),
        (lambda t: t.strftime("%m/%d/%Y %I:%M %p -0500"), {"time_format": "%m/%d/%Y %I:%M %p %z"}),
    ],
)
def test_stamps_of_all_kinds_mean_the_same(bar_lines, write, plain, stamp, options):
    path = write("bars.csv", restamped(bar_lines(minutes=5), stamp))
    pd.testing.assert_frame_equal(load_bars(path, "SPY", form=FileFormat(**options)), plain, check_freq=False)


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda lines: [line.replace(",", ";") for line in lines], {"delimiter": ";"}),
        (lambda lines: [line.replace(",", "\t") for line in lines], {"delimiter": "tab"}),
        (lambda lines: lines[1:], {"header": False}),
        (lambda lines: ["a,b,c,d,e,f", *lines[1:]], {"columns": ("date", "open", "high", "low", "close", "Volume")}),
        (
            lambda lines: [",".join(reversed(line.split(","))) for line in lines[1:]],
            {"header": False, "columns": ("volume", "close", "low", "high", "open", "datetime")},
        ),
        (lambda lines: [lines[0], *lines[:0:-1]], {"row_order": "descending"}),
    ],
)
def test_cells_of_all_layouts_mean_the_same(bar_lines, write, plain, change, options):
    path = write("bars.csv", change(bar_lines(minutes=5)))
    pd.testing.assert_frame_equal(load_bars(path, "SPY", form=FileFormat(**options)), plain, check_freq=False)


def test_prices_are_scaled_and_volume_is_not(bar_lines, write):
    lines = bar_lines(minutes=2)
    scaled = [lines[0], *(f"{line.split(',')[0]},1000000,1005000,995000,1002500,1000" for line in lines[1:])]
    bars = load_bars(write("bars.csv", scaled), "SPY", form=FileFormat(price_scale=10_000))
    assert bars.iloc[0].to_list() == [100.0, 100.5, 99.5, 100.25, 1000.0]


def test_a_file_without_volume_says_so(bar_lines, write):
    lines = [line.rsplit(",", 1)[0] for line in bar_lines(minutes=2)]
    path = write("bars.csv", lines)
    assert (load_bars(path, "SPX", form=FileFormat(volume=False))["volume"] == 0).all()
    with pytest.raises(DataError, match="no column volume"):
        load_bars(path, "SPX")


def test_parquet_takes_the_same_declarations(plain, tmp_path):
    frame = plain.reset_index()
    frame["datetime"] = frame["datetime"].dt.tz_convert("UTC").dt.tz_localize(None) + pd.Timedelta(minutes=1)
    frame.iloc[::-1].to_parquet(tmp_path / "bars.parquet")
    form = FileFormat(kind="parquet", time_zone="UTC", bar_stamp="end", row_order="descending")
    pd.testing.assert_frame_equal(load_bars(tmp_path / "bars.parquet", "SPY", form=form), plain, check_freq=False)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda lines: lines, {"delimiter": ";"}, ("no column open", "file_columns")),
        (lambda lines: lines, {"header": False}, ("line 1: open is 'open', not a number",)),
        (lambda lines: lines[1:], {}, ("line 1: '2024-02-20 09:30:00,100.0", "is a row", "file_header")),
        (
            lambda lines: lines,
            {"columns": ("datetime", "open")},
            ("line 1: has 6 cells, but 2 columns", "file_columns"),
        ),
        (lambda lines: lines, {"time_format": "unix_s"}, ("line 2: stamp '2024-02-20 09:30:00' is no unix_s stamp",)),
        (
            lambda lines: restamped(lines, utc_ns),
            {"time_format": "unix_s"},
            ("line 2", "is no unix_s stamp between 1900"),
        ),
        (lambda lines: lines, {"time_format": "%d/%m/%Y"}, ("line 2", "does not fit file_time_format %d/%m/%Y")),
        (lambda lines: lines, {"row_order": "descending"}, ("line 12", "earlier than the bar before it")),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_row(bar_lines, write, change, options, words):
    path = write("bars.csv", change(bar_lines(minutes=12)))
    with pytest.raises(DataError) as caught:
        load_bars(path, "SPY", form=FileFormat(**options))
    assert "\n" not in str(caught.value)
    for word in ("bars.csv", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delimiter": ";;"}, "file_delimiter is ';;': give one character, or tab"),
        ({"time_format": "epoch"}, "file_time_format is 'epoch': use iso, unix_s"),
        ({"time_zone": "Chicago"}, "file_time_zone is 'Chicago': use an IANA name"),
    ],
)
def test_a_meaningless_declaration_is_refused(options, words):
    with pytest.raises(DataError, match=words):
        FileFormat(**options)


def test_a_folder_holds_a_file_or_a_folder_for_each_symbol(bar_lines, write, plain, tmp_path):
    folder = tmp_path / "data"
    (folder / "spy").mkdir(parents=True)
    lines = bar_lines(minutes=5)
    (folder / "spy" / "b.csv.gz").write_bytes(gzip.compress("\n".join(lines[:3]).encode()))
    (folder / "spy" / "a.csv").write_text("\n".join([lines[0], *lines[3:]]))
    (folder / "QQQ.csv").write_text("\n".join(lines))
    source = FileSource(folder, FileFormat())
    pd.testing.assert_frame_equal(source.bars("SPY", None, None), plain, check_freq=False)
    pd.testing.assert_frame_equal(source.bars("QQQ", None, None), plain, check_freq=False)
    with pytest.raises(DataError, match=r"no file of SPX in this folder; found QQQ\.csv, spy: name it SPX\.csv"):
        source.bars("SPX", None, None)
    other = [lines[0], *(line.replace("100.25", "100.3") for line in lines[1:4])]
    (folder / "spy" / "c.csv").write_text("\n".join(other))
    with pytest.raises(DataError, match="two files of SPY overlap: one ends at 2024-02-20 09:3"):
        source.bars("SPY", None, None)
