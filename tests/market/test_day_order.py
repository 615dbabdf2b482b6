"""Whether 03/04/2024 is in March or April: the whole file decides, and where it cannot, the advice names both."""

from __future__ import annotations

import pandas as pd
import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.day_order import other_reading
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.layouts import LAYOUTS
from momentum_jax.market.sources import load_bars
from momentum_jax.market.vix.daily_vix import load_vix
from tests.market.advice import flags_in, inspected

HEADER = "datetime,open,high,low,close,volume"
TO_THE_15TH = pd.bdate_range("2024-04-03", "2024-04-15")  # only the last day is beyond twelve
TO_THE_12TH = pd.bdate_range("2024-04-03", "2024-04-12")
PATTERNS = ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M", "%m-%d-%Y %H:%M", "%d/%m/%y %H:%M:%S"]


def lines_of(days: pd.DatetimeIndex, pattern: str) -> list[str]:
    """Bars of the first 70 minutes of each day: more than a suggestion reads of a file."""
    stamps = [stamp for day in days for stamp in pd.date_range(f"{day.date()} 09:30", periods=70, freq="min")]
    return [f"{stamp:{pattern}},100.0,100.5,99.5,100.25,1000" for stamp in stamps]


def refusal(path, form: FileFormat | None = None) -> str:
    with pytest.raises(DataError) as caught:
        load_bars(path, "SPY", form=form)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_only_order_that_reads_the_whole_file_is_named_and_reads_it(write, capsys, pattern):
    path = write("bars.csv", [HEADER, *lines_of(TO_THE_15TH, pattern)])
    message = refusal(path)
    assert flags_in(message) == [f"--file_time_format={pattern}"] and "cannot tell" not in message
    arguments = ["--data_source=csv", f"--data_path={path}", "--symbols=SPY", *flags_in(message)]
    code, text, _ = inspected(capsys, arguments)
    assert code == 0 and "9 sessions 2024-04-03 to 2024-04-15, 630 bars" in text


@pytest.mark.parametrize("pattern", PATTERNS)
def test_both_orders_are_named_where_both_read_the_file_the_one_without_weekends_first(write, pattern):
    message = refusal(write("bars.csv", [HEADER, *lines_of(TO_THE_12TH, pattern)]))
    assert flags_in(message) == [f"--file_time_format={text}" for text in (pattern, other_reading(pattern))]
    first = "month" if pattern.startswith("%d") else "day"
    assert message.endswith(f" if the {first} comes first: the file alone cannot tell")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_declared_order_that_fails_further_down_is_followed_by_the_other_one(write, pattern):
    path = write("bars.csv", [HEADER, *lines_of(TO_THE_15TH, pattern)])
    message = refusal(path, FileFormat(time_format=other_reading(pattern)))
    assert "line 562: stamp" in message  # 8 days of 70 rows can be read
    assert flags_in(message) == [f"--file_time_format={pattern}"]
    assert len(load_bars(path, "SPY", form=FileFormat(time_format=pattern))) == 630


def test_another_fault_further_down_does_not_hide_the_order(write):
    lines = lines_of(TO_THE_15TH, "%d/%m/%Y %H:%M")
    lines[-3] = lines[-3].replace("100.5", "1.0")
    path = write("bars.csv", [HEADER, *lines])
    assert flags_in(refusal(path)) == ["--file_time_format=%d/%m/%Y %H:%M"]
    # A fault of another kind says nothing about days and months.
    assert flags_in(refusal(path, FileFormat(time_format="%d/%m/%Y %H:%M"))) == []


@pytest.mark.parametrize(("days", "patterns"), [(TO_THE_15TH, 1), (TO_THE_12TH, 2)])
def test_a_layout_of_american_dates_is_named_with_the_order_of_the_file(write, days, patterns):
    lines = [line.replace(" ", ",", 1) for line in lines_of(days, "%d/%m/%Y %H:%M")]
    flags = flags_in(refusal(write("bars.csv", lines)))
    day_first, month_first = (f"--file_time_format={text}" for text in ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"))
    assert flags == ["--nofile_header", "--file_layout=kibot", day_first, month_first][: 2 + patterns]
    form = FileFormat(**dict(LAYOUTS["kibot"].declarations) | {"time_format": "%d/%m/%Y %H:%M"})
    assert len(load_bars(write("bars.csv", lines), "SPY", form=form)) == 70 * len(days)


@pytest.mark.parametrize(("last", "count"), [("2024-04-15", 1), ("2024-04-12", 2)])
def test_dates_of_a_vix_file(write, last, count):
    lines = [f"{day:%d-%m-%Y},13.5" for day in pd.bdate_range("2024-04-03", last)]
    path = write("vix.csv", ["date,close", *lines])
    with pytest.raises(DataError) as caught:
        load_vix(path)
    day_first, month_first = "--vix_time_format=%d-%m-%Y", "--vix_time_format=%m-%d-%Y"
    # Both the reader of dates and the one of whole files say it.
    assert flags_in(str(caught.value)) == 2 * ([day_first] if count == 1 else [month_first, day_first])
    assert ("the file alone cannot tell" in str(caught.value)) == (count == 2)
    vix = load_vix(path, FileFormat(time_format="%d-%m-%Y"))
    assert str(vix.index[-1].date()) == last


@pytest.mark.parametrize("pattern", ["iso", "unix_s", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%d-%b-%Y", "%Y%m%d %H%M%S"])
def test_other_time_formats_have_one_reading(pattern):
    assert other_reading(pattern) == ""
