"""The rules of a bar frame, each broken once, and what a session is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_jax.market.bars import (
    BAR_COLUMNS,
    EXCHANGE_TZ,
    between_dates,
    last_sessions,
    session_dates,
    validate_bars,
)
from momentum_jax.market.errors import DataError
from momentum_jax.market.sessions import cut_sessions


def flat_bars(index: pd.DatetimeIndex) -> pd.DataFrame:
    row = {"open": 100.0, "high": 100.5, "low": 99.5, "close": 100.25, "volume": 1000.0}
    return pd.DataFrame(row, index=index)


def minutes(start: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq="min", tz=EXCHANGE_TZ)


def test_good_bars_come_back_canonical():
    frame = flat_bars(minutes("2024-02-20 09:30", 5)).assign(vwap=1.0).astype({"volume": int})
    bars = validate_bars(frame, source="test")
    assert tuple(bars.columns) == BAR_COLUMNS
    assert (bars.dtypes == "float64").all()
    assert str(bars.index.dtype) == "datetime64[ns, America/New_York]"


def test_a_volume_of_only_nan_means_there_is_none():
    frame = flat_bars(minutes("2024-02-20 09:30", 5)).assign(volume=np.nan)
    assert (validate_bars(frame, source="test")["volume"] == 0).all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("open", np.nan, ("open is empty (NaN)", "drop the row")),
        ("close", np.inf, ("close is infinite", "correct it")),
        ("low", 0.0, ("low is 0.0", "above 0")),
        ("open", -3.0, ("open is -3.0", "above 0")),
        ("volume", -1.0, ("volume is -1.0", "0 or more")),
        ("volume", np.nan, ("volume is empty (NaN)", "drop the row")),
        ("volume", np.inf, ("volume is infinite", "correct it")),
        ("high", 99.0, ("high 99.0 is below low 99.5", "correct the bar")),
        ("open", 101.0, ("high 100.5 is below open 101.0", "correct the bar")),
        ("close", 101.0, ("high 100.5 is below close 101.0", "correct the bar")),
        ("open", 99.0, ("open 99.0 is below low 99.5", "correct the bar")),
        ("close", 99.0, ("close 99.0 is below low 99.5", "correct the bar")),
    ],
)
def test_a_bad_value_is_named_with_its_bar(column, value, words):
    frame = flat_bars(minutes("2024-02-20 09:30", 5))
    frame.loc[frame.index[3], column] = value
    with pytest.raises(DataError) as caught:
        validate_bars(frame, source="feed X")
    for word in ("feed X", "bar 2024-02-20 09:33:00-05:00", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ([0, 1, 1, 2], ("09:31:00-05:00 is a duplicate", "one row a minute")),
        ([0, 2, 1, 3], ("09:31:00-05:00 is earlier", "sort the rows")),
        ([3, 2, 1, 0], ("09:32:00-05:00 is earlier", "sort the rows")),
    ],
)
def test_stamps_must_ascend(order, words):
    frame = flat_bars(minutes("2024-02-20 09:30", 4)).iloc[order]
    with pytest.raises(DataError) as caught:
        validate_bars(frame, source="test")
    for word in words:
        assert word in str(caught.value)


def test_stamps_must_be_whole_minutes():
    frame = flat_bars(pd.date_range("2024-02-20 09:30", periods=4, freq="30s", tz=EXCHANGE_TZ))
    with pytest.raises(DataError, match=r"09:30:30-05:00 is not on a whole minute: give one-minute bars"):
        validate_bars(frame, source="test")


def test_a_frame_that_is_no_bar_frame_is_refused():
    frame = flat_bars(minutes("2024-02-20 09:30", 4))
    with pytest.raises(DataError, match="test: no column close among open, high, low, volume"):
        validate_bars(frame.drop(columns="close"), source="test")
    with pytest.raises(DataError, match="test: holds no bars"):
        validate_bars(frame.iloc[:0], source="test")
    with pytest.raises(DataError, match="not indexed by America/New_York time: convert"):
        validate_bars(frame.tz_convert("UTC"), source="test")


@pytest.mark.parametrize("day", ["2024-03-08", "2024-03-11"])  # before and after the change to summer time
def test_a_regular_session_is_390_minutes_of_exchange_time(day):
    regular = cut_sessions(flat_bars(minutes(f"{day} 04:00", 16 * 60))).bars
    assert len(regular) == 390
    assert [str(stamp.time()) for stamp in regular.index[[0, -1]]] == ["09:30:00", "15:59:00"]


def test_dates_are_the_exchanges_and_ranges_inclusive():
    index = minutes("2024-02-20 19:59", 1).append(minutes("2024-02-21 09:30", 2))
    frame = flat_bars(index.append(minutes("2024-02-22 09:30", 3)))  # 19:59 in New York is the next day in UTC
    days = ["2024-02-20", "2024-02-21", "2024-02-22"]
    assert [str(date.date()) for date in session_dates(frame.index).unique()] == days
    assert len(between_dates(frame, "2024-02-21", "2024-02-21")) == 2
    assert len(between_dates(frame, "2024-02-21", None)) == 5
    assert len(between_dates(frame, None, "2024-02-20")) == 1
    assert len(between_dates(frame, None, None)) == 6


@given(count=st.integers(1, 6))
def test_the_last_sessions_are_kept_whole(count):
    days = [minutes(f"2024-02-2{day} 09:30", day + 1) for day in range(5)]
    frame = flat_bars(days[0].append(days[1:]))
    kept = last_sessions(frame, count)
    pd.testing.assert_frame_equal(kept, frame.iloc[len(frame) - len(kept) :])
    assert len(kept) == sum(range(5, 5 - min(count, 5), -1))
    assert last_sessions(frame, None) is frame
