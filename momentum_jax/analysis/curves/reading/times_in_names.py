"""Dates, clocks and other stamps with which loggers make the name of a run its own."""

from __future__ import annotations

import re

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_HOUR, _SIXTY = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
# 12-30-45 and the like on its own; behind a date also 123045, 12_30_45 and 12-30.
_CLOCK = rf"{_HOUR}(?P<c{{0}}>[-:.]){_SIXTY}(?P=c{{0}}){_SIXTY}"
_DATED_CLOCK = rf"{_HOUR}(?:[-:.h]{_SIXTY}(?:[-:.m]{_SIXTY})?|{_SIXTY}{_SIXTY}|_{_SIXTY}_{_SIXTY})(?:\.\d+)?"
_DATE = (
    rf"20\d\d(?P<y>[-_.]?){_MONTH}(?P=y){_DAY}|\d\d(?P<s>[-.]){_MONTH}(?P=s){_DAY}"
    rf"|{_DAY}(?P<d>[-.]){_MONTH}(?P=d)20\d\d"
)
_STAMP = "|".join(
    (
        rf"(?:{_DATE})(?:[T\s_/.-]*{_DATED_CLOCK})?",
        rf"(?<![A-Za-z])(?:{_MONTHS})[\s_-]?\d\d[\s_-]{_CLOCK.format(1)}",  # TensorBoard's: May01_12-30-45
        _CLOCK.format(2),
        r"1\d{9}(?:\d{3})?(?:\.\d+)?",  # seconds or milliseconds since 1970
        # Ray Tune calls a trial by a random word, its place in the list and that place once more: 84a1d_00000_0.
        r"(?<![^\W_])[\da-f]{5,8}_\d{5}(?:_\d{1,4}(?=_|$))?",
    )
)
# A number that is called a seed is one; the digits behind a decimal point are those of a setting.
_TIME = re.compile(
    rf"(?P<seed>(?<![A-Za-z])seeds?[\s_=:.-]*\d+)|[\s_=:.,/|-]*(?<!\d)(?<!\d\.)(?P<time>{_STAMP})(?!\d)", re.IGNORECASE
)


def without_times(name: str) -> str:
    """A name without its dates, clocks and stamps, and without the separators that they leave at its ends."""
    if not any(match["time"] for match in _TIME.finditer(name)):
        return name
    return _TIME.sub(lambda match: match["seed"] or "", name).strip(" _=:.,/|-")


def parts_a_time(name: str, span: tuple[int, int]) -> bool:
    """Whether a number, by where it begins and ends in the name, is a part of a date or clock rather than all of it."""
    times = (match.span("time") for match in _TIME.finditer(name) if match["time"])
    return any(start <= span[0] and span[1] <= end and (start, end) != span for start, end in times)
