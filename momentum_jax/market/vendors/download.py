"""What it takes to serve some dates of one symbol from a vendor: what is missing is fetched, what is stored is trusted.

Three things can be wrong with stored bars: they do not reach the dates, a session is not whole, or the vendor has
restated its prices since (a split). Each is put right here, so that no segment holds prices of two adjustments.
"""

import dataclasses
import warnings
from collections.abc import Callable
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from momentum_jax.market.bars import SESSION_OPEN_MINUTE, session_dates, validate_bars
from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.sessions import close_minutes, cut_sessions
from momentum_jax.market.vendors.cache import BarCache, Stretch
from momentum_jax.market.vendors.protocol import MONTH_DAYS, Vendor

_WHOLE_SHARE = 0.95  # of a session's minutes; thinly traded ones lack some
_SETTLED_AFTER = timedelta(days=1)  # two answers so far apart that agree are the vendor's last word
_TICK = timedelta(microseconds=1)
_SAME_PRICE = 1e-3  # relative; far below any split, above a corrected print


class Download:
    """The stretches of one symbol; to be used while its cache is locked.

    Args:
        vendor: where bars come from.
        cache: the symbol's cache.
        symbol: as `symbols.vendor_symbol` spells it.
        now: the present moment, with a zone.
    """

    def __init__(self, vendor: Vendor, cache: BarCache, symbol: str, now: Callable[[], datetime]):
        self._vendor = vendor
        self._cache = cache
        self._symbol = symbol
        self._now = now

    def frames(self, first: date, last: date, refresh: bool) -> list[pd.DataFrame]:
        """The bars of the stretches that hold the dates first … last, on one adjustment, in order of time.

        Args:
            first, last: exchange dates, both inclusive.
            refresh: whether sessions that are stored as incomplete are fetched again.

        Raises:
            DataError: on an answer that lacks sessions, is damaged, or cannot be had.
        """
        for stretch in self._used(first, last) if refresh else []:
            if any(first <= day <= last for day in stretch.incomplete):
                self._fetch_again(stretch)
        self._fill(first, last)
        self._put_on_one_basis(first, last)
        used = self._used(first, last)
        self._report_incomplete([day for stretch in used for day in stretch.incomplete if first <= day <= last])
        return [self._cache.read(stretch) for stretch in used]

    def _used(self, first: date, last: date) -> list[Stretch]:
        return [stretch for stretch in self._cache.stretches() if stretch.first <= last and stretch.last >= first]

    def _fill(self, first: date, last: date) -> None:
        """Fetches the dates that are not stored, no others: what lies beside them may be out of the vendor's reach."""
        begin = first
        for stretch in self._used(first, last):
            self._fetch_all(begin, stretch.first - timedelta(days=1))
            begin = stretch.last + timedelta(days=1)
        self._fetch_all(begin, last)

    def _fetch_all(self, first: date, last: date) -> None:
        for begin, end in stretches(first, last, self._vendor.stretch_days):
            if len(_expected(begin, end)):
                self._store(begin, end)

    def _store(self, first: date, last: date) -> None:
        moment = self._moment()
        bars = self._fetch(first, last)
        self._cache.put(first, last, bars, moment, _short_sessions(bars, first, last))

    def _fetch_again(self, stretch: Stretch) -> None:
        """Takes a fuller answer in place of an incomplete one; keeps what is stored where none can be had."""
        moment = self._moment()
        try:
            bars = self._fetch(stretch.first, stretch.last)
        except DataError as error:
            warnings.warn(f"incomplete sessions could not be fetched again: {error}", DataWarning, stacklevel=2)
            return
        if len(cut_sessions(bars).bars) > len(cut_sessions(self._cache.read(stretch)).bars):
            short = _short_sessions(bars, stretch.first, stretch.last)
            self._cache.put(stretch.first, stretch.last, bars, moment, short)
        elif moment - stretch.fetched >= _SETTLED_AFTER:
            self._cache.update([dataclasses.replace(stretch, incomplete=())])

    def _put_on_one_basis(self, first: date, last: date) -> None:
        """Fetches again what was stored before the vendor restated its prices.

        A stretch's prices are the vendor's from `fetched` to `agreed`. One session of the stalest is asked for again:
        if it still reads the same, nothing was restated since, and all that was fetched since agrees with it.
        """
        for _ in range(3 * len(self._used(first, last)) + 3):
            used = self._used(first, last)
            stalest = min((stretch.agreed for stretch in used), default=None)
            if stalest is None or stalest >= max(stretch.fetched for stretch in used):
                return
            # All that agreed at one moment is on one basis: the newest of it is the likeliest to be in reach.
            known = [stretch for stretch in self._cache.stretches() if stretch.agreed == stalest and stretch.bars]
            if not self._still_agrees(known[-1]):
                for stretch in (each for each in used if each.fetched <= stalest):
                    self._store(stretch.first, stretch.last)
        raise DataError(
            f"{self._vendor.name}: prices of {self._symbol} changed again and again while they were fetched: try again"
        )

    def _still_agrees(self, stretch: Stretch) -> bool:
        """Whether the vendor states the same prices for the stretch's last session; if so, the manifest says so."""
        moment = self._moment()
        stored = self._cache.read(stretch)
        day = session_dates(stored.index)[-1].date()
        ratios = (self._fetch(day, day)["close"] / stored["close"]).dropna()
        if ratios.empty:
            raise DataError(
                f"{self._vendor.name}: {self._symbol}: no bar of {day} is both stored and in the new answer, so that "
                f"splits since then cannot be seen: try again, or use another cache_path"
            )
        ratio = float(np.median(ratios))
        if abs(ratio - 1) <= _SAME_PRICE:
            since = [other for other in self._cache.stretches() if other.agreed >= stretch.fetched]
            self._cache.update(dataclasses.replace(other, agreed=moment) for other in since)
            return True
        text = f"prices of {self._symbol} are {ratio:.6g} times what was stored (a split?): fetched again"
        warnings.warn(f"{self._vendor.name}: {text}", DataWarning, stacklevel=2)
        return False

    def _moment(self) -> datetime:
        """The present, but after everything stored: a clock that was set back must not reverse their order."""
        return max([self._now(), *(stretch.agreed + _TICK for stretch in self._cache.stretches())])

    def _fetch(self, first: date, last: date) -> pd.DataFrame:
        bars = self._vendor.fetch(self._symbol, first, last)
        self._check_dates(bars, first, last)
        if bars.empty:
            return bars
        return validate_bars(bars, source=f"{self._vendor.name}, {self._symbol}")

    def _check_dates(self, fetched: pd.DataFrame, first: date, last: date) -> None:
        """An answer can be cut short without saying so: every session has to have bars, and no other date."""
        sessions = pd.DatetimeIndex(_expected(first, last).index)
        name, asked, limits = self._vendor.name, f"{self._symbol} from {first} to {last}", self._vendor.limits
        if fetched.empty and len(sessions):
            raise DataError(f"{name}: no bars in the answer for {asked}, which has {len(sessions)} sessions: {limits}")
        if fetched.empty:
            return
        dates = session_dates(fetched.index)
        if dates[0] < pd.Timestamp(first) or dates[-1] > pd.Timestamp(last):
            raise DataError(
                f"{name}: asked for {asked}, but the answer covers {dates[0].date()} to {dates[-1].date()}: "
                f"nothing of it was stored, try again"
            )
        absent = sessions[~sessions.isin(dates)]
        if len(absent):
            raise DataError(
                f"{name}: the answer for {asked} has no bars of {len(absent)} of {len(sessions)} sessions, the first "
                f"{absent[0].date()}: nothing of it was stored; try again, or ask for others: {limits}"
            )

    def _report_incomplete(self, days: list[date]) -> None:
        if days:
            shown = ", ".join(str(day) for day in days[:3]) + (", …" if len(days) > 3 else "")
            warnings.warn(
                f"{self._vendor.name}: {len(days)} sessions of {self._symbol} lack over {1 - _WHOLE_SHARE:.0%} of "
                f"their bars ({shown}): they are fetched again next time",
                DataWarning,
                stacklevel=2,
            )


def stretches(first: date, last: date, days: int) -> list[tuple[date, date]]:
    """Stretches that cover first … last and nothing else, each within a calendar month or a block of `days` days."""
    result = []
    begin = first
    while begin <= last:
        if days >= MONTH_DAYS:
            after = (begin.replace(day=1) + timedelta(days=MONTH_DAYS + 1)).replace(day=1)
        else:
            after = date.fromordinal((begin.toordinal() // days + 1) * days)
        result.append((begin, min(after - timedelta(days=1), last)))
        begin = after
    return result


def _expected(first: date, last: date) -> pd.Series:
    """Bars of each whole session of first … last."""
    return close_minutes(pd.Timestamp(first), pd.Timestamp(last)) - SESSION_OPEN_MINUTE


def _short_sessions(bars: pd.DataFrame, first: date, last: date) -> list[date]:
    expected = _expected(first, last)
    regular = session_dates(cut_sessions(bars).bars.index)
    found = regular.value_counts().reindex(expected.index, fill_value=0)
    return [day.date() for day in expected.index[found.to_numpy() < _WHOLE_SHARE * expected.to_numpy()]]
