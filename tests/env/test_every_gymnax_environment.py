"""Every environment that gymnax registers: it trains, or it is refused in one line with the reason."""

from __future__ import annotations

import re
from functools import partial
from urllib.error import URLError

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax import registration

import momentum_jax
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env import registry
from momentum_jax.env.momentum import ENV_ID
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.processes.interruption import Interrupted
from momentum_jax.run_directory import diagnostics_of, load_run
from tests.conftest import ROOT
from tests.quick_programs import compiled_quickly
from tests.training.resumed_runs import train

CONTINUOUS = ("Pendulum-v1", "MountainCarContinuous-v0", "PointRobot-misc", "Reacher-misc", "Swimmer-misc")
DOWNLOADED = "MNISTBandit-bsuite"
OTHERS = [name for name in registration.registered_envs if name not in (*CONTINUOUS, DOWNLOADED, ENV_ID)]
TINY = PPOConfig(num_steps=16, num_envs=2, minibatch_size=32, num_epochs=1, hidden_sizes=(4,), learning_rate=1e-3)
# Each kind of observation and of state that gymnax has: floats, whole numbers, an image, a place, a bandit.
FEW = ("MountainCar-v0", "FourRooms-misc", "Catch-bsuite", "FrozenLake-misc", "BernoulliBandit-misc")


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_actions_are_refused(name: str):
    with pytest.raises(ConfigError, match=f"{name.partition('-')[0]}.* has the action space Box") as caught:
        registry.find(name, MarketConfig())
    assert "\n" not in str(caught.value)


def test_an_environment_that_cannot_be_downloaded_is_refused(monkeypatch):
    def make(name):
        raise URLError("Name or service not known")

    monkeypatch.setattr(registration, "make", make)
    with pytest.raises(ConfigError, match=f"env='{DOWNLOADED}' cannot be made: .*Name or service not known"):
        registry.find(DOWNLOADED, MarketConfig())


def test_the_documentation_lists_every_one():
    page = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([A-Z]\w+-\w+) \|", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted([*OTHERS, *CONTINUOUS, DOWNLOADED])


@pytest.mark.parametrize(
    "name", [*FEW, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS if name not in FEW)]
)
def test_an_update_leaves_the_layout_of_a_state(name: str):
    """Every leaf has the shape and type that it was given, and none is weak."""
    found = registry.find(name, MarketConfig())
    start = jax.eval_shape(partial(learner.init, found.task, TINY, found.load().shared), seed_streams(0))
    after, record = jax.eval_shape(partial(learner.update, found.task, TINY, found.load().shared), jnp.int32(2), start)
    kinds = [[(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(one)] for one in (start, after)]
    assert kinds[0] == kinds[1] and not any(weak for *_, weak in kinds[0])
    assert record.reward.shape == (TINY.num_steps, TINY.num_envs)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
@compiled_quickly()
def test_it_trains_is_stopped_goes_on_and_its_policy_acts(name: str, tmp_path):
    run_dir, steps = tmp_path / "run", TINY.rollout_size
    config = RunConfig(
        experiment="every",
        arms=(Arm(name="ppo", ppo=TINY),),
        environment=name,
        timesteps=4 * steps,  # the update in flight is finished first
        checkpoints=(steps,),
        num_seeds=2,
        state_interval=0.0,
    )
    with pytest.raises(Interrupted):
        train(run_dir, config, stop_at=steps)
    train(run_dir, config, resume=True)
    ds = load_run(run_dir)
    assert ds.env_steps.values.tolist() == [0, steps, 4 * steps]
    assert (ds.failed_step == -1).all() and np.isfinite(ds.value_loss.isel(checkpoint=-1)).all()
    assert np.isfinite(ds.reward_sum).all() and (ds.probe_count == 1_024).all()
    np.testing.assert_allclose(ds.p_action.sum("action"), 1, atol=1e-5)
    found = registry.find(name, MarketConfig())
    states = found.task.probe_states(found.load().shared)
    policy = momentum_jax.load_policy(run_dir, "ppo", 1)
    probabilities = policy.action_probabilities(states.compact[0], states.action_mask[0])
    assert probabilities.shape == (1_024, len(diagnostics_of(ds).actions))
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    key = jax.random.key(0)
    assert policy.act(states.compact[0, 0], states.action_mask[0, 0], key).shape == ()
