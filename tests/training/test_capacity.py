"""What a run needs of memory and disk, estimated from its settings, against what it takes."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import jax
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env import registry
from momentum_jax.env.momentum import Momentum
from momentum_jax.fields import ConfigError
from momentum_jax.market.dataset import Dataset
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import learner, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.processes import machine
from momentum_jax.training import capacity, memory, runner
from momentum_jax.training.group_width import Layout
from tests.markets import make_segment


def num_bytes(tree) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(
    "config",
    [
        PPOConfig(),
        PPOConfig(hidden_sizes=(16,), num_steps=64, num_envs=3),
        PPOConfig(hidden_sizes=(300, 200, 100), num_steps=128),
    ],
)
def test_estimates_are_the_sizes_of_the_learners_own_arrays(market, config):
    task = Momentum()

    def states():
        return learner.init(task, config, market.params, seed_streams(0, (), ()))

    state = jax.eval_shape(states)
    key = jax.eval_shape(lambda: jax.random.key(0))

    def acted(state, key):
        actors = rollout.Actors(state.env_state, state.memory)
        return rollout.collect(agents.make(task, config), config, state.params, actors, market.params, key, key)[1]

    trajectory = jax.eval_shape(acted, state, key)
    learned = dataclasses.replace(state, env_state=(), streams=())
    assert 0.9 * num_bytes(learned) < capacity._state_bytes(task, config) <= num_bytes(learned)
    assert num_bytes(trajectory) == capacity.transition_bytes(task) * config.rollout_size
    recorded = (trajectory.event, trajectory.reward, trajectory.outcome)
    assert num_bytes(recorded) == memory.record_bytes(task) * config.rollout_size


def small(**settings) -> RunConfig:
    ppo = {"num_steps": 64, "minibatch_size": 32, "num_epochs": 2, "hidden_sizes": (16,)}
    names = {field.name for field in dataclasses.fields(PPOConfig)} & settings.keys()
    arm = Arm(name="a", ppo=PPOConfig(**ppo | {name: settings.pop(name) for name in names}))
    return RunConfig(experiment="test", arms=(arm,), **{"timesteps": 500} | settings)


@pytest.mark.parametrize(
    "impossible",
    [
        {"num_seeds": 10_000_000},
        {"group_width": (10**9,)},
        {"hidden_sizes": (100_000, 100_000)},
        {"num_steps": 2**36},
        {"num_envs": 2**36},
        {"num_epochs": 10**12},
        {"minibatch_size": 2**36, "num_steps": 2**36},
    ],
)
def test_an_impossible_size_is_refused_in_one_line_before_anything_is_loaded(tmp_path, monkeypatch, impossible):
    monkeypatch.setattr(registry, "load_dataset", lambda config: pytest.fail("loaded"))
    with pytest.raises(
        ConfigError, match=r"need at least [\d,.]+ GB of memory, and [\d,.]+ GB are free: lower"
    ) as found:
        runner.train(small(**impossible), tmp_path / "run")
    assert "\n" not in str(found.value)
    assert not (tmp_path / "run").exists()


def layout(count=1, width=1, devices=None) -> Layout:
    return Layout(devices=devices or ("cpu",) * count, group_width=width, vmapped=False)


def test_memory_is_counted_by_run_and_device():
    one, two = (capacity.memory_bytes(small(), Momentum(), [layout()], seeds) for seeds in (1, 2))
    state = capacity._state_bytes(Momentum(), small().arms[0].ppo)
    assert state < two - one < 2 * state + 10_000
    both = dataclasses.replace(small(), arms=(*small().arms, Arm(name="b", ppo=small().arms[0].ppo)))
    assert capacity.memory_bytes(both, Momentum(), [layout()], 1) == two
    assert capacity.memory_bytes(small(), Momentum(), [layout(2)], 2) > two
    assert capacity.memory_bytes(small(), Momentum(), [layout(width=2)], 1) == two  # filled up


def test_the_memory_of_an_accelerator_is_its_own(monkeypatch):
    monkeypatch.setattr(machine, "available_memory", lambda: 0)
    statistics = {"bytes_limit": 10_000_000, "bytes_in_use": 9_000_000}
    device = SimpleNamespace(platform="gpu", memory_stats=lambda: statistics)
    capacity.check_memory(small(), Momentum(), [layout(devices=(device,))], 1)
    with pytest.raises(ConfigError, match=r"need at least 1\d\.\d MB of memory, and 1\.0 MB are free"):
        capacity.check_memory(small(), Momentum(), [layout(devices=(device,))], 100)
    silent = SimpleNamespace(platform="gpu", memory_stats=lambda: None)
    capacity.check_memory(small(), Momentum(), [layout(devices=(silent,))], 10**9)


def test_the_disk_has_to_hold_what_the_run_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment()], []))
    config = small(num_seeds=3)
    estimated = capacity.disk_bytes(config, Momentum())
    monkeypatch.setattr(machine, "free_disk", lambda path: estimated - 1)
    with pytest.raises(ConfigError, match=r"run: the run's states.* need at least 1\.\d MB of disk, and .* are free"):
        runner.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(machine, "free_disk", lambda path: estimated)
    runner.train(config, tmp_path / "run", say=lambda line: None)
    written = sum(path.stat().st_size for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert estimated / 3 < written  # two of three states, compressed


def test_more_devices_than_there_are_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"num_devices=1000 is more than there are here, 2 cpu device\(s\)"):
        runner.train(small(num_devices=1_000), tmp_path / "run")
