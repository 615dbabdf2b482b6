"""Fixtures that every test folder shares: where the golden records and the real bars lie."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from momentum_jax.processes import backend_startup

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
MADE_UP_RECORDS = Path(__file__).parent / "golden"

# Programs compiled by one test run serve the next, also in the processes that tests start.
os.environ.setdefault(backend_startup.CACHE_VARIABLE, str(ROOT / ".cache"))
backend_startup.start(num_devices=2)


def golden_dir() -> Path:
    return Path(os.environ.get("GOLDEN_DIR") or SHARED / "golden")


def golden_records(*patterns: str) -> list[Path]:
    """Records of the golden folder that match; those shipped with the tests where it is absent."""
    folder = golden_dir() if golden_dir().is_dir() else MADE_UP_RECORDS
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def require(path: Path) -> Path:
    """The path, or a skip with the reason; with CI=true its absence is a failure."""
    if not path.exists():
        message = f"{path.name} is absent: set GOLDEN_DIR, or put the shared folder beside the project"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real bars."""
    return require(SHARED / "data")


@pytest.fixture(scope="session")
def reference_curves() -> Any:
    return np.load(require(golden_dir() / "maskable_ppo_tune2_spy.npz"))


@pytest.fixture(scope="session")
def market() -> SimpleNamespace:
    """A short market: its segment, number of bars and environment parameters."""
    # Imported here: both start JAX's backend, which has to be set up first.
    from momentum_jax.env.momentum import make_params
    from tests.markets import make_segment

    segment = make_segment()
    return SimpleNamespace(segment=segment, num_bars=len(segment.bars), params=make_params(segment))
