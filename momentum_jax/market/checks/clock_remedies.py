"""Which declaration sets a file's clock right: candidates are tried on the file itself."""

import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any

import pandas as pd

from momentum_jax.market.bars import EXCHANGE_TZ
from momentum_jax.market.checks.clock import clock_fits, hours_off
from momentum_jax.market.checks.volume_steps import volume_steps
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
# Tried last, as clocks that some files need that change to summer time like Europe, or never.
_BROKERS_ZONE = "Europe/Athens"
_OFFSETS = (-12, 14)  # hours from UTC


def clock_remedy(config: MarketConfig, symbol: str, bars: pd.DataFrame) -> str:
    """What to declare so that the file's clock fits on all dates; empty where nothing that was tried makes it fit.

    Args:
        config: sources and declarations under which the clock looks wrong.
        symbol: ticker.
        bars: what was read under them.
    """
    form = config.file_format
    for changes in _candidates(form, bars):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                source = FileSource(str(config.data_path), dataclasses.replace(form, **changes))
                moved = source.bars(symbol, config.start_date, config.end_date)
        except DataError:
            continue
        if clock_fits(moved, form.bar_minutes):
            return _advice(changes, config)
    return ""


def _candidates(form: FileFormat, bars: pd.DataFrame) -> Iterator[dict[str, Any]]:
    yield {"bar_stamp": "start" if form.bar_stamp == "end" else "end"}
    found = _hours_found(form, bars)
    zones: list[dict[str, Any]] = [{"time_zone": zone, "hours_ahead": None} for zone in (EXCHANGE_TZ, *ZONES)]
    hours: list[dict[str, Any]] = [{"hours_ahead": ahead} for ahead in found]
    # What is declared in hours is likelier to be other hours than a zone.
    yield from [*zones, *hours] if form.hours_ahead is None else [*hours, *zones]
    yield {"time_zone": _BROKERS_ZONE, "hours_ahead": None}
    for offset in dict.fromkeys(round(hours - _hours_ahead("UTC", bars)) for hours in found):
        if _OFFSETS[0] <= offset <= _OFFSETS[1] and offset != 0:
            yield {"time_zone": f"Etc/GMT{-offset:+d}", "hours_ahead": None}  # their sign is the reverse of an offset's


def _hours_found(form: FileFormat, bars: pd.DataFrame) -> list[float]:
    """Hours by which the clock may run ahead of New York's.

    Without a step of volume only bars of which none is in a session say by how much they are off, and only by whole
    hours: any first bar becomes that of 09:30 by some number of minutes.
    """
    by_volume = len(volume_steps(bars).bins) > 0
    if not by_volume and not cut_sessions(bars).bars.empty:
        return []
    # Stamps that are moments, or name an offset, were not read by the declared zone.
    known = (
        [form.hours_ahead]
        if form.hours_ahead is not None
        else [_hours_ahead(form.time_zone, bars), _hours_ahead("UTC", bars)]
    )
    # The commonest hour is that of one half of the year, where the declared clock keeps other dates than New York's.
    hours = [hours + hours_off(bars) + season for season in (0, -1, 1) for hours in known]
    return [ahead for ahead in dict.fromkeys(hours) if by_volume or ahead == round(ahead)]


def _advice(changes: dict[str, Any], config: MarketConfig) -> str:
    """The flag of the changes; hours ahead that are declared, and would go before a zone, have to be left out."""
    flags = [
        f"--file_{name}={value:g}" if name == "hours_ahead" else f"--file_{name}={value}"
        for name, value in changes.items()
        if value is not None
    ]
    dropped = "hours_ahead" in changes and changes["hours_ahead"] is None and config.file_hours_ahead is not None
    return f"{flags[0]} and leave file_hours_ahead out" if dropped else flags[0]


def _hours_ahead(zone: str, bars: pd.DataFrame) -> float:
    """Hours by which a zone is ahead of New York when the bars begin."""
    first = pd.Timestamp(bars.index[0])
    return (first.tz_convert(zone).tz_localize(None) - first.tz_localize(None)) / pd.Timedelta(hours=1)
