"""The daily VIX, as everybody has it: a row is a date, whatever zone its stamp names."""

import pandas as pd
import pytest

from momentum_jax.cli.market_command import main
from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.sources import load_bars
from momentum_jax.market.vix.daily_vix import load_vix
from momentum_jax.market.vix.vix_range import HIGHEST_VIX, LOWEST_VIX, outside_vix_range
from tests.market.advice import flags_in, inspected

DAYS = pd.bdate_range("2024-04-29", periods=15)
CLOSES = [13.0 + 0.1 * place for place in range(15)]


def lines_of(stamp, header="date,close") -> list[str]:
    return [header, *(f"{stamp(day)},{close:.2f}" for day, close in zip(DAYS, CLOSES, strict=True))]


def read(path) -> tuple[str, list[str], list[float]]:
    """A file's VIX: the type of its index, its days and its closes."""
    vix = load_vix(path)
    return str(vix.index.dtype), [str(day.date()) for day in vix.index], vix.to_list()


# Without a zone, which would be in the type's name.
EXPECTED = "datetime64[ns]", [str(day.date()) for day in DAYS], pytest.approx(CLOSES)


@pytest.mark.parametrize(
    "stamp",
    [
        lambda d: f"{d:%Y-%m-%d}",
        lambda d: f"{d:%Y-%m-%d} 00:00:00+00:00",
        lambda d: f"{d:%Y-%m-%d}T00:00:00Z",
        lambda d: f"{d:%Y-%m-%d} 00:00:00-05:00",
        lambda d: f"{d:%Y-%m-%d} 00:00:00+09:00",
        lambda d: f"{d:%Y-%m-%d} 16:15:00",
        lambda d: f"{d:%m/%d/%Y}",
        lambda d: f"{d.month}/{d.day}/{d.year}",
        lambda d: f"{d:%d/%m/%Y}",
        lambda d: f"{d:%Y%m%d}",
        lambda d: f"{d.timestamp():.0f}",
        lambda d: f"{1000 * (d + pd.Timedelta(hours=13.5)).timestamp():.0f}",
        lambda d: f"{d.value}",
    ],
)
def test_a_row_is_a_date_whatever_its_stamp(write, stamp):
    assert read(write("vix.csv", lines_of(stamp))) == EXPECTED


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "America/Chicago", "Asia/Tokyo", None])
@pytest.mark.parametrize("where", ["index", "column"])
def test_parquet_of_any_zone(tmp_path, zone, where):
    frame = pd.DataFrame({"Close": CLOSES}, index=DAYS.tz_localize(zone).rename("Date"))
    (frame if where == "index" else frame.reset_index()).to_parquet(tmp_path / "vix.parquet")
    assert read(tmp_path / "vix.parquet") == EXPECTED


@pytest.mark.parametrize("hole", ["", "."])
def test_freds_holidays_are_left_out(write, hole):
    lines = lines_of(lambda d: f"{d:%Y-%m-%d}", "observation_date,VIXCLS")
    lines.insert(6, f"2024-05-04,{hole}")
    assert read(write("VIXCLS.csv", lines)) == EXPECTED
    assert read(write("VIXCLS.csv", [lines[0].replace("observation_date", "DATE"), *lines[1:]])) == EXPECTED


def test_a_file_of_holidays_alone_is_refused(write, capsys):
    path = write("VIXCLS.csv", ["observation_date,VIXCLS", "2024-01-01,", "2024-12-25,."])
    code, _, error = inspected(capsys, ["inspect-vix", f"--vix_path={path}"])
    assert code == 2 and error.count("\n") == 1
    assert f"{path}: holds no close: give rows that have one" in error
    write("VIXCLS.csv", ["observation_date,VIXCLS", "2024-01-01,", "2024-01-02,13.2"])
    assert load_vix(path).to_list() == [13.2]


def test_the_newest_row_may_come_first_but_not_somewhere(write):
    lines = lines_of(lambda d: f"{d:%Y-%m-%d}")
    assert read(write("vix.csv", [lines[0], *lines[:0:-1]])) == EXPECTED
    with pytest.raises(DataError, match="line 4: VIX close of 2024-04-29 is dated before the row above"):
        load_vix(write("vix.csv", [lines[0], *lines[2:4], lines[1], *lines[4:]]))


def test_days_that_were_moved_by_a_zone_are_refused_not_used(write):
    # Midnight in Berlin is the evening before in UTC: Mondays become Sundays.
    lines = lines_of(lambda d: f"{d - pd.Timedelta(hours=2)}+00:00")
    with pytest.raises(DataError, match="3 of 15 VIX closes are dated on Sundays, the first 2024-04-28"):
        load_vix(write("vix.csv", lines))
    assert read(write("vix.csv", lines_of(lambda d: f"{d:%Y-%m-%d}"))) == EXPECTED  # what the message asks for


