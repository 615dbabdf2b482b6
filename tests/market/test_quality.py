"""Sessions that are cut, excluded or filled, and what the report says of each fault."""

import json

import numpy as np
import pandas as pd
import pytest

from momentum_jax.cli.market_command import main
from momentum_jax.market.dataset import load_dataset
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.prepare import prepare, usable_bars
from momentum_jax.market.sessions import close_minutes, cut_sessions, fill_minutes
from momentum_jax.market.vix.daily_vix import load_vix, missing_days

OPEN, CLOSE = 570, 960


def random_bars(first="2023-11-20", last="2023-12-08", seed=0, minutes=(OPEN, CLOSE)) -> pd.DataFrame:
    """Bars of every weekday, holidays and half-days included as if they were whole."""
    days = pd.bdate_range(first, last)
    stamps = days.to_numpy()[:, None] + np.arange(*minutes).astype("timedelta64[m]")
    rng = np.random.default_rng(seed)
    close = 400 * np.exp(np.cumsum(rng.normal(0, 3e-4, stamps.size)))
    opens = np.concatenate([close[:1], close[:-1]])
    wick = rng.exponential(0.04, (2, stamps.size))
    high, low = np.maximum(opens, close) + wick[0], np.minimum(opens, close) - wick[1]
    values = {"open": opens, "high": high, "low": low, "close": close, "volume": rng.integers(500, 1500, close.size)}
    index = pd.DatetimeIndex(stamps.ravel()).tz_localize("America/New_York").as_unit("ns")
    return pd.DataFrame(values, index=index).astype("float64")


GOOD = random_bars("2023-12-04", "2023-12-15")  # ten whole sessions
DAY = "2023-12-07"


def found(bars: pd.DataFrame, **options) -> dict[tuple[str, str], list[str | None]]:
    """Sessions by severity and kind."""
    report = prepare(bars, None, "SPY", MarketConfig(**options)).report
    result: dict[tuple[str, str], list[str | None]] = {}
    for finding in report.findings:
        result.setdefault((finding.severity, finding.kind), []).append(finding.session)
    return result


def changed(start: str, stop: str, **values) -> pd.DataFrame:
    bars = GOOD.copy()
    place = bars.loc[f"{DAY} {start}" : f"{DAY} {stop}"].index
    for name, value in values.items():
        bars.loc[place, name] = value(bars.loc[place]) if callable(value) else value
    return bars


def moved(stop: str, factor: float) -> pd.DataFrame:
    """Prices from 10:00 to `stop` times `factor`."""

    def times(name: str):
        return lambda bars: bars[name] * factor

    return changed("10:00", stop, **{name: times(name) for name in ("open", "high", "low", "close")})


def without(*spans: tuple[str, str]) -> pd.DataFrame:
    bars = GOOD
    for start, stop in spans:
        bars = bars.drop(bars.loc[f"{DAY} {start}" : f"{DAY} {stop}"].index)
    return bars


# --- the calendar ----------------------------------------------------------------------------------------


def test_the_exchange_keeps_holidays_and_half_days():
    closes = close_minutes(pd.Timestamp("2023-11-20"), pd.Timestamp("2023-11-27"))
    assert [date.day for date in closes.index] == [20, 21, 22, 24, 27]
    assert closes.loc["2023-11-24"] == 13 * 60
    assert set(closes.drop(pd.Timestamp("2023-11-24"))) == {16 * 60}


def test_holidays_and_padded_half_days_are_cut_and_told():
    bars = random_bars("2023-11-20", "2023-11-27", minutes=(OPEN - 30, CLOSE + 10))
    sessions = cut_sessions(bars)
    assert sessions.bars.groupby(sessions.bars.index.day).size().to_dict() == {
        20: 390,
        21: 390,
        22: 390,
        24: 210,
        27: 390,
    }
    assert sessions.off_calendar.to_dict() == {pd.Timestamp("2023-11-23"): 390}
    assert sessions.after_close.to_dict() == {pd.Timestamp("2023-11-24"): 180}
    assert sessions.outside == 6 * 40
    told = found(bars)
    assert told[("exclude", "not_a_session")] == ["2023-11-23"]
    assert told[("warn", "padded_half_day")] == ["2023-11-24"]


