"""Rows that do no harm are set right and counted; bars of another interval than declared are refused."""

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sources import FileSource, load_bars
from tests.market.plain_bars import HEADER, MINUTES, OPEN, first_of, rows


def test_a_live_last_row_is_left_out(write):
    cells = rows()[0].split(",", 1)[1]
    path = write("bars.csv", [HEADER, *rows(), f"2024-05-14 09:42:17,{cells}"])
    with pytest.warns(DataWarning, match=r"the last row, line 14, stamped .*09:42:17.*its bar was not over: left out"):
        assert first_of(path) == OPEN


def test_copies_of_rows_are_dropped_wherever_they_stand(write):
    lines = [HEADER, *rows(), *rows()[3:7]]
    with pytest.warns(DataWarning, match="4 rows repeat an earlier row exactly, the first is line 14: dropped"):
        assert first_of(write("bars.csv", lines)) == OPEN
    lines[-1] = lines[-1].replace("100.25", "100.26")
    with pytest.raises(DataError, match=r"line 17: stamp .* is earlier than the bar before it"):
        load_bars(write("bars.csv", lines), "SPY")


def test_files_that_overlap_alike_are_joined(write, tmp_path):
    (tmp_path / "SPY").mkdir()
    write("SPY/1.csv", [HEADER, *rows()[:8]])
    write("SPY/2.csv", [HEADER, *rows()[5:]])
    with pytest.warns(DataWarning, match="3 bars of SPY are in two files alike: kept once"):
        bars = FileSource(tmp_path, FileFormat()).bars("SPY", None, None)
    assert len(bars) == MINUTES


@pytest.mark.parametrize(("hair", "is_read"), [(1e-10, True), (1e-7, True), (0.001, False)])
def test_only_what_rounding_leaves_is_set_right(write, hair, is_read):
    lines = [HEADER, *rows()]
    lines[4] = lines[4].replace("100.50", f"{100.25 - hair:.10f}").replace("99.50", "100.25")
    lines[4] = lines[4].replace(",100.00,", ",100.25,")
    path = write("bars.csv", lines)
    if is_read:
        with pytest.warns(DataWarning, match="1 rows whose high or low misses open or close by rounding"):
            assert load_bars(path, "SPY").iloc[3].to_list() == [100.25, 100.25, 100.25, 100.25, 1000.0]
    else:
        with pytest.raises(DataError, match=r"line 5: high .* is below"):
            load_bars(path, "SPY")


def test_an_empty_volume_is_0_and_counted(write):
    lines = [HEADER, *rows()]
    lines[4] = lines[4].removesuffix("1000")
    with pytest.warns(DataWarning, match="1 rows have no volume, the first is line 5: read as 0"):
        bars = load_bars(write("bars.csv", lines), "SPY")
    assert bars["volume"].to_list() == [1000.0] * 3 + [0.0] + [1000.0] * (MINUTES - 4)


# --- intervals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        (pd.bdate_range("2024-05-01", periods=15), "bars are a day apart"),
        (pd.bdate_range("2024-05-01", periods=15) + pd.Timedelta(hours=9, minutes=30), "bars are a day apart"),
        (pd.date_range("2023-01-06", periods=40, freq="7D"), "bars are a week apart"),
        (pd.date_range("2024-05-14 09:30", periods=26, freq="15min"), "bars are 15 minutes apart"),
        (pd.date_range("2024-05-13 00:00", periods=40, freq="4h"), "bars are 4 hours apart"),
        (
            pd.DatetimeIndex(
                [
                    f"2024-05-{day} {hour}"
                    for day in (13, 14, 15)
                    for hour in ("09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:00")
                ]
            ),
            "bars are an hour apart",
        ),
    ],
)
def test_bars_of_other_intervals_are_refused_without_a_word_on_zones(write, stamps, words):
    cells = rows()[0].split(",", 1)[1]
    with pytest.raises(DataError, match=words) as caught:
        load_bars(write("bars.csv", [HEADER, *(f"{stamp},{cells}" for stamp in stamps)]), "SPY")
    message = str(caught.value)
    assert "zone" not in message
    assert ("declare file_bar_minutes" in message) == ("minutes apart" in message or "an hour" in message)


def test_hourly_bars_from_the_open_can_be_declared(write):
    stamps = [f"2024-05-{day} {hour}:30" for day in (13, 14, 15) for hour in ("09", "10", "11", "12", "13", "14", "15")]
    cells = rows()[0].split(",", 1)[1]
    bars = load_bars(
        write("bars.csv", [HEADER, *(f"{t},{cells}" for t in stamps)]), "SPY", form=FileFormat(bar_minutes=60)
    )
    assert len(bars) == 21


def test_sparse_minutes_are_still_minutes(write):
    rng = np.random.default_rng(0)
    kept = np.flatnonzero(rng.random(390) < 0.3)
    cells = rows()[0].split(",", 1)[1]
    stamps = pd.Timestamp("2024-05-14 09:30") + pd.to_timedelta(kept, unit="min")
    assert len(load_bars(write("bars.csv", [HEADER, *(f"{t},{cells}" for t in stamps)]), "SPY")) == len(kept)
