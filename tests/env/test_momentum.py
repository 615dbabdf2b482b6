"""The shell: gymnax's interface, the interface to the learner, the layout of observations."""

from __future__ import annotations

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env import observation_layout
from momentum_jax.env.momentum import ENV_ID, Momentum

KEY = jax.random.key(0)


def test_registered_with_gymnax():
    env, params = gymnax.make(ENV_ID)
    observation, state = env.reset(KEY, params)
    assert env.observation_space(params).contains(observation)
    assert env.action_space(params).n == 6
    assert params.market.windows.shape[0] > 8_000
    assert env.state_space(params).spaces.keys() == {k for k, v in state.__dict__.items() if v is not None}


def test_step_returns_gymnaxs_six_values_of_unchanging_type(market):
    env = Momentum()
    observation, state = env.reset(KEY, market.params)
    result = env.step(KEY, state, jnp.int32(1), market.params)
    assert len(result) == 6
    next_observation, next_state, reward, terminated, truncated, info = result
    assert jax.tree.map(jnp.shape, next_state) == jax.tree.map(jnp.shape, state)
    for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(next_state), strict=True):
        assert (before.dtype, before.weak_type) == (after.dtype, False)
    assert next_observation.shape == observation.shape == (20, 23)
    assert (reward.dtype, terminated.dtype, truncated.dtype) == (jnp.float32, bool, bool)
    assert {"final_observation", "terminated", "truncated", "setup_score"} <= info.keys()


def test_instances_share_one_program(market):
    _, state = Momentum().reset(KEY, market.params)
    Momentum().step(KEY, state, jnp.int32(0), market.params)
    before = Momentum.step._cache_size()
    Momentum().step(KEY, state, jnp.int32(1), market.params)
    assert Momentum.step._cache_size() == before


def test_an_episode_starts_anew_after_its_end(market):
    env = Momentum()
    first, state = env.reset(KEY, market.params)
    for _ in range(market.num_bars - 21):
        observation, state, _, terminated, _, info = env.step(KEY, state, jnp.int32(0), market.params)
    assert terminated
    np.testing.assert_array_equal(observation, first)
    assert int(state.bar) == 20
    assert not np.array_equal(info["final_observation"], first)


def test_step_env_observes_what_step_calls_final(market):
    env = Momentum()
    _, state = env.reset(KEY, market.params)
    observed = env.step_env(KEY, state, jnp.int32(2), market.params)[0]
    np.testing.assert_array_equal(observed, env.step(KEY, state, jnp.int32(2), market.params)[-1]["final_observation"])


def test_reduced_kernel_acts_like_the_whole_one_and_comes_back(market):
    env = Momentum()
    kernel = np.random.default_rng(0).normal(size=(460, 8)).astype(np.float32)
    _, state = env.reset(KEY, market.params)
    for action in (1, 0, 0):
        _, state, *_ = env.step(KEY, state, jnp.int32(action), market.params)
    features = env.expand(env.compact(state, market.params), market.params)
    assert (features[-4:] != 0).all()  # the Greeks of a position take part
    whole = env.observe(KEY, state, None, market.params).reshape(-1) @ kernel
    rows, deviations = observation_layout.reduce_kernel(jnp.asarray(kernel))
    np.testing.assert_allclose(features @ rows, whole, rtol=0, atol=5e-5)
    np.testing.assert_allclose(
        observation_layout.restore_kernel(np.asarray(rows), deviations), kernel, rtol=0, atol=1e-6
    )


def test_one_gradient_divided_by_its_count_is_every_single_rows(market):
    env = Momentum()
    rng = np.random.default_rng(1)
    kernel, weight = jnp.asarray(rng.normal(size=(460, 3))), jnp.asarray(rng.normal(size=3))
    features = env.expand(env.flat_observation(jnp.arange(30, 40)), market.params)
    observations = observation_layout.expand(features).reshape(10, 460)

    def loss(kernel, inputs):
        return jnp.sum(jnp.tanh(inputs @ kernel) * weight)

    rows, deviations = observation_layout.reduce_kernel(kernel)
    shared = jax.grad(loss)(rows, features) / observation_layout.INPUT_COUNTS[:, None]
    restored = observation_layout.restore_kernel(np.asarray(shared), jnp.zeros_like(deviations))
    np.testing.assert_allclose(restored, jax.grad(loss)(kernel, observations), rtol=0, atol=2e-5)


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_expand_keeps_leading_axes(lead):
    assert observation_layout.expand(jnp.zeros((*lead, 327))).shape == (*lead, 20, 23)


def test_random_legal_play_in_gymnaxs_own_wrapper(market):
    from gymnax.wrappers import LogWrapper

    env = LogWrapper(Momentum())
    _, state = env.reset(KEY, market.params)
    key = KEY
    for _ in range(30):
        key, choose = jax.random.split(key)
        mask = Momentum().action_mask(state.env_state, market.params)
        action = jax.random.categorical(choose, jnp.where(mask, 0.0, -jnp.inf))
        _, state, reward, *_ = env.step(key, state, action, market.params)
        assert np.isfinite(reward)