def test_the_references_clock_knows_no_half_days_and_excludes_nothing():
    bars = random_bars("2023-11-20", "2023-11-27", minutes=(0, 1440))
    seen = cut_sessions(bars, "naive_utc").bars
    assert seen.groupby(seen.index.day).size().loc[24] == 390
    frozen = bars.copy()
    frozen.loc["2023-11-21 05:00":"2023-11-21 10:00", ["open", "high", "low", "close"]] = 400.0
    assert ("warn", "stale") in found(frozen, session_clock="naive_utc")
    assert not [key for key in found(frozen, session_clock="naive_utc") if key[0] == "exclude"]


# --- faults ----------------------------------------------------------------------------------------------


def test_good_bars_show_nothing():
    assert found(GOOD) == {}


@pytest.mark.parametrize(
    ("bars", "severity", "kind"),
    [
        (without(("10:00", "10:04")), "warn", "gap"),
        (without(("09:30", "09:30")), "warn", "gap"),
        (without(("15:59", "15:59")), "warn", "gap"),
        (changed("10:00", "10:19", open=400.0, high=400.0, low=400.0, close=400.0), "warn", "flat_run"),
        (changed("10:00", "12:19", open=400.0, high=400.0, low=400.0, close=400.0), "exclude", "stale"),
        (changed("10:00", "10:00", high=lambda bar: bar["high"] * 1.011), "warn", "wick"),
        (changed("10:00", "10:00", low=lambda bar: bar["low"] * 0.5), "exclude", "broken_wick"),
        (moved("15:59", 1.03), "warn", "jump"),
        (moved("10:00", 10), "exclude", "broken_move"),
        (changed("10:00", "10:09", volume=0.0), "warn", "zero_volume"),
    ],
)
def test_a_fault_is_found_in_its_session_alone(bars, severity, kind):
    assert found(bars)[(severity, kind)] == [DAY]
    kept = prepare(bars, None, "SPY", MarketConfig()).bars
    days = set(kept.index.strftime("%Y-%m-%d"))
    assert len(days) == (9 if severity == "exclude" else 10) and (DAY in days) == (severity != "exclude")


def test_faults_of_the_whole_file():
    assert found(GOOD.assign(volume=0.0)) == {("warn", "no_volume"): [None]}
    jumped = GOOD.copy()
    jumped.loc[DAY:, "volume"] *= 50
    assert found(jumped) == {("warn", "volume_regime"): [DAY]}
    split = GOOD.copy()
    split.loc[DAY:, ["open", "high", "low", "close"]] /= 2
    assert found(split) == {("warn", "overnight"): [DAY]}
    assert found(GOOD.drop(GOOD.loc[DAY].index)) == {("warn", "no_bars"): [DAY]}


def test_any_warning_can_be_made_to_exclude():
    bars = without(("10:00", "10:04"))
    assert found(bars, exclude_findings=("gap",)) == {("exclude", "gap"): [DAY]}
    with pytest.raises(DataError, match="exclude_findings names luck: choose from gap"):
        MarketConfig(exclude_findings=("luck",))


def test_a_day_without_a_vix_is_excluded_and_told():
    days = pd.DatetimeIndex(GOOD.index.tz_localize(None).normalize().unique()).as_unit("ns")
    vix = pd.Series(15.0, index=days).drop(pd.Timestamp(DAY))
    prepared = prepare(GOOD, vix, "SPY", MarketConfig())
    assert prepared.report.excluded == {DAY: "no_vix (no VIX close of that day)"}


# --- policies --------------------------------------------------------------------------------------------


def test_missing_minutes_are_kept_dropped_or_filled():
    bars = without(("10:00", "10:04"), ("15:58", "15:59"))
    assert len(prepare(bars, None, "SPY", MarketConfig()).bars) == 3893
    assert len(prepare(bars, None, "SPY", MarketConfig(missing_minutes="drop")).bars) == 3510
    filled = prepare(bars, None, "SPY", MarketConfig(missing_minutes="fill", fill_limit=5)).bars
    assert len(filled) == 3900 and filled["filled"].sum() == 7
    row = filled.loc[f"{DAY} 10:03"]
    assert (row[["open", "high", "low", "close"]] == bars.loc[f"{DAY} 09:59", "close"]).all() and row["volume"] == 0
    pd.testing.assert_frame_equal(filled.loc[bars.index, bars.columns], bars, check_freq=False, check_names=False)
    assert len(prepare(bars, None, "SPY", MarketConfig(missing_minutes="fill", fill_limit=4)).bars) == 3510


