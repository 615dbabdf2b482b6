"""Group width by memory, without a device: what a run takes is held against what its arrays really take."""

from __future__ import annotations

import jax
import pytest

from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.training import device_arrays, group_width, memory


@pytest.mark.parametrize("config", [PPOConfig(), PPOConfig(hidden_sizes=(16, 8), num_steps=64, num_envs=2)])
def test_the_estimate_of_a_state_is_its_size(market, config):
    state = jax.eval_shape(lambda: learner.init(Momentum(), config, market.params, seed_streams(0)))
    found = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state) if not device_arrays.is_key(leaf))
    estimate = memory.of_run(Momentum(), config).state
    assert 0.98 * found < estimate <= found


def test_tune2_takes_at_most_three_megabytes():
    run = memory.of_run(Momentum(), PPOConfig())
    assert 2e6 < run.state + run.temporary < 3e6


RUN = memory.RunMemory(state=10, temporary=30)


@pytest.mark.parametrize(
    ("runs", "free_bytes", "width"),
    [
        (1000, 10**9, 1000),  # all fit
        (5000, 10**9, 2500),  # the widest is 4 096: two equal groups
        (100, 5000, 100),  # 4 000 usable, 1 000 of states, 100 × 30 of temporaries
        (100, 4999, 50),  # 99 would fit: two equal groups
        (100, 1000, 1),  # states alone do not fit: the narrowest, and the device will say
    ],
)
def test_a_group_is_as_wide_as_memory_allows(runs, free_bytes, width):
    assert memory.widest_group(RUN, runs, free_bytes) == width


class Accelerator:
    """A device that says what it has."""

    platform = "gpu"

    def memory_stats(self):
        return {"bytes_limit": 5000}


def test_an_accelerators_layout_follows_its_memory_and_what_others_reserve(monkeypatch):
    monkeypatch.setattr(jax, "local_devices", lambda: [Accelerator()])
    assert group_width.default_layout(100, run_memory=RUN).group_width == 100
    assert group_width.default_layout(100, run_memory=RUN, reserved_bytes=1).group_width == 50
    assert group_width.default_layout(100, 7, run_memory=RUN).group_width == 7
    assert group_width.default_layout(100).group_width == 100
    assert group_width.default_layout(100, run_memory=RUN).vmapped
