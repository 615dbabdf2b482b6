"""Time formats that a sample of stamps may be written in."""

import re
from collections.abc import Sequence
from datetime import datetime

_ISO = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}.*"
_UNIX_DIGITS = {10: "unix_s", 13: "unix_ms", 16: "unix_us", 19: "unix_ns"}
# Month first is tried before day first, as American files have it.
_DATES = {
    "%Y-%m-%d": r"\d{4}-\d\d?-\d\d?",
    "%Y/%m/%d": r"\d{4}/\d\d?/\d\d?",
    "%Y.%m.%d": r"\d{4}\.\d\d?\.\d\d?",
    "%Y%m%d": r"\d{8}",
    "%m/%d/%Y": r"\d\d?/\d\d?/\d{4}",
    "%d/%m/%Y": r"\d\d?/\d\d?/\d{4}",
    "%d.%m.%Y": r"\d\d?\.\d\d?\.\d{4}",
    "%m-%d-%Y": r"\d\d?-\d\d?-\d{4}",
    "%d-%m-%Y": r"\d\d?-\d\d?-\d{4}",
    "%m/%d/%y": r"\d\d?/\d\d?/\d\d",
    "%d/%m/%y": r"\d\d?/\d\d?/\d\d",
    "%d.%m.%y": r"\d\d?\.\d\d?\.\d\d",
    "%d-%b-%Y": r"\d\d?-[A-Za-z]{3}-\d{4}",
    "%d %b %Y": r"\d\d? [A-Za-z]{3} \d{4}",
    "%b %d %Y": r"[A-Za-z]{3} \d\d? \d{4}",
    "%b %d, %Y": r"[A-Za-z]{3} \d\d?, \d{4}",
}
_TIMES = {
    "%H:%M:%S.%f": r"\d\d?:\d\d:\d\d\.\d{1,6}",
    "%H:%M:%S": r"\d\d?:\d\d:\d\d",
    "%H:%M": r"\d\d?:\d\d",
    "%I:%M:%S %p": r"\d\d?:\d\d:\d\d [AaPp][Mm]",
    "%I:%M %p": r"\d\d?:\d\d [AaPp][Mm]",
    "%H.%M.%S": r"\d\d?\.\d\d\.\d\d",
    "%H.%M": r"\d\d?\.\d\d",
    "%H%M%S": r"\d{6}",
    "%H%M": r"\d{4}",
}
_ZONES = {"": "", " %z": r" (?:Z|[+-]\d\d:?\d\d)", "%z": r"(?:Z|[+-]\d\d:?\d\d)", " %Z": r" [A-Za-z][\w+/-]*"}
_GAPS = (" ", "T", "-", ", ", "")
_YEARS = (1985, 2100)


def time_forms(texts: Sequence[str], needs_time: bool = True) -> list[str]:
    """Values of `file_time_format` that fit all texts, the likeliest first.

    Args:
        texts: stamps as the file has them.
        needs_time: whether a stamp must hold a time of day; without it only dates are looked for.
    """
    texts = [re.sub(r"\s+", " ", text.strip()) for text in texts]
    if needs_time and all(re.fullmatch(_ISO, text) for text in texts):
        return ["iso"]
    lengths = {len(text) if text.isdigit() else 0 for text in texts}
    if len(lengths) == 1 and lengths <= set(_UNIX_DIGITS):
        return [_UNIX_DIGITS[lengths.pop()]]
    shaped = (
        _clocks(texts[0]) if needs_time else [form for form, date in _DATES.items() if re.fullmatch(date, texts[0])]
    )
    return [form for form in shaped if all(_fits(text, form) for text in texts)]


def _clocks(text: str) -> list[str]:
    """Patterns of date and time that have the text's shape."""
    begun = [(form, text[match.end() :]) for form, shape in _DATES.items() if (match := re.match(shape, text))]
    return [
        f"{date}{gap}{time}{zone}"
        for date, rest in begun
        for gap in _GAPS
        if rest.startswith(gap)
        for time, time_shape in _TIMES.items()
        for zone, zone_shape in _ZONES.items()
        if re.fullmatch(time_shape + zone_shape, rest[len(gap) :])
    ]


def _fits(text: str, pattern: str) -> bool:
    if "%Z" in pattern:
        text, pattern = text.rpartition(" ")[0], pattern.removesuffix(" %Z")
    try:
        return _YEARS[0] <= datetime.strptime(text, pattern).year <= _YEARS[1]
    except ValueError:
        return False