@pytest.mark.parametrize(
    ("lines", "advice"),
    [
        (lines_of(lambda d: f"{d:%Y-%m-%d}", "day,value"), ["--vix_columns=date,close"]),
        (lines_of(lambda d: f"{d:%Y-%m-%d}", "DATE,VIX"), ["--vix_columns=date,close"]),
        (lines_of(lambda d: f"{d:%Y-%m-%d}")[1:], None),
        (lines_of(lambda d: f"{d:%d.%m.%Y}"), ["--vix_time_format=%d.%m.%Y"]),
        (lines_of(lambda d: f"{d:%d-%b-%Y}"), ["--vix_time_format=%d-%b-%Y"]),
        ([line.replace(",", ";") for line in lines_of(lambda d: f"{d:%Y-%m-%d}")], ["--vix_delimiter=;"]),
        (
            [line.replace(",", ";").replace(".", ",") for line in lines_of(lambda d: f"{d:%Y-%m-%d}", "Datum;Schluss")],
            ["--vix_delimiter=;", "--vix_decimal=,", "--vix_columns=date,close"],
        ),
        (
            ["Price,Close,Open", "Ticker,^VIX,^VIX", "Date,,", *(line + ",13" for line in lines_of(str)[1:])],
            ["--vix_layout=yfinance"],
        ),
        (
            ["Date,Price,Open,High,Low", *(f"{line},1,2,3" for line in lines_of(lambda d: f"{d:%m/%d/%Y}")[1:])],
            ["--vix_columns=date,close,open,high,low"],
        ),
    ],
)
def test_the_declarations_that_the_refusal_names_read_the_file(write, capsys, lines, advice):
    path = write("vix.csv", lines)
    with pytest.raises(DataError) as caught:
        load_vix(path)
    flags = flags_in(str(caught.value))
    assert flags and "\n" not in str(caught.value)
    assert advice is None or flags == advice or set(advice) <= set(flags)
    code, text, error = inspected(capsys, ["inspect-vix", f"--vix_path={path}", *dict.fromkeys(flags)])
    assert (code, error) == (0, "")
    assert "15 closes 2024-04-29 to 2024-05-17, 13 to 14.4" in text


@pytest.mark.parametrize(("times", "first"), [(0.01, "0.13"), (100, "1300"), (35, "455")])  # 35: prices of SPY
def test_closes_that_are_no_vix_are_refused_and_points_are_read(write, capsys, times, first):
    lines = lines_of(lambda d: f"{d:%Y-%m-%d}")
    scaled = [f"{day},{float(close) * times:.4f}" for day, close in (line.split(",") for line in lines[1:])]
    path = write("vix.csv", [lines[0], *scaled])
    code, _, error = inspected(capsys, ["inspect-vix", f"--vix_path={path}"])
    assert code == 2 and error.count("\n") == 1
    assert f"line 2: VIX close of 2024-04-29 is {first}: a VIX is in points, from 2 to 150" in error
    assert "give a file of its closes, as 13.2 and not 0.132 or 1320" in error
    assert inspected(capsys, ["inspect-vix", f"--vix_path={write('points.csv', lines)}"])[0] == 0


def test_one_close_in_other_units_is_refused_by_its_row(write):
    lines = lines_of(lambda d: f"{d:%Y-%m-%d}")
    lines[5] = f"{lines[5].split(',')[0]},0.13"
    with pytest.raises(DataError, match=r"line 6: VIX close of 2024-05-03 is 0\.13: .*or correct the row"):
        load_vix(write("vix.csv", lines))


def test_every_real_vix_lies_inside_the_bounds_by_a_third(shared_data):
    """The VIX of 36 years, and the VIX of one day, which moves more."""
    daily = load_vix(shared_data / "vix_daily.csv")
    form = FileFormat(time_format="unix_s", bar_minutes=5)
    of_one_day = load_bars(shared_data / "vix1d_5min_2025.csv", "VIX1D", form=form)["close"]
    for closes in (daily, of_one_day):
        assert closes.min() > 1.5 * LOWEST_VIX and closes.max() < HIGHEST_VIX / 1.5
        assert not outside_vix_range(closes.to_numpy()).any()
        assert outside_vix_range(closes.to_numpy() / 100).all()  # fractions


@pytest.mark.parametrize("stamp", ["%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"])
def test_the_first_close_is_not_lost_in_the_place_of_the_header(write, capsys, stamp):
    path = write("vix.csv", lines_of(lambda d: f"{d:{stamp}}")[1:])
    command = ["inspect-vix", f"--vix_path={path}", "--vix_columns=date,close"]
    code, _, error = inspected(capsys, command)
    assert code == 2 and "line 1: " in error and set(flags_in(error)) == {"--novix_header"}
    code, text, _ = inspected(capsys, [*command, "--novix_header"])
    assert code == 0 and "15 closes 2024-04-29 to 2024-05-17" in text


def test_inspect_vix_names_its_missing_flag(capsys):
    assert main(["inspect-vix"]) == 2
    assert "vix_path is missing: give the file, --vix_path=vix.csv" in capsys.readouterr().err
