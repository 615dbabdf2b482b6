"""Zones by the names that stamps give them, and where in a stamp they stand."""

import re
import zoneinfo
from datetime import UTC, timedelta, timezone, tzinfo

# Names that RFC 5322 (4.3) gives a fixed offset; files mean those of North America by them.
_OFFSETS = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_UTC_NAMES = ("UTC", "GMT", "Z")
_FORMS = {"%Z": r"[A-Za-z][\w+/-]*", "%z": r"Z|[+-]\d{2}:?\d{2}"}


def zone_of(name: str) -> tzinfo | None:
    """The zone of an IANA name or of a usual abbreviation such as EST; None where nobody knows it."""
    if name.upper() in _UTC_NAMES:
        return UTC
    if name.upper() in _OFFSETS:
        return timezone(timedelta(hours=_OFFSETS[name.upper()]), name)
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return None


def zone_expression(pattern: str, directive: str) -> str:
    """A regular expression that splits a stamp of a strptime pattern at its %Z or %z: groups before, zone, after."""
    before, after = (_expression(part) for part in pattern.split(directive, 1))
    return rf"^(?P<before>{before})(?P<zone>{_FORMS[directive]})(?P<after>{after})$"


def _expression(part: str) -> str:
    pieces = re.split(r"(%[A-Za-z%])", part)
    return "".join(".+?" if piece.startswith("%") else re.escape(piece) for piece in pieces)
