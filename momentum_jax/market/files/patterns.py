"""Time patterns as strptime knows them: which ones name a moment (imports neither jax nor pandas)."""

import re
from datetime import UTC, datetime

from momentum_jax.market.errors import DataError

# Day, month, hours of two forms and minute all differ, so that a pattern that loses one of them shows.
_PROBE = datetime(2024, 11, 23, 14, 35, tzinfo=UTC)


def check_pattern(name: str, pattern: str, others: str) -> None:
    """Refuses a pattern that is none, or that loses a part of the date or the time of day.

    Args:
        name: the flag that gives it.
        pattern: what it is set to.
        others: values that are not patterns, for the message.

    Raises:
        DataError: naming the flag, what is wrong and a value that works.
    """
    if "%" not in pattern:
        raise DataError(f"{name} is {pattern!r}: use {others}, or a pattern such as %Y%m%d %H%M%S")
    if "%p" in pattern and "%H" in pattern:
        raise DataError(f"{name} is {pattern!r}: %H counts 24 hours, so that %p would be ignored: use %I with %p")
    if "%I" in pattern and "%p" not in pattern:
        raise DataError(f"{name} is {pattern!r}: %I counts 12 hours: add %p for AM or PM, or use %H")
    try:
        read = datetime.strptime(_PROBE.strftime(pattern), pattern)
    except ValueError as error:
        raise DataError(f"{name} is {pattern!r}, which cannot be read ({error}): use e.g. %Y%m%d %H:%M:%S") from None
    if (read.year, read.month, read.day) != (_PROBE.year, _PROBE.month, _PROBE.day):
        raise DataError(f"{name} is {pattern!r}, which holds no whole date: add year, month and day, e.g. %Y-%m-%d")
    if (read.hour, read.minute) not in ((0, 0), (_PROBE.hour, 0), (_PROBE.hour, _PROBE.minute)):
        raise DataError(f"{name} is {pattern!r}, which loses a part of the time of day: use %H:%M, or %I:%M %p")


def names_utc(pattern: str) -> bool:
    """Whether the pattern ends with a literal Z, UTC or GMT, which says the zone but is not read."""
    return re.search(r"(?<!%)(Z|UTC|GMT)$", pattern) is not None
