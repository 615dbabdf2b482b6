"""Small files of bars and VIX, correct unless a test spoils them."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

HEADER = "datetime,open,high,low,close,volume"


def _bar_lines(days: tuple[str, ...], minutes: int) -> list[str]:
    stamps = [stamp for day in days for stamp in pd.date_range(f"{day} 09:30", periods=minutes, freq="min")]
    return [HEADER, *(f"{stamp},100.0,100.5,99.5,100.25,1000" for stamp in stamps)]


@pytest.fixture
def bar_lines() -> Callable[..., list[str]]:
    """Makes the lines of a CSV of flat bars: header first, then `minutes` bars from 09:30 of each day."""
    return lambda days=("2024-02-20",), minutes=120: _bar_lines(tuple(days), minutes)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, list[str]], Path]:
    """Writes lines to a file of the test's own folder and returns its path."""

    def to_file(name: str, lines: list[str]) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return to_file
