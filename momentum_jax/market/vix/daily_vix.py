"""The daily VIX: its closes, read with a remedy where the file is refused, and the sessions that it leaves out."""

from pathlib import Path

import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.vix.vix_file import read_vix, vix_format
from momentum_jax.market.vix.vix_suggestions import vix_suggestion


def load_vix(path: str | Path, form: FileFormat | None = None) -> pd.Series:
    """Reads the daily VIX closes of a file with a date and a close column (Parquet by suffix, else CSV).

    Cboe's history file (month/day/year) and FRED's VIXCLS (days without a close are left out) are read as they are.
    A row's date is taken as written; of a Unix stamp the UTC date. Rows may run from the newest to the oldest.

    Args:
        path: the file.
        form: how it is written, where it is written otherwise.

    Returns:
        float64 series of closes, in VIX points, indexed by naive exchange date (nanoseconds), ascending.

    Raises:
        DataError: also on a close that cannot be a VIX (see `vix_range`), on unsorted or repeated dates, and on dates
            that are a day early.
    """
    declared = vix_format(path, form)
    try:
        return read_vix(path, declared)
    except DataError as error:
        raise DataError(f"{error}{vix_suggestion(path, declared)}") from None


def missing_days(vix: pd.Series, sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The sessions (naive dates) that have no VIX close."""
    return sessions[~sessions.isin(vix.index)]
