from __future__ import annotations

import os
import subprocess
import sys
import warnings

import gymnasium
import gymnasium.utils.env_checker
import gymnax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.gymnasium import MomentumGymEnv
from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.env.momentum import typed_options
from momentum_jax.env.registration import GYMNASIUM_ID
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def gym_env(market):
    return MomentumGymEnv(market.params)


def test_passes_gymnasiums_own_check(gym_env):
    # Most of what the check finds it only warns of.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gymnasium.utils.env_checker.check_env(gym_env, skip_render_check=True)


def test_reset_seeds_numpys_generator(gym_env):
    gym_env.reset(seed=7)
    first = gym_env.np_random.random()
    gym_env.reset(seed=7)
    assert gym_env.np_random.random() == first


def test_masks_follow_the_position(gym_env):
    _, info = gym_env.reset(seed=0)
    assert info["action_mask"].tolist() == [True, True, True, False, False, False]
    _, reward, terminated, truncated, info = gym_env.step(1)
    assert (type(reward), terminated, truncated) == (float, False, False)
    assert info["action_mask"].tolist() == [True, False, False, True, True, True]


@pytest.mark.parametrize("action", [2, np.int64(2), np.int32(2), np.uint8(2), np.array(2), jnp.int32(2)], ids=repr)
def test_an_action_may_be_any_kind_of_whole_number(gym_env, action):
    gym_env.reset(seed=0)
    assert gym_env.step(action)[-1]["executed_action"] == 2


@pytest.mark.parametrize(
    ("action", "what"),
    [
        (7, "7"),
        (6, "6"),
        (-1, "-1"),
        (1.9, "1.9"),
        (np.float32(1.0), r"np.float32\(1.0\)"),
        (True, "True"),
        (None, "None"),
        ("1", "'1'"),
        (np.array([1]), r"an array of shape \(1,\)"),
        (jnp.array([1]), r"an array of shape \(1,\)"),
    ],
    ids=repr,
)
def test_what_is_no_action_is_refused_in_one_line(gym_env, action, what):
    gym_env.reset(seed=0)
    state = gym_env.env_state
    with pytest.raises(
        gymnasium.error.InvalidAction, match=rf"^action is {what}, expected one whole number from 0 to 5: "
    ) as caught:
        gym_env.step(action)
    assert "\n" not in str(caught.value) and gym_env.env_state is state


def test_a_step_before_the_first_reset_is_refused(market):
    env = MomentumGymEnv(market.params)
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"begin the episode with reset\(\)$"):
        env.step(0)
    env.reset(seed=0)
    env.step(0)


def test_an_episode_ends_with_its_own_last_observation(gym_env, market):
    first, _ = gym_env.reset(seed=0)
    for _ in range(market.num_bars - 21):
        observation, _, terminated, _, _ = gym_env.step(0)
        assert not np.array_equal(observation, first)
        if terminated:
            break
    assert terminated


def test_gymnasium_makes_it_by_name_with_own_bars_and_switches(market):
    env = gymnasium.make(GYMNASIUM_ID, params=market.params)
    assert isinstance(env.unwrapped, MomentumGymEnv)
    assert env.reset(seed=0)[0].shape == (20, 23)
    crash = MarketConfig(synthetic_scenario="crash", symbols=("QQQ",))
    own = gymnasium.make(GYMNASIUM_ID, market=crash, options=EnvOptions(call_bonus=0.5)).unwrapped
    assert float(own.env_params.options.call_bonus) == 0.5
    assert own.env_params.market.prices.shape != market.params.market.prices.shape
    with pytest.raises(DataError, match="no symbol 'XYZ'"):
        MomentumGymEnv(market=MarketConfig(symbols=("XYZ",)))
    with pytest.raises(ValueError, match="give params, or market and options"):
        MomentumGymEnv(market.params, options=EnvOptions())


def test_importing_the_package_registers_the_name_and_starts_no_jax():
    program = f"import sys, momentum_jax, gymnasium as g; print({GYMNASIUM_ID!r} in g.registry, 'jax' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.stdout.split() == ["True", "False"], result.stderr


def test_a_seeded_space_keeps_its_seed(gym_env):
    draws = []
    for _ in range(2):
        gym_env.action_space.seed(5)
        draws.append([int(gym_env.action_space.sample()) for _ in range(8)])
    assert draws[0] == draws[1] and len(set(draws[0])) > 1


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning", "ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_is_refused_and_not_left_hanging(market):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            MomentumGymEnv(market.params)
        except RuntimeError as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert "AsyncVectorEnv(…, context='spawn')" in told.read()
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("name", ["Pendulum-v1", "MountainCarContinuous-v0"])
def test_a_continuous_action_space_is_refused_in_one_line(name):
    with pytest.raises(ConfigError, match=rf"{name} has the action space Box\(1,\): .*is Discrete") as caught:
        GymnaxTask(*gymnax.make(name))
    assert "\n" not in str(caught.value)


def test_masks_and_draws_follow_the_interventions(market):
    options = typed_options(EnvOptions(trims_legal=False, yoked_stop_rate=1.0))
    env = MomentumGymEnv(market.params.replace(options=options))
    env.reset(seed=0)
    info = env.step(1)[-1]
    assert info["action_mask"].tolist() == [True, False, False, False, False, True]
    _, reward, _, _, info = env.step(0)
    assert reward == pytest.approx(-1.7) and info["yoked_stop"] and info["executed_action"] == 0
