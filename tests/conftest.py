"""Fixtures that every test folder shares: where the golden records and the real bars lie."""

from __future__ import annotations

import gc
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

# Files in which processes are started or programs compiled, the longest first: `make test` hands whole files to two
# processes (`make test-slow` too), and ends late if the last one is long. All other files take seconds.
LONGEST = tuple(
    f"tests/{name}.py"
    for name in (
        "env/test_every_gymnax_environment",
        "training/resume/test_going_on",
        "training/test_seams",
        "cli/test_launch",
        "training/test_policy",
        "training/test_evaluation",
        "training/test_trading_at_checkpoints",
        "cli/test_evaluate_command",
        "training/test_environments",
        "cli/test_launching",
        "project/test_extending",
        "processes/test_distributed",
        "training/test_engine",
        "training/test_runner",
        "training/resume/test_crashes",
        "backtest/test_backtest",
        "backtest/test_realistic_backtest",
        "training/test_two_processes",
        "training/test_by_seed",
        "analysis/report/test_build",
        "training/test_divergence",
        "experiments/early_dip/test_counterfactual",
        "experiments/early_dip/test_two_towers",
        "processes/test_jax_settings",
    )
)

# Programs compiled by one test run serve the next, also in the processes that tests start.
os.environ.setdefault(backend_startup.CACHE_VARIABLE, str(ROOT / ".cache"))
backend_startup.start(num_devices=2)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # of pytest-xdist, which would begin with the files that have most tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {ROOT / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among modules and tests: it took a tenth of the tests' time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


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
