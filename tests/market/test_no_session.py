"""A file without a bar in any session: what it holds instead, and no declaration that would only shift it to fit."""

from __future__ import annotations

import pandas as pd
import pytest

from momentum_jax.market.dataset import inspect
from momentum_jax.market.market_options import MarketConfig
from tests.market.advice import flags_in


@pytest.fixture
def text_of(tmp_path):
    """The finding on a file of flat bars with the stamps; `zone` names the zone that they state, if any."""

    def finding(*days: str, hours: tuple[str, str], zone: str | None = None, volume: float = 1000.0, **options) -> str:
        stamps = [
            stamp for day in days for stamp in pd.date_range(f"{day} {hours[0]}", f"{day} {hours[1]}", freq="min")
        ]
        index = pd.DatetimeIndex(stamps, name="datetime").tz_localize(zone)
        columns = {"open": 100.0, "high": 100.5, "low": 99.5, "close": 100.25, "volume": volume}
        pd.DataFrame(columns, index=index).to_parquet(tmp_path / "bars.parquet")
        path = str(tmp_path / "bars.parquet")
        config = MarketConfig(data_source="parquet", data_path=path, symbols=("SPY",), **options)
        (found,) = next(iter(inspect(config))).findings
        assert (found.severity, found.kind) == ("error", "no_session")
        return found.text

    return finding


SESSION = ("09:30", "15:59")


@pytest.mark.parametrize("zone", [None, "America/New_York"])
@pytest.mark.parametrize(
    ("days", "named"),
    [
        (("2024-05-18",), "only on dates without a session, 2024-05-18 (Saturday): give bars of session dates"),
        (("2024-05-27",), "only on dates without a session, 2024-05-27 (a holiday): give bars of session dates"),
        (
            ("2024-05-18", "2024-05-19", "2024-05-27"),
            "2024-05-18 (Saturday), 2024-05-19 (Sunday), 2024-05-27 (a holiday)",
        ),
        (tuple(f"2024-06-{day:02d}" for day in (1, 2, 8, 9, 15)), "2024-06-09 (Sunday) and 1 more: give"),
    ],
)
def test_dates_without_a_session_are_named_and_no_clock_is_suspected(text_of, days, named, zone):
    text = text_of(*days, hours=SESSION, zone=zone)
    assert named in text and flags_in(text) == [] and "file_time_zone" not in text


def test_bars_after_an_early_close_are_named_as_such(text_of):
    text = text_of("2024-07-03", hours=("13:00", "15:59"))
    assert "only after an early close, 2024-07-03 (at 13:00)" in text and flags_in(text) == []


@pytest.mark.parametrize("hours", [("16:00", "19:59"), ("16:05", "17:30"), ("04:00", "09:29"), ("07:00", "09:15")])
@pytest.mark.parametrize("volume", [0.0, 1000.0])
def test_extended_hours_alone_are_not_moved_into_a_session(text_of, hours, volume):
    text = text_of("2024-05-14", "2024-05-15", hours=hours, volume=volume)
    assert f"all bars start from {hours[0]} to {hours[1]}, as extended hours alone" in text
    assert flags_in(text) == [] and "file_time_zone" not in text


@pytest.mark.parametrize(
    ("hours", "advice"),
    [(("16:30", "18:29"), "--file_hours_ahead=7"), (("22:30", "23:59"), "--file_time_zone=Asia/Tokyo")],
)
def test_sessions_of_another_clock_still_get_a_remedy(text_of, hours, advice):
    assert flags_in(text_of("2024-05-14", "2024-05-15", hours=hours)) == [advice]


def test_hours_ahead_that_no_clock_runs_are_not_named(text_of):
    """Any first bar becomes that of 09:30 by some number of minutes."""
    text = text_of("2024-05-14", "2024-05-15", hours=("20:17", "22:00"))
    assert flags_in(text) == [] and "check the time zone of the stamps" in text


def test_a_clock_that_would_only_lead_to_a_saturday_is_not_named(text_of):
    text = text_of("2024-05-18", hours=("22:30", "23:59"))  # 09:30 to 10:59 if it is Tokyo's
    assert flags_in(text) == [] and "check the time zone of the stamps" in text


def test_a_remedy_that_leaves_the_finding_is_none(tmp_path):
    """Five sessions lack their first and last half hour under the clock that is declared, and a minute on, too."""
    days = [(f"2024-05-{day}", "11:00", "12:00") for day in range(13, 18)] + [("2024-05-20", *SESSION)]
    stamps = [
        stamp for day, start, end in days for stamp in pd.date_range(f"{day} {start}", f"{day} {end}", freq="min")
    ]
    columns = {"open": 100.0, "high": 100.5, "low": 99.5, "close": 100.25, "volume": 1000.0}
    pd.DataFrame(columns, index=pd.DatetimeIndex(stamps, name="datetime")).to_parquet(tmp_path / "bars.parquet")
    config = MarketConfig(data_source="parquet", data_path=str(tmp_path / "bars.parquet"), symbols=("SPY",))
    (text,) = [found.text for found in next(iter(inspect(config))).findings if found.kind == "clock"]
    assert "the open and the close among them; see file_time_zone" in text and flags_in(text) == []


def test_the_references_clock_names_its_own_hours(text_of):
    text = text_of("2024-05-14", hours=("13:00", "15:59"), session_clock="naive_utc")
    assert text.startswith(
        "no bar starts from 09:30 to 16:00 UTC, which session_clock=naive_utc takes for a session: use exchange"
    )
