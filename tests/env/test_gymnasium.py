from __future__ import annotations

import gymnasium.utils.env_checker
import numpy as np
import pytest

from momentum_jax.env.gymnasium import MomentumGymEnv


@pytest.fixture(scope="module")
def gym_env(market):
    return MomentumGymEnv(market.params)


def test_passes_gymnasiums_own_check(gym_env):
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


def test_an_episode_ends_with_its_own_last_observation(gym_env, market):
    first, _ = gym_env.reset(seed=0)
    for _ in range(market.num_bars - 21):
        observation, _, terminated, _, _ = gym_env.step(0)
        assert not np.array_equal(observation, first)
        if terminated:
            break
    assert terminated
