"""Whether the day or the month comes first: 03/04/2024 is 4 March or 3 April, and both patterns read it."""

import re
import shlex

_TWO_READINGS = re.compile(r"%([dm])([/-])%(?!\1)([dm])(?=\2%[Yy])")  # with dots the day comes first everywhere


def other_reading(pattern: str) -> str:
    """The time format with day and month exchanged; empty where a format has one reading."""
    return _TWO_READINGS.sub(r"%\3\2%\1", pattern) if _TWO_READINGS.match(pattern) else ""


def time_format_flag(prefix: str, pattern: str) -> str:
    """The declaration of a time format, as a shell takes it."""
    return shlex.quote(f"--{prefix}_time_format={pattern}")


def either(prefix: str, pattern: str) -> str:
    """What to add to advice that declares one of two readings where the other one fits as well."""
    other = other_reading(pattern)
    first = "month" if other.startswith("%m") else "day"
    return f", or {time_format_flag(prefix, other)} if the {first} comes first: the file alone cannot tell"
