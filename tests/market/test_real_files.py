"""Every real file, loaded with the options that its trap calls for."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.dataset import inspect, load_segment
from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sessions import cut_sessions
from momentum_jax.market.sources import FileSource, load_bars

END_STAMPED = FileFormat(bar_stamp="end", row_order="descending")
HEADERLESS_UTC = FileFormat(delimiter=";", header=False, time_format="%Y%m%d %H%M%S", time_zone="UTC", bar_stamp="end")
UNIX_5_MINUTES = FileFormat(time_format="unix_s", bar_minutes=5)
US_STAMPS = FileFormat(time_format="%m/%d/%Y %H:%M")


@pytest.mark.parametrize(
    ("name", "form", "sessions", "bars", "first", "last"),
    [
        ("spy_1min_2024", FileFormat(), 63, 24570, "2024-02-20 09:30:00-05:00", "2024-05-17 15:59:00-04:00"),
        ("spy_1min_2019", END_STAMPED, 5, 1950, "2019-02-11 09:30:00-05:00", "2019-02-15 15:59:00-05:00"),
        ("qqq_1min_2019", END_STAMPED, 5, 1948, "2019-02-11 09:30:00-05:00", "2019-02-15 15:59:00-05:00"),
        ("spy_1min_2011_01", HEADERLESS_UTC, 20, 7800, "2011-01-03 09:30:00-05:00", "2011-01-31 15:59:00-05:00"),
        ("spy_1min_2011_03", HEADERLESS_UTC, 23, 8970, "2011-03-01 09:30:00-05:00", "2011-03-31 15:59:00-04:00"),
        ("spx_1min_2019_11", US_STAMPS, 4, 1560, "2019-11-05 09:30:00-05:00", "2019-11-08 15:59:00-05:00"),
        ("spx_5min_2025", UNIX_5_MINUTES, 112, 8700, "2025-04-03 09:30:00-04:00", "2025-09-12 15:55:00-04:00"),
        ("vix1d_5min_2025", UNIX_5_MINUTES, 112, 8700, "2025-04-03 09:30:00-04:00", "2025-09-12 15:55:00-04:00"),
    ],
)
def test_sessions_bars_first_and_last(shared_data, name, form, sessions, bars, first, last):
    cut = cut_sessions(load_bars(shared_data / f"{name}.csv", "X", form=form), bar_minutes=form.bar_minutes)
    assert cut.bars.index.normalize().nunique() == sessions == len(cut.expected)
    assert len(cut.bars) == bars
    assert (str(cut.bars.index[0]), str(cut.bars.index[-1])) == (first, last)


def test_the_findings_of_an_index_of_volatility_are_documented(shared_data):
    config = MarketConfig(
        data_source="csv",
        data_path=str(shared_data / "vix1d_5min_2025.csv"),
        symbols=("VIX1D",),
        file_time_format="unix_s",
        file_bar_minutes=5,
        max_move_pct=100.0,
    )
    (report,) = inspect(config)
    found = Counter(finding.kind for finding in report.findings)
    assert found == {"cheap": 1, "no_volume": 1, "padded_half_day": 1, "overnight": 85, "jump": 6}
    lines = (Path(__file__).parents[2] / "docs" / "market_data.md").read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith("| VIX1D 2025"))
    for words in ("no volume", "`cheap`", "11.73", "85 overnight moves", "6 jumps", "3 bars after the early close"):
        assert words in row


def test_utc_stamps_cross_the_change_to_summer_time(shared_data):
    bars = cut_sessions(load_bars(shared_data / "spy_1min_2011_03.csv", "SPY", form=HEADERLESS_UTC)).bars
    by_day = bars.groupby(bars.index.date).size()
    assert (by_day == 390).all()  # had the change been missed, an hour of each session would be cut
    opens = bars.index.indexer_at_time("09:30")
    offsets = [str(stamp)[-6:] for stamp in bars.index[opens]]
    assert offsets == ["-05:00"] * 9 + ["-04:00"] * 14  # 2011-03-13 lies between


def test_columns_in_another_order_are_not_taken_for_each_other(shared_data):
    bars = load_bars(shared_data / "spx_1min_2019_11.csv", "SPX", form=US_STAMPS)
    assert bars.iloc[0].to_list() == [3080.8, 3081.47, 3080.3, 3080.49, 0.0]  # the file has O, C, H, L


def test_qqq_lacks_two_bars(shared_data):
    bars = load_bars(shared_data / "qqq_1min_2019.csv", "QQQ", form=END_STAMPED)
    counts = bars.groupby(bars.index.date).size()
    assert sorted(counts) == [388, 390, 390, 390, 390]


def test_any_order_is_sorted_with_a_warning(shared_data):
    path = shared_data / "spy_1min_2019.csv"
    with pytest.warns(DataWarning, match=r"spy_1min_2019\.csv: 1,949 rows are earlier than the row above: sorted"):
        bars = load_bars(path, "SPY", form=FileFormat(bar_stamp="end", row_order="any"))
    pd.testing.assert_frame_equal(bars, load_bars(path, "SPY", form=END_STAMPED))


def test_five_minute_bars_have_to_be_declared(shared_data):
    with pytest.raises(DataError, match=r"spx_5min_2025\.csv: bars are 5 minutes apart.*file_bar_minutes=5"):
        load_bars(shared_data / "spx_5min_2025.csv", "SPX", form=FileFormat(time_format="unix_s"))
    with pytest.raises(DataError, match=r"spy_1min_2019\.csv, line \d+: stamp .* is not on a multiple of"):
        load_bars(
            shared_data / "spy_1min_2019.csv",
            "SPY",
            form=FileFormat(bar_stamp="end", row_order="descending", bar_minutes=5),
        )


def test_five_minute_bars_are_not_trained_on(shared_data):
    config = MarketConfig(
        data_source="csv",
        data_path=str(shared_data / "spx_5min_2025.csv"),
        vix_path=str(shared_data / "vix_daily.csv"),
        file_time_format="unix_s",
        file_bar_minutes=5,
    )
    with pytest.raises(DataError, match=r"file_bar_minutes is 5.*one-minute bars.*can be inspected"):
        load_segment(config)


def test_the_references_clock_is_what_the_published_runs_saw(shared_data):
    bars = load_bars(shared_data / "spy_1min_2024.csv", "SPY")
    seen = cut_sessions(bars, "naive_utc").bars
    assert len(seen) == 20470
    assert str(seen.index[0]) == "2024-02-20 09:31:00-05:00"
    # 09:31 UTC is 04:31 in New York in winter: pre-market.
    assert seen["open"].iloc[0] == bars.loc["2024-02-20 04:31:00-05:00", "open"]
    assert (seen.index.hour * 60 + seen.index.minute).max() == 15 * 60 + 59


def test_gzip_and_a_folder_give_the_same_bars(shared_data, tmp_path):
    path = shared_data / "spy_1min_2019.csv"
    expected = load_bars(path, "SPY", form=END_STAMPED)
    (tmp_path / "spy.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    pd.testing.assert_frame_equal(FileSource(tmp_path, END_STAMPED).bars("SPY", None, None), expected)


def test_values_agree_with_a_plain_reading_of_the_file(shared_data):
    bars = load_bars(shared_data / "spy_1min_2011_01.csv", "SPY", form=HEADERLESS_UTC)
    text = (shared_data / "spy_1min_2011_01.csv").read_text().split()
    cells = np.array([line.split(";")[1:] for line in text[1::2]], dtype=float)
    clock = [line.split(";")[0] for line in text[1::2]]
    assert len(cells) == len(bars)
    np.testing.assert_array_equal(bars.to_numpy(), cells)
    assert clock[0] == "090100" and str(bars.index[0]) == "2011-01-03 04:00:00-05:00"


def test_zipped_files_of_milliseconds_of_a_day(shared_data):
    form = FileFormat(header=False, time_format="day_ms", price_scale=10_000)
    bars = FileSource(shared_data / "lean" / "equity" / "usa" / "minute", form).bars("SPY", None, None)
    first = bars.loc["2013-10-04 04:06:00-04:00"]
    assert first.to_list() == [167.65, 167.65, 167.65, 167.65, 20000.0]
    sessions = cut_sessions(bars).bars
    assert sessions.index.normalize().nunique() == 7 and str(bars.index[-1])[:10] == "2023-08-03"
    chicago = FileFormat(header=False, time_format="day_ms", time_zone="America/Chicago")
    index = FileSource(shared_data / "lean" / "index" / "usa" / "minute", chicago).bars("SPX", None, None)
    assert str(index.index[0]) == "2021-01-04 09:30:00-05:00"
    assert index["close"].iloc[0] == 3766.63


def test_a_name_without_a_day_is_refused(bar_lines, write):
    path = write("bars.csv", ["34200000,1,1,1,1,1"])
    with pytest.raises(DataError, match="line 1: stamp '34200000' is no millisecond of the day that begins"):
        load_bars(path, "SPY", form=FileFormat(header=False, time_format="day_ms"))
