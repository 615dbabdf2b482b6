"""The cache of a vendor's bars: whoever fetches at once loses nothing, what is damaged is not stored."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd
import pytest

from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.vendors.cache import BarCache
from momentum_jax.market.vendors.vendor_source import VendorSource
from tests.market.stand_in_vendor import NOW, StandIn, Unreachable


def test_whoever_fetches_at_once_asks_once_and_loses_nothing(tmp_path):
    class Slow(StandIn):
        def fetch(self, symbol, first, last):
            time.sleep(0.05)
            log.append((symbol, str(first)))
            return super().fetch(symbol, first, last)

    log: list[tuple[str, str]] = []

    def fetch(symbol: str) -> int:
        source = VendorSource(Slow(), str(tmp_path), now=lambda: NOW)
        return len(source.bars(symbol, "2024-04-24", "2024-05-08"))

    # Each opens the lock for itself, so threads exclude each other as processes do.
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(fetch, ["SPY", "SPY", "QQQ", "SPY", "QQQ", "SPY"])) == [11 * 390] * 6
    days = ("2024-04-24", "2024-05-01", "2024-04-30")
    assert sorted(log) == sorted((symbol, day) for symbol in ("SPY", "QQQ") for day in days)
    for symbol in ("SPY", "QQQ"):
        manifest = json.loads((tmp_path / "standin" / symbol / "manifest.json").read_text())
        assert len(manifest["stretches"]) == 2


def test_two_writers_of_one_stretch_do_not_take_each_others_files(tmp_path):
    """As on a file system without locks: a second writer begins and ends while the first one writes."""
    frame = StandIn().fetch("SPY", date(2024, 5, 13), date(2024, 5, 13))
    first, second = BarCache(tmp_path, "standin", "SPY"), BarCache(tmp_path, "standin", "SPY")

    class Interrupted(pd.DataFrame):
        def to_parquet(self, path):
            frame.to_parquet(path)
            second.put(date(2024, 5, 13), date(2024, 5, 13), frame, NOW)

    with first.locked():
        first.put(date(2024, 5, 13), date(2024, 5, 13), Interrupted(frame), NOW)
        (stored,) = first.stretches()
        assert first.read(stored).equals(frame)


def test_what_a_killed_process_left_is_removed_and_an_older_manifest_is_fetched_again(vendor, bars, tmp_path):
    folder = tmp_path / "cache" / "standin" / "SPY"
    folder.mkdir(parents=True)
    (folder / ".2024-05-13_2024-05-13.parquet.0123.tmp").write_bytes(b"half")
    (folder / "manifest.json").write_text('{"2024-05-13_2024-05-13.parquet": {"sha256": "x", "bars": 3}}')
    assert len(bars("2024-05-13", "2024-05-13")) == 390
    assert not list(folder.glob(".*.tmp"))


def test_a_folder_that_cannot_be_written_is_said(vendor, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be written .*choose another cache_path"):
        VendorSource(vendor, str(tmp_path / "file"), now=lambda: NOW).bars("SPY", "2024-05-13", "2024-05-13")


def test_a_further_process_does_not_ask_again_for_what_is_incomplete(vendor, bars):
    vendor.minutes = {"2024-05-14": 30}
    with pytest.warns(DataWarning):
        first = bars("2024-05-13", "2024-05-15")
        assert bars("2024-05-13", "2024-05-15", answers=Unreachable(), refresh=False).equals(first)


def test_bars_that_cannot_be_right_are_not_stored(vendor, bars, tmp_path):
    class Broken(StandIn):
        def fetch(self, symbol, first, last):
            return super().fetch(symbol, first, last).assign(high=1.0)

    with pytest.raises(DataError, match=r"standin, SPY.*high 1\.0 is below"):
        bars("2024-05-13", "2024-05-13", answers=Broken())
    assert len(bars("2024-05-13", "2024-05-13")) == 390
