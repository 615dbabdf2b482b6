"""Bars that were fetched from a vendor, kept in Parquet files with a manifest of their SHA-256."""

import hashlib
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from momentum_jax.market.errors import DataError

_MANIFEST = "manifest.json"


class BarCache:
    """One symbol's fetched stretches of dates, one Parquet file each, in `root`/vendor/symbol.

    A file and its line of the manifest are each written aside and renamed: what is broken off leaves everything
    that was stored before.
    """

    def __init__(self, root: str | Path, vendor: str, symbol: str):
        self._folder = Path(root) / vendor / symbol.replace(":", "_")

    def get(self, first: date, last: date) -> pd.DataFrame | None:
        """The bars stored for first … last, None where that stretch is not stored.

        Raises:
            DataError: where a file is gone or is not what was stored.
        """
        entry = self._manifest().get(_name(first, last))
        if entry is None:
            return None
        path = self._folder / _name(first, last)
        remedy = f"delete {path.name} and its entry in {self._folder / _MANIFEST}, and it is fetched again"
        if not path.is_file():
            raise DataError(f"{path}: is in the manifest but missing: {remedy}")
        if _sha256(path) != entry["sha256"]:
            raise DataError(f"{path}: is not what was stored (SHA-256 differs from the manifest's): {remedy}")
        return pd.read_parquet(path)

    def put(self, first: date, last: date, bars: pd.DataFrame) -> None:
        """Stores the bars of first … last."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _name(first, last)
        aside = path.with_suffix(".tmp")
        bars.to_parquet(aside)
        entry = {"sha256": _sha256(aside), "bars": len(bars)}
        os.replace(aside, path)
        manifest = self._manifest() | {path.name: entry}
        aside = self._folder / "manifest.tmp"
        aside.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(aside, self._folder / _MANIFEST)

    def _manifest(self) -> dict[str, dict[str, Any]]:
        path = self._folder / _MANIFEST
        if not path.is_file():
            return {}
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{path}: is no manifest ({error}): delete this folder, and it is fetched again") from None


def _name(first: date, last: date) -> str:
    return f"{first}_{last}.parquet"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