def test_a_session_without_its_first_bar_cannot_be_filled():
    prepared = prepare(without(("09:30", "09:30")), None, "SPY", MarketConfig(missing_minutes="fill"))
    assert prepared.report.excluded == {DAY: "missing_minutes (no bar at the open to fill from)"}


def test_half_days_are_filled_to_their_own_close():
    bars = random_bars("2023-11-22", "2023-11-24").drop(pd.Timestamp("2023-11-24 12:59", tz="America/New_York"))
    sessions = cut_sessions(bars)
    filled = fill_minutes(sessions.bars, sessions.expected)
    assert filled.groupby(filled.index.day).size().to_dict() == {22: 390, 24: 210}


def test_short_sessions_are_excluded():
    told = found(without(("10:00", "15:59")), min_bars_per_session=200)
    assert told[("exclude", "short_session")] == [DAY]


def test_when_nothing_is_left_the_reason_is_said():
    prepared = prepare(GOOD, None, "SPY", MarketConfig(min_bars_per_session=391))
    with pytest.raises(DataError, match=r"all 10 sessions of SPY are excluded, 2023-12-04 because of short_session"):
        usable_bars(prepared)


def test_the_policies_reach_the_segment(tmp_path):
    without(("10:00", "10:04")).rename_axis("datetime").to_parquet(tmp_path / "bars.parquet")
    days = GOOD.index.strftime("%Y-%m-%d").unique()
    (tmp_path / "vix.csv").write_text("date,close\n2023-12-01,15\n" + "".join(f"{day},15\n" for day in days))
    paths = {"data_path": str(tmp_path / "bars.parquet"), "vix_path": str(tmp_path / "vix.csv")}
    dataset = load_dataset(MarketConfig(data_source="parquet", missing_minutes="fill", **paths))
    facts = dataset.describe()
    assert facts["bars"] == 3900 and facts["filled_bars"] == 5
    assert facts["quality"][0]["findings"]["warn"] == {"gap": 1}


# --- inspect ---------------------------------------------------------------------------------------------


def test_inspect_prints_a_table_and_writes_json_and_a_picture(tmp_path, capsys):
    path = tmp_path / "bars.parquet"
    without(("10:00", "10:04")).rename_axis("datetime").to_parquet(path)
    outputs = [f"--json={tmp_path / 'r.json'}", f"--png={tmp_path / 'r.png'}"]
    assert main(["inspect", "--data_source=parquet", f"--data_path={path}", "--symbols=SPY", *outputs]) == 0
    text = capsys.readouterr().out
    assert "10 sessions 2023-12-04 to 2023-12-15, 3,895 bars, 5 missing" in text
    assert "2023-12-07  5 of 390 bars missing, 5 in a row" in text
    report = json.loads((tmp_path / "r.json").read_text())[0]
    assert report["per_session"][3]["session"] == DAY and report["per_session"][3]["longest_gap"] == 5
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


def test_inspect_tells_errors_by_its_exit_code(tmp_path, capsys):
    path = tmp_path / "bars.parquet"
    random_bars(minutes=(200, 300)).rename_axis("datetime").to_parquet(path)
    assert main(["inspect", "--data_source=parquet", f"--data_path={path}", "--symbols=SPY"]) == 1
    assert "no bar starts in a session" in capsys.readouterr().out
    assert main(["inspect", "--data_source=csv", "--data_path=gone.csv", "--symbols=SPY"]) == 2
    assert "error: gone.csv: no such file" in capsys.readouterr().err


def test_the_real_vix_lacks_days_and_has_inconsistent_rows(shared_data, capsys):
    path = shared_data / "vix_daily.csv"
    vix = load_vix(path)
    closes = close_minutes(vix.index[0], vix.index[-1])
    assert len(missing_days(vix, pd.DatetimeIndex(closes.index))) == 4
    assert main(["inspect-vix", f"--vix_path={path}"]) == 0
    text = capsys.readouterr().out
    assert "sessions without a close: 4" in text and "do not enclose: 47" in text


def test_the_real_month_has_three_outlying_wicks(shared_data):
    config = MarketConfig(
        data_source="csv", data_path=str(shared_data / "spy_1min_2024.csv"), vix_path=str(shared_data / "vix_daily.csv")
    )
    report = load_dataset(config).reports[0]
    assert [(finding.kind, finding.session) for finding in report.findings] == [
        ("wick", "2024-03-07"),
        ("wick", "2024-03-15"),
        ("wick", "2024-04-23"),
    ]
