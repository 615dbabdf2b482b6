from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import golden_dir, golden_records, require
from tests.ppo import numpy_recurrent_update, numpy_update

# The small record clips ratios, which the reference's does not; it is replayed beside it.
RECORDS = sorted({*(golden_records("ppo_update*.npz") or [golden_dir() / "ppo_update.npz"]), numpy_update.RECORD})


@pytest.fixture(scope="session", params=RECORDS, ids=lambda path: path.stem)
def update_record(request: pytest.FixtureRequest) -> Any:
    path: Path = request.param
    return np.load(require(path))


RECURRENT = ("recurrent_ppo_update*.npz", "recurrent_masked_ppo_update*.npz")
RECURRENT_RECORDS = sorted(
    {
        *(golden_records(*RECURRENT) or [golden_dir() / "recurrent_ppo_update.npz"]),
        *numpy_recurrent_update.RECORDS.values(),
    }
)


@pytest.fixture(scope="session", params=RECURRENT_RECORDS, ids=lambda path: path.stem)
def recurrent_record(request: pytest.FixtureRequest) -> Any:
    path: Path = request.param
    return np.load(require(path))
