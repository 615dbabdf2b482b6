"""What is wrong with bars that are valid one by one: gaps, frozen prices, outliers, changes of vendor.

A finding is an *error* (the bars cannot be used), *excludes* its session, or *warns*. The thresholds are those
that real files of known faults called for; each is a constant below.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from momentum_jax.market.bars import SESSION_OPEN_MINUTE, session_dates
from momentum_jax.market.sessions import Sessions

ERROR, EXCLUDE, WARN = "error", "exclude", "warn"
STALE_SHARE = 0.25  # of a session, in one run of bars without any movement: the feed stood still
FLAT_BARS = 15  # such a run is worth a warning
WICK_PCT = 0.5  # a wick reaches this far beyond the body, in per cent of the price …
WICK_TIMES = 8.0  # … and this many times the session's usual range of a bar
JUMP_PCT = 1.0  # a move from one bar to the next in a session …
JUMP_TIMES = 15.0  # … and this many times the session's usual move
OVERNIGHT_PCT = 15.0  # between sessions: a split or another instrument
VOLUME_TIMES = 8.0  # change of the median volume from five sessions to the next five
VOLUME_SESSIONS = 5
_FEWEST_SESSIONS = 2  # on each side of a change


class Finding(NamedTuple):
    """One thing that is wrong."""

    severity: str  # ERROR, EXCLUDE or WARN
    kind: str
    session: str | None  # ISO date; None where it concerns the whole file
    text: str


def session_table(sessions: Sessions) -> pd.DataFrame:
    """One row for each session of the calendar from the first to the last date of the bars.

    Columns: bars, expected, missing, longest_gap (bars), flat_run (bars
    without movement), wick_pct, wick_times, move_pct, move_times (of the session's median), zero_volume (bars),
    median_volume, overnight_pct, at_open (whether the first bar is there).
    """
    bars = sessions.bars
    groups: dict[Any, pd.DataFrame] = dict(iter(bars.groupby(session_dates(bars.index), sort=True)))
    previous_close, rows = np.nan, []
    for date, expected in sessions.expected.items():
        day = groups.get(date)
        rows.append(_empty_row(int(expected)) if day is None else _row(day, int(expected), previous_close))
        previous_close = previous_close if day is None else float(day["close"].iloc[-1])
    return pd.DataFrame(rows, index=sessions.expected.index)


def _empty_row(expected: int) -> dict[str, Any]:
    nothing = dict.fromkeys(("bars", "flat_run", "wick_pct", "wick_times", "move_pct", "move_times", "zero_volume"), 0)
    return nothing | {
        "expected": expected,
        "missing": expected,
        "longest_gap": expected,
        "at_open": False,
        "median_volume": np.nan,
        "overnight_pct": 0.0,
    }


def _row(day: pd.DataFrame, expected: int, previous_close: float) -> dict[str, Any]:
    opens, high, low, close, volume = (day[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    wick = 100 * np.maximum(high - np.maximum(opens, close), np.minimum(opens, close) - low) / close
    usual_range = max(float(np.median(100 * (high - low) / close)), 1e-3)
    before = np.concatenate([opens[:1], close[:-1]])
    move = 100 * np.maximum(np.abs(opens / before - 1), np.abs(close / before - 1))
    usual_move = max(float(np.median(move)), 1e-3)
    return {
        "bars": len(day),
        "expected": expected,
        "missing": expected - len(day),
        "longest_gap": _longest_gap(pd.DatetimeIndex(day.index), expected),
        "at_open": bool(_minute(pd.DatetimeIndex(day.index))[0] == SESSION_OPEN_MINUTE),
        "flat_run": _longest_run((high == low) & (close == before) & (opens == before)),
        "wick_pct": float(wick.max()),
        "wick_times": float(wick.max() / usual_range),
        "move_pct": float(move.max()),
        "move_times": float(move.max() / usual_move),
        "zero_volume": int((volume == 0).sum()),
        "median_volume": float(np.median(volume)),
        "overnight_pct": 0.0 if np.isnan(previous_close) else float(100 * (opens[0] / previous_close - 1)),
    }


def _iso(date: Any) -> str:
    return str(pd.Timestamp(date).date())


def _minute(index: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray(index.hour * 60 + index.minute)


def _longest_gap(index: pd.DatetimeIndex, expected: int) -> int:
    """Longest stretch of missing bars, also before the first and after the last one."""
    if len(index) == expected:
        return 0
    minute = _minute(index) - SESSION_OPEN_MINUTE
    step = int(np.gcd.reduce(np.diff(minute))) if len(minute) > 1 else 1
    places = np.concatenate([[-1], minute // step, [expected]])
    return int(np.diff(places).max()) - 1


def _longest_run(frozen: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], frozen.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def findings(sessions: Sessions, table: pd.DataFrame, max_move_pct: float) -> list[Finding]:
    """What the sessions and their table show, by date; findings of the whole file first.

    A wick or move of `max_move_pct` per cent within one bar is an error of the data and excludes its session.
    """
    result = [*_file_findings(table), *_calendar_findings(sessions, table)]
    for date, row in table[table["bars"] > 0].iterrows():
        result += _session_findings(_iso(date), row, max_move_pct)
    return result


def _file_findings(table: pd.DataFrame) -> list[Finding]:
    traded = table[table["bars"] > 0]
    if len(traded) and (traded["zero_volume"] == traded["bars"]).all():
        return [Finding(WARN, "no_volume", None, "no volume: the VWAP point of every setup is always won")]
    return [
        Finding(WARN, "volume_regime", date, f"median volume changes {times:.2g}-fold from this session on")
        for date, times in _volume_changes(traded["median_volume"])
    ]


def _volume_changes(median: pd.Series) -> list[tuple[str, float]]:
    """Sessions from which on the volume is another one: (date, ratio), at the largest step of each change."""
    log = np.log(median.clip(lower=1.0).to_numpy())
    places = range(_FEWEST_SESSIONS, len(log) - _FEWEST_SESSIONS + 1)
    change = {
        place: float(
            np.median(log[place : place + VOLUME_SESSIONS]) - np.median(log[max(0, place - VOLUME_SESSIONS) : place])
        )
        for place in places
    }
    sharp = [place for place in places if abs(change[place]) >= np.log(VOLUME_TIMES)]
    runs = np.split(sharp, np.flatnonzero(np.diff(sharp) > 1) + 1) if sharp else []
    steps = [max(run, key=lambda place: abs(log[place] - log[place - 1])) for run in runs]
    return [(_iso(median.index[place]), float(np.exp(change[place]))) for place in steps]


def _calendar_findings(sessions: Sessions, table: pd.DataFrame) -> list[Finding]:
    result = [
        Finding(EXCLUDE, "not_a_session", _iso(date), f"{count} bars on a day without a session")
        for date, count in sessions.off_calendar.items()
    ]
    result += [
        Finding(WARN, "padded_half_day", _iso(date), f"{count} bars after the early close: cut off")
        for date, count in sessions.after_close.items()
    ]
    absent = table.index[table["bars"] == 0]
    result += [Finding(WARN, "no_bars", str(date.date()), "a session without any bar") for date in absent]
    return result


def _session_findings(date: str, row: pd.Series, max_move_pct: float) -> list[Finding]:
    result = []

    def found(severity: str, kind: str, text: str) -> None:
        result.append(Finding(severity, kind, date, text))

    if row["missing"] > 0:
        text = f"{row['missing']:.0f} of {row['expected']:.0f} bars missing, {row['longest_gap']:.0f} in a row"
        found(WARN, "gap", text)
    if row["flat_run"] >= max(FLAT_BARS, STALE_SHARE * row["expected"]):
        found(EXCLUDE, "stale", f"{row['flat_run']:.0f} bars in a row without any movement")
    elif row["flat_run"] >= FLAT_BARS:
        found(WARN, "flat_run", f"{row['flat_run']:.0f} bars in a row without any movement")
    if row["wick_pct"] >= max_move_pct:
        found(EXCLUDE, "broken_wick", f"a wick of {row['wick_pct']:.1f} % of the price")
    elif row["wick_pct"] >= WICK_PCT and row["wick_times"] >= WICK_TIMES:
        found(WARN, "wick", f"a wick of {row['wick_pct']:.2f} %, {row['wick_times']:.0f} times a usual bar's range")
    if row["move_pct"] >= max_move_pct:
        found(EXCLUDE, "broken_move", f"a move of {row['move_pct']:.1f} % from one bar to the next")
    elif row["move_pct"] >= JUMP_PCT and row["move_times"] >= JUMP_TIMES:
        found(WARN, "jump", f"a move of {row['move_pct']:.2f} %, {row['move_times']:.0f} times a usual one")
    if abs(row["overnight_pct"]) >= OVERNIGHT_PCT:
        found(WARN, "overnight", f"opens {row['overnight_pct']:+.1f} % from the last close: a split?")
    if 0 < row["zero_volume"] < row["bars"]:
        found(WARN, "zero_volume", f"{row['zero_volume']:.0f} bars without volume")
    return result
