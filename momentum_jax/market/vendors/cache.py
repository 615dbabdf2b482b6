"""Bars that were fetched from a vendor: Parquet files with a manifest of their SHA-256, dates and state of adjustment.

Vendors restate earlier prices after a split. So the manifest says of each file between which moments its prices are
known to be what the vendor states: from `fetched` to `agreed`. Files whose spans share a moment can be joined.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.files.file_contents import expand_home
from momentum_jax.market.vendors.symbols import file_name

_MANIFEST = "manifest.json"
_VERSION = 2  # files of version 1 do not say when they were fetched, so they are fetched again


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stored stretch of exchange dates.

    Attributes:
        first, last: the dates that the vendor was asked for, both inclusive.
        sha256: of the file, in hex.
        bars: how many there are.
        fetched: when the vendor was asked.
        agreed: when the prices last were what the vendor states; `fetched` or later.
        incomplete: sessions that lack many of their bars, and may get them later.
    """

    first: date
    last: date
    sha256: str
    bars: int
    fetched: datetime
    agreed: datetime
    incomplete: tuple[date, ...] = ()

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.first}_{self.last}.parquet"


class BarCache:
    """One symbol's stretches, one file each, in `root`/vendor/symbol. No two of them hold the same date.

    A file and the manifest are each written aside, under a name that no other process uses, and renamed: what is
    broken off leaves everything that was stored before. Hold `locked` around everything else.
    """

    def __init__(self, root: str | Path, vendor: str, symbol: str):
        self._folder = expand_home(root) / vendor / file_name(symbol)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time: whoever comes second waits, and then finds what the first has fetched.

        Raises:
            DataError: the folder cannot be made.
        """
        with self._explained():
            self._folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:  # a cache that may only be read changes under nobody
            yield
            return
        try:
            if _wait_for(descriptor, self._folder):
                for leftover in self._folder.glob(".*.tmp"):
                    leftover.unlink(missing_ok=True)
            yield
        finally:
            os.close(descriptor)

    def stretches(self) -> list[Stretch]:
        """What is stored, in order of time.

        Raises:
            DataError: the manifest cannot be read.
        """
        path = self._folder / _MANIFEST
        if not path.is_file():
            return []
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.get("version") != _VERSION:
                return []
            stored = [_from_json(entry) for entry in content["stretches"]]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path}: is no manifest ({error}): delete this folder, and it is fetched again") from None
        return sorted(stored, key=lambda stretch: stretch.first)

    def read(self, stretch: Stretch) -> pd.DataFrame:
        """The bars of a stored stretch.

        Raises:
            DataError: the file is gone or is not what was stored.
        """
        path = self._folder / stretch.name
        remedy = f"delete the folder {self._folder}, and it is fetched again"
        if not path.is_file():
            raise DataError(f"{path}: is in the manifest but missing: {remedy}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != stretch.sha256:
            raise DataError(f"{path}: is not what was stored (SHA-256 differs from the manifest's): {remedy}")
        return pd.read_parquet(path)

    def put(
        self, first: date, last: date, bars: pd.DataFrame, fetched: datetime, incomplete: Iterable[date] = ()
    ) -> None:
        """Stores the bars of first … last, in place of an earlier answer for the same dates.

        Raises:
            DataError: it cannot be written.
        """
        stored = self.stretches()
        others = [stretch for stretch in stored if (stretch.first, stretch.last) != (first, last)]
        path = self._folder / f"{first}_{last}.parquet"
        with self._explained():
            # Without its line first, so that what breaks off between the two is fetched again and not found damaged.
            if len(others) < len(stored):
                self._write_manifest(others)
            _write_aside(path, bars.to_parquet)
            stretch = Stretch(
                first=first,
                last=last,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                bars=len(bars),
                fetched=fetched,
                agreed=fetched,
                incomplete=tuple(incomplete),
            )
            self._write_manifest([*others, stretch])

    def update(self, changed: Iterable[Stretch]) -> None:
        """Replaces what the manifest says of stretches; their files stay.

        Raises:
            DataError: it cannot be written.
        """
        by_name = {stretch.name: stretch for stretch in self.stretches()}
        with self._explained():
            self._write_manifest(list((by_name | {stretch.name: stretch for stretch in changed}).values()))

    def _write_manifest(self, stored: list[Stretch]) -> None:
        ordered = sorted(stored, key=lambda stretch: stretch.first)
        content = {"version": _VERSION, "stretches": [_to_json(stretch) for stretch in ordered]}
        text = json.dumps(content, indent=1) + "\n"
        _write_aside(self._folder / _MANIFEST, lambda path: path.write_text(text, encoding="utf-8"))

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise DataError(
                f"{self._folder}: cannot be written ({reason}): make room, or choose another cache_path"
            ) from None


def _wait_for(descriptor: int, folder: Path) -> bool:
    """Whether the lock is held now; without locks, as on some network file systems, False at once.

    Names are unique and renames whole, so the worst there is a second request.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{folder}: another process is fetching; waiting for it", file=sys.stderr)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _write_aside(path: Path, write: Callable[[Path], Any]) -> None:
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        write(aside)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _to_json(stretch: Stretch) -> dict[str, Any]:
    plain = dataclasses.asdict(stretch) | {"incomplete": [str(day) for day in stretch.incomplete]}
    return {name: value.isoformat() if isinstance(value, date | datetime) else value for name, value in plain.items()}


def _from_json(entry: dict[str, Any]) -> Stretch:
    dates = {name: date.fromisoformat(entry[name]) for name in ("first", "last")}
    moments = {name: datetime.fromisoformat(entry[name]) for name in ("fetched", "agreed")}
    incomplete = tuple(date.fromisoformat(day) for day in entry["incomplete"])
    return Stretch(**(entry | dates | moments | {"incomplete": incomplete}))
