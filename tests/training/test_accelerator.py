"""The same program on a GPU or TPU, where there is one: run with JAX_PLATFORMS unset on such a machine.

What needs none is tested on every machine: what precision the compiled products ask for (test_precision.py), that a
resume refuses another precision (resume/test_compatibility.py), which choices of kernels a run keeps and goes on with
(tests/processes/test_kernel_choices.py), that processes killed with `kill -9` are resumed to the same bits
(resume/test_crashes.py, test_two_processes.py), a group's width by memory (test_memory.py), groups in flight
(test_in_flight.py) and first states (test_initialisation.py).
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo.hyper_parameters import MATMUL_PRECISIONS, PPOConfig
from momentum_jax.processes import kernel_choices
from momentum_jax.training import device_arrays, initialisation
from momentum_jax.training import fleet as fleets
from momentum_jax.training.engine import Engine
from momentum_jax.training.group_width import default_layout
from momentum_jax.training.runs import Run, without_unused_options
from tests.conftest import ROOT

SMALL = PPOConfig(num_steps=64, minibatch_size=32, num_epochs=2, hidden_sizes=(16,))


@pytest.fixture
def accelerator():
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        pytest.skip("no GPU or TPU on this machine")
    return device


def params_after(market, seeds, updates=4, width=None):
    runs = [Run(seed, SMALL, EnvOptions()) for seed in seeds]
    engine = Engine(Momentum(), market.params.market, runs, default_layout(len(runs), width), 10)
    records = None
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


def test_first_states_are_those_that_a_cpu_makes(accelerator, market, monkeypatch):
    """Three are made at a time, at last two."""
    monkeypatch.setattr(initialisation, "_BLOCK", 3)
    engine, _ = params_after(market, range(8), updates=0)
    runs = without_unused_options([Run(seed, SMALL, EnvOptions()) for seed in range(8)])
    cpu = jax.local_devices(backend="cpu")[:1]
    by_run = NamedSharding(Mesh(np.asarray(cpu), ("runs",)), PartitionSpec("runs"))
    states = initialisation.Initialiser(Momentum(), market.params.market, cpu, by_run).made(runs)()
    found = engine.snapshot(0)
    for path, leaf in jax.tree_util.tree_leaves_with_path(states):
        np.testing.assert_array_equal(found[device_arrays.name(path)], np.asarray(device_arrays.plain(leaf)))


@pytest.mark.parametrize("limit", [1, None])
def test_records_do_not_depend_on_how_many_groups_are_in_flight(accelerator, market, limit):
    config = RunConfig(experiment="test", arms=(Arm(name="a", ppo=SMALL),), timesteps=192, num_seeds=6)
    layouts = fleets.program_layouts(dataclasses.replace(config, group_width=(1,)), Momentum(), 6)
    layouts = [dataclasses.replace(layout, groups_in_flight=limit) for layout in layouts]
    fleet = fleets.Fleet(config, Momentum(), market.params.market, layouts)
    _, expected = params_after(market, range(6), updates=1, width=1)
    jax.tree.map(np.testing.assert_array_equal, fleet.fetch(fleet.update()), expected)


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
    # The last process began with an empty cache: what it chose is what the run had kept.
    kept = kernel_choices.kept_choices(tmp_path / "runs" / "killed")
    (programs,) = (tmp_path / "runs" / "empty-cache").glob("xla-*")
    assert kept and kernel_choices.choices_beside(programs) == kept
