"""Group width by memory, without a device: what a run takes is held against what its arrays really take."""

from __future__ import annotations

import math

import jax
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.training import device_arrays, fleet, group_width, memory


@pytest.mark.parametrize(
    "config",
    [
        PPOConfig(),
        PPOConfig(hidden_sizes=(16, 8), num_steps=64, num_envs=2),
        PPOConfig(network="lstm", lstm_size=8, hidden_sizes=(4,), num_envs=3),
    ],
)
def test_the_estimate_of_a_state_is_its_size(market, config):
    state = jax.eval_shape(lambda: learner.init(Momentum(), config, market.params, seed_streams(0)))
    found = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state) if not device_arrays.is_key(leaf))
    estimate = memory.of_run(Momentum(), config).state
    assert 0.98 * found < estimate <= found


@pytest.mark.parametrize(
    ("config", "megabytes"),
    [
        (PPOConfig(), 1.97),
        (PPOConfig(hidden_sizes=(64,)), 1.63),
        (PPOConfig(hidden_sizes=(16,), num_steps=128, minibatch_size=32), 0.37),
        (PPOConfig(hidden_sizes=(256, 256), num_steps=2048), 15.65),
        (PPOConfig(hidden_sizes=(512, 512), minibatch_size=256), 11.80),
        (PPOConfig(network="gru", num_steps=128), 10.78),
        (PPOConfig(network="gru", num_steps=512), 17.04),
        (PPOConfig(network="lstm", num_steps=128, minibatch_size=128), 15.34),
        (PPOConfig(network="lstm", num_steps=512, minibatch_size=128), 24.12),
    ],
    ids=str,
)
def test_the_estimate_of_temporaries_suffices_for_what_a_program_for_an_h100_takes(config, megabytes):
    """The programs' own figures, compiled by JAX 0.11.2 for at least 64 runs; tune2's is also that of an H200."""
    assert 0.98 * megabytes < memory.of_run(Momentum(), config).temporary / 1e6 < 1.4 * megabytes


def test_tune2_takes_about_three_megabytes():
    run = memory.of_run(Momentum(), PPOConfig())
    assert 2.6e6 < run.state + run.temporary < 3.1e6


def test_the_reference_recurrent_network_takes_eighteen_megabytes():
    """Its weights, two moments of each, and what the rows of features leave out of the whole kernel."""
    v3 = PPOConfig(network="lstm", hidden_sizes=(128, 64), minibatch_size=128)
    assert 16e6 < memory.of_run(Momentum(), v3).state < 19e6


RUN = memory.RunMemory(state=10, temporary=30, record=2)


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


@pytest.mark.parametrize(
    ("runs", "width", "free_bytes", "in_flight"),
    [
        (100, 50, 10_000, 54),  # 8 000 usable, 1 000 of states, 1 500 of temporaries; a group's records are 100
        (100, 50, 3_500, 2),  # 300 are left: three records, one of them on its way to the host
        (100, 50, 3_375, 1),
        (100, 50, 1_000, 1),  # no room at all: the record of the group that is computed is always in flight
    ],
)
def test_as_many_groups_are_in_flight_as_memory_holds_records(runs, width, free_bytes, in_flight):
    assert memory.groups_in_flight(RUN, runs, width, free_bytes) == in_flight


class Accelerator:
    """A device that says what it has."""

    platform = "gpu"

    def __init__(self, num_bytes=5_000):
        self._num_bytes = num_bytes

    def memory_stats(self):
        return {"bytes_limit": self._num_bytes}


def layout_on(monkeypatch, device, *arguments, **settings):
    monkeypatch.setattr(jax, "local_devices", lambda: [device])
    return group_width.default_layout(*arguments, **settings)


def test_an_accelerators_layout_follows_its_memory_and_what_others_reserve(monkeypatch):
    def layout(*arguments, **settings):
        return layout_on(monkeypatch, Accelerator(), *arguments, **settings)

    assert layout(100, run_memory=RUN).group_width == 100
    assert layout(100, run_memory=RUN, reserved_bytes=1).group_width == 50
    assert layout(100, 7, run_memory=RUN).group_width == 7
    assert layout(100).group_width == 100
    assert layout(100, run_memory=RUN).vmapped
    assert layout(100, run_memory=RUN).groups_in_flight == 1
    assert layout(100, 50, run_memory=RUN).groups_in_flight == 14
    assert layout(100).groups_in_flight is None  # nobody knows


@pytest.mark.parametrize(
    ("gigabytes", "runs", "width"),
    [(80, 1_024, 1_024), (80, 4_096, 4_096), (80, 5_000, 2_500), (16, 4_096, 4_096), (8, 4_096, 1_366), (2, 4_096, 1)],
)
def test_tune2_takes_groups_of_1024_to_4096_runs_where_they_fit(monkeypatch, gigabytes, runs, width):
    """An H100 has 80 GB, a TPU v5e 16; in 2 GB the states alone have no room, which `capacity` refuses."""
    run_memory = memory.of_run(Momentum(), PPOConfig())
    layout = layout_on(monkeypatch, Accelerator(gigabytes * 10**9), runs, run_memory=run_memory)
    assert layout.group_width == width
    needed = runs * run_memory.state + width * run_memory.temporary
    assert needed < 0.8 * gigabytes * 10**9 or width == 1


def test_the_log_says_how_wide_groups_are_and_what_memory_bounds(monkeypatch):
    layouts = [layout_on(monkeypatch, Accelerator(10**6), runs, run_memory=RUN) for runs in (3_000, 4_000)]
    said = "1 gpu device(s), 3000, 4000 run(s) each at a time, at most 79 group(s) in flight by memory"
    assert group_width.described(layouts) == said
    monkeypatch.undo()
    on_cpus = [group_width.default_layout(8), group_width.default_layout(1)]
    assert group_width.described(on_cpus) == "2 cpu device(s), 4, 1 run(s) each at a time"


def test_programs_on_one_accelerator_leave_room_for_each_others_states(monkeypatch):
    arms = tuple(Arm(name=f"width-{size}", ppo=PPOConfig(hidden_sizes=(size,))) for size in (8, 64))
    config = RunConfig(experiment="widths", arms=arms)
    large = memory.of_run(Momentum(), arms[1].ppo)
    just_enough = math.ceil(50 * (large.state + large.temporary) / 0.8)
    assert layout_on(monkeypatch, Accelerator(just_enough), 50, run_memory=large).group_width == 50
    assert fleet.program_layouts(config, Momentum(), num_seeds=50)[1].group_width == 25
