"""The reference environment's records, replayed step by step in both float widths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conftest import golden_dir, golden_records, require
from tests.env.replay import Replay, replay, traces

pytestmark = pytest.mark.golden
RECORDS = golden_records("environment_*.npz", "env_*.npz") or [golden_dir() / "environment_spy_2024.npz"]
# Telemetry columns of the records that the environment's info does not hold under the same name.
_DERIVED = {"has_telemetry"}


@pytest.fixture(scope="module", params=RECORDS, ids=lambda path: path.stem)
def record_path(request: pytest.FixtureRequest) -> Path:
    return require(request.param)


def replays(path: Path, dtype: Any) -> list[tuple[str, Any, Replay]]:
    record = np.load(path)
    preset = "reference_1217" if "1217" in path.name else "reference"
    return [(trace, record, replay(record, trace, preset, dtype)) for trace in traces(record)]


def assert_telemetry(trace: str, record: Any, played: Replay) -> None:
    told = record[f"{trace}/info"]
    columns = [str(name) for name in record["info_columns"]]
    has_telemetry = told[:, columns.index("has_telemetry")] > 0
    np.testing.assert_array_equal(has_telemetry, ~played.info["forced_stop_loss"])
    for index, name in enumerate(columns):
        if name in _DERIVED:
            continue
        # A forced stop carries no other telemetry; the record shows 0 or NaN there.
        steps = slice(None) if name == "forced_stop_loss" else has_telemetry
        np.testing.assert_array_equal(played.info[name][steps], told[steps, index], err_msg=f"{trace} {name}")


def test_float64(record_path):
    with jax.enable_x64(True):
        played_traces = replays(record_path, jnp.float64)
    assert played_traces
    for trace, record, played in played_traces:
        np.testing.assert_allclose(played.observation, record[f"{trace}/obs"], rtol=0, atol=1e-6, err_msg=trace)
        np.testing.assert_array_equal(played.action_mask, record[f"{trace}/action_mask"])
        np.testing.assert_allclose(played.reward, record[f"{trace}/reward"], rtol=0, atol=1e-9, err_msg=trace)
        np.testing.assert_array_equal(played.terminated, record[f"{trace}/terminated"])
        np.testing.assert_allclose(played.position, record[f"{trace}/position"], rtol=0, atol=1e-9, err_msg=trace)
        assert_telemetry(trace, record, played)


def test_float32(record_path):
    wanted = 1.0 if record_path.stem == "environment_spy_2024" else 0.999
    for trace, record, played in replays(record_path, jnp.float32):
        np.testing.assert_allclose(played.observation, record[f"{trace}/obs"], rtol=0, atol=5e-5, err_msg=trace)
        np.testing.assert_array_equal(played.action_mask, record[f"{trace}/action_mask"])
        close = np.abs(played.reward - record[f"{trace}/reward"]) <= 1e-5
        assert close.mean() >= wanted, trace
        np.testing.assert_array_equal(played.terminated, record[f"{trace}/terminated"])
        assert_telemetry(trace, record, played)
