"""Which declaration sets a file's clock right: candidates are tried on the file itself."""

import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any

import pandas as pd

from momentum_jax.market.bars import EXCHANGE_TZ
from momentum_jax.market.checks.clock import clock_fits, hours_off, volume_steps
from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sessions import cut_sessions
from momentum_jax.market.sources import FileSource

ZONES = (
    "UTC",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Hong_Kong",
    "Asia/Tokyo",
    "Australia/Sydney",
)


def clock_remedy(config: MarketConfig, symbol: str, bars: pd.DataFrame) -> str:
    """The declaration under which the file's clock fits, as a flag; empty where none of those tried does.

    Args:
        config: sources and declarations under which the clock looks wrong.
        symbol: ticker.
        bars: what was read under them.
    """
    form = config.file_format
    # Without a step of volume only bars of which none is in a session say by how much they are off.
    guess_hours = len(volume_steps(bars).bins) > 0 or cut_sessions(bars).bars.empty
    for flag, changes in _candidates(form, bars, guess_hours):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                source = FileSource(str(config.data_path), dataclasses.replace(form, **changes))
                moved = source.bars(symbol, config.start_date, config.end_date)
        except DataError:
            continue
        if clock_fits(moved, form.bar_minutes):
            return flag
    return ""


def _candidates(form: FileFormat, bars: pd.DataFrame, guess_hours: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    other = "start" if form.bar_stamp == "end" else "end"
    yield f"--file_bar_stamp={other}", {"bar_stamp": other}
    if form.hours_ahead is None:
        for zone in (EXCHANGE_TZ, *ZONES):
            yield f"--file_time_zone={zone}", {"time_zone": zone}
    # Stamps that are moments, or name an offset, were not read by the declared zone.
    known = (
        [form.hours_ahead]
        if form.hours_ahead is not None
        else [_hours_ahead(form.time_zone, bars), _hours_ahead("UTC", bars)]
    )
    # The commonest hour is that of one half of the year, where the declared clock keeps other dates than New York's.
    found = [hours + hours_off(bars) + season for season in (0, -1, 1) for hours in known]
    for ahead in dict.fromkeys(found if guess_hours else []):
        yield f"--file_hours_ahead={ahead:g}", {"hours_ahead": ahead}


def _hours_ahead(zone: str, bars: pd.DataFrame) -> float:
    """Hours by which a zone is ahead of New York when the bars begin."""
    first = pd.Timestamp(bars.index[0])
    return (first.tz_convert(zone).tz_localize(None) - first.tz_localize(None)) / pd.Timedelta(hours=1)
