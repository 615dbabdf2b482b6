"""The same program on a GPU or TPU, where there is one: run with JAX_PLATFORMS unset on such a machine."""

from __future__ import annotations

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo.hyper_parameters import MATMUL_PRECISIONS, PPOConfig
from momentum_jax.training.engine import Engine
from momentum_jax.training.group_width import default_layout
from momentum_jax.training.runs import Run
from tests.conftest import ROOT

SMALL = PPOConfig(num_steps=64, minibatch_size=32, num_epochs=2, hidden_sizes=(16,))


@pytest.fixture
def accelerator():
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        pytest.skip("no GPU or TPU on this machine")
    return device


def params_after(market, seeds, updates=4):
    runs = [Run(seed, SMALL, EnvOptions()) for seed in seeds]
    engine = Engine(Momentum(), market.params.market, runs, default_layout(len(runs)), 10)
    for _ in range(updates):
        records = engine.gather([engine.update(group) for group in range(engine.num_groups)])
    return engine, records


def test_runs_train_together_on_an_accelerator(accelerator, market):
    layout = default_layout(8)
    assert layout.vmapped and set(layout.devices) == set(jax.local_devices())
    engine, records = params_after(market, range(8))
    assert np.isfinite(records.metrics.loss).all()
    again, _ = params_after(market, range(8))
    jax.tree.map(np.testing.assert_array_equal, engine.snapshot(0), again.snapshot(0))


def test_a_state_saved_on_an_accelerator_goes_on(accelerator, market):
    engine, _ = params_after(market, range(4), updates=2)
    snapshot = engine.snapshot(0)
    engine.update(0)
    expected = engine.snapshot(0)
    engine.restore(0, snapshot)
    engine.update(0)
    jax.tree.map(np.testing.assert_array_equal, engine.snapshot(0), expected)


def test_products_are_float32_and_less_precise_only_where_asked(accelerator):
    if accelerator.platform != "gpu":
        pytest.skip("TF32 is a GPU's")
    left, right = (np.random.default_rng(seed).normal(size=(256, 256)).astype(np.float32) for seed in (0, 1))
    exact = left.astype(np.float64) @ right

    def error(precision=None):
        with jax.default_matmul_precision(precision):
            return float(np.abs(np.asarray(jax.jit(jnp.matmul)(left, right)) - exact).max())

    assert error(jax.config.jax_default_matmul_precision) < 1e-4
    assert error(MATMUL_PRECISIONS["float32"]) < 1e-4
    assert error(MATMUL_PRECISIONS["tf32"]) > 1e-3
    assert error(MATMUL_PRECISIONS["bfloat16"]) > 1e-2


def test_killed_and_resumed_processes_end_in_the_same_bits(accelerator, tmp_path):
    command = [sys.executable, "-m", "benchmarks.accelerator", "--parts=e", "--tiny", f"--output={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "accelerator.json").read_text())["parts"]["e"]["same bits"]
    assert list((tmp_path / "runs" / "killed" / "kernels").iterdir())
