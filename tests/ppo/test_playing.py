"""A frozen policy's episodes in an environment whose returns are known for every policy."""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from gymnax.environments import environment, spaces

from momentum_jax.diagnostics.evaluation import DEFAULT_MAX_STEPS, Episodes, Evaluation, summarize
from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import distributions, learner, playing
from momentum_jax.ppo.agent import Memory
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs
from tests.conftest import ROOT

CONFIG = PPOConfig(hidden_sizes=(4,), num_envs=2)
SHORT, LONG = 3, 100  # steps of an episode; which one a start draws
PAY = (0.0, 1.0, -1_000.0)  # of the three actions; the last one is illegal


@struct.dataclass
class WalkState:
    time: jax.Array
    horizon: jax.Array


@struct.dataclass
class WalkParams:
    pays: jax.Array


class Walk(environment.Environment):
    """Each step pays what its action pays, until the horizon that the start has drawn."""

    name = "walk"

    def reset_env(self, key, params):
        state = WalkState(time=jnp.int32(0), horizon=jnp.where(jax.random.bernoulli(key), SHORT, LONG))
        return self.get_obs(state), state

    def step_env(self, key, state, action, params):
        state = state.replace(time=state.time + 1)
        return self.get_obs(state), state, params.pays[action], state.time >= state.horizon, {}

    def get_obs(self, state):
        return jnp.stack([state.time, state.horizon]).astype(jnp.float32) / LONG

    def is_truncated(self, state, params):
        return jnp.zeros((), bool)

    def action_space(self, params=None):
        return spaces.Discrete(len(PAY))

    def observation_space(self, params):
        return spaces.Box(0.0, 1.0, (2,), jnp.float32)


class WalkTask(GymnaxTask):
    def action_mask(self, state, params):
        return jnp.asarray([True, True, False])


TASK = WalkTask(Walk(), WalkParams(pays=jnp.asarray(PAY)))
PARAMS = WalkParams(pays=jnp.asarray(PAY))


def policy_of(probabilities):
    """Parameters of a policy that has these probabilities everywhere, before the mask."""
    state = learner.init(TASK, CONFIG, PARAMS, seed_streams(0))
    heads = dict(state.params["policy"])
    last = heads[max(heads)]
    heads[max(heads)] = {**last, "kernel": 0 * last["kernel"], "bias": jnp.log(jnp.asarray(probabilities))}
    return {**state.params, "policy": heads}


@functools.cache
def _compiled(config):
    return jax.jit(
        lambda params, plan, seed: playing.play(agents.make(TASK, config), config, params, PARAMS, plan, seed),
        compiler_options=quick_programs.OPTIONS,
    )


def played(probabilities, episodes, max_steps=2 * LONG, seed=0):
    plan = playing.plan_of(Evaluation(episodes=episodes, max_steps=max_steps))
    return jax.tree.map(np.asarray, _compiled(CONFIG)(policy_of(probabilities), plan, np.uint32(seed)))


def test_returns_are_those_of_the_policy_sampled_and_greedy():
    found = played((0.3, 0.6, 0.1), 2_000)
    # Every second episode has 3 steps, every other 100; among the legal actions the second has 2/3.
    assert set(found.lengths[0].tolist()) == {SHORT, LONG} and not found.cut_off.any()
    np.testing.assert_array_equal(found.lengths[0], found.lengths[1])  # the same starts
    np.testing.assert_array_equal(found.returns[1], found.lengths[1])  # the greedy one is paid at every step
    steps = found.lengths[0].sum()
    share, error = found.returns[0].sum() / steps, np.sqrt(2 / 9 / steps)
    assert abs(share - 2 / 3) < 4 * error and error < 0.005
    assert (found.returns[0] >= 0).all()  # nobody took the illegal action
    assert abs((found.lengths[0] == SHORT).mean() - 0.5) < 0.05


def test_the_most_probable_action_is_not_taken_where_it_is_illegal():
    found = played((0.04, 0.06, 0.9), 20)
    np.testing.assert_array_equal(found.returns[1], found.lengths[1])
    assert (found.returns[0] >= 0).all() and (found.returns[0] < found.lengths[0]).any()


def test_a_run_without_a_mask_plays_without_one():
    plan = playing.plan_of(Evaluation(episodes=20, max_steps=LONG))
    found = _compiled(dataclasses.replace(CONFIG, action_mask=False))(policy_of((0.04, 0.06, 0.9)), plan, 0)
    np.testing.assert_array_equal(found.returns[1], PAY[2] * found.lengths[1])
    assert (found.returns[0] < 0).all()


def test_an_episode_is_cut_off_at_the_limit_and_counted_until_then():
    found, whole = played((0.0, 1.0, 0.0), 64, max_steps=SHORT + 1), played((0.0, 1.0, 0.0), 64)
    long = whole.lengths == LONG
    np.testing.assert_array_equal(found.cut_off, long)
    np.testing.assert_array_equal(found.lengths, np.where(long, SHORT + 1, SHORT))
    np.testing.assert_array_equal(found.returns, found.lengths)
    # An episode that ends with the limit's own step was not cut off.
    assert not played((0.0, 1.0, 0.0), 64, max_steps=SHORT).cut_off[~long].any()


def test_an_episode_is_the_same_whatever_is_played_beside_it():
    few, many = played((0.3, 0.7, 0.0), 5), played((0.3, 0.7, 0.0), 64)
    for name in Episodes._fields:
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:, :5], err_msg=name)
    assert len(set(many.returns[0][many.lengths[0] == LONG])) > 5  # each has chance of its own


def test_seeds_play_episodes_of_their_own():
    """As many starts and returns agree between two seeds as between independent draws."""
    by_seed = [played((0.3, 0.7, 0.0), 2_000, seed=seed) for seed in (0, 1, 2**31)]
    for name in Episodes._fields:
        again = played((0.3, 0.7, 0.0), 2_000, seed=1)
        np.testing.assert_array_equal(getattr(again, name), getattr(by_seed[1], name), err_msg=name)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        same = by_seed[one].lengths[0] == by_seed[other].lengths[0]
        assert abs(same.mean() - 0.5) < 4 * np.sqrt(0.25 / 2_000)
        returns = [by_seed[seed].returns[0][same & (by_seed[one].lengths[0] == LONG)] for seed in (one, other)]
        assert abs(np.corrcoef(*returns)[0, 1]) < 4 / np.sqrt(len(returns[0]))


def test_a_network_that_remembers_plays_as_it_does_step_by_step():
    config = PPOConfig(hidden_sizes=(4,), network=f"{ROOT}/tests/ppo/recurrent.py:Recurrent")
    agent, params = agents.make(TASK, config), learner.init(TASK, config, PARAMS, seed_streams(1)).params
    params = jax.tree.map(lambda leaf: 8 * leaf, params)  # a policy with opinions
    plan = playing.plan_of(Evaluation(episodes=3, max_steps=8))
    found = _compiled(config)(params, plan, 7)
    act = jax.jit(lambda memory, compact: agent.act(params, memory, compact, PARAMS, ()))
    for episode, key in enumerate(playing.episode_keys(plan, 7)):
        state = TASK.initial_state(jax.random.fold_in(key, np.uint32(0xFFFFFFFF)), PARAMS)
        memory, total = jax.tree.map(lambda leaf: leaf[0], agent.initial_memory(1)), 0.0
        for step in range(int(found.lengths[0, episode])):
            action_key, _ = jax.random.split(jax.random.fold_in(key, step))
            carry, logits = act(memory, TASK.compact(state, PARAMS))
            log_probs = distributions.masked_log_probs(logits, TASK.action_mask(state, PARAMS))
            action = jnp.argmax(log_probs + jax.random.gumbel(action_key, (3,), jnp.float32))
            taken = TASK.transition(key, state, action, PARAMS)
            state, memory, total = taken.state, Memory(carry, jnp.zeros((), bool)), total + float(taken.reward)
        assert float(found.returns[0, episode]) == total


def test_observations_are_normalised_as_the_policy_sees_them():
    config = dataclasses.replace(CONFIG, normalize_observations=True)
    state = learner.init(TASK, config, PARAMS, seed_streams(0))
    state = dataclasses.replace(state, params=jax.tree.map(lambda leaf: 30 * leaf, state.params))
    quickly = functools.partial(jax.jit, compiler_options=quick_programs.OPTIONS)
    total, _ = quickly(lambda state: learner.update(TASK, config, PARAMS, jnp.int32(2), state))(state)
    plan = playing.plan_of(Evaluation(episodes=64, max_steps=50))
    evaluate = quickly(lambda state: learner.evaluate(TASK, config, PARAMS, plan, 0, state))
    fresh = dataclasses.replace(total, statistics=state.statistics)
    seen, unseen = evaluate(total), evaluate(fresh)
    assert not np.array_equal(seen.returns, unseen.returns)


def test_figures_are_those_of_numpy():
    rng = np.random.default_rng(0)
    returns, lengths = rng.normal(5, 3, (4, 2, 7)).astype(np.float32), rng.integers(1, 9, (4, 2, 7))
    found = summarize(Episodes(returns, lengths, lengths > 6))
    np.testing.assert_allclose(found["eval_return"], returns.astype(float).mean(-1), rtol=1e-12)
    spread = [[np.sqrt(np.var(row, ddof=1) / 7) for row in pair] for pair in returns.astype(float)]
    np.testing.assert_allclose(found["eval_return_se"], spread, rtol=1e-12)
    np.testing.assert_allclose(found["eval_length"], lengths.mean(-1))
    np.testing.assert_allclose(found["eval_cut_off"], (lengths > 6).mean(-1))
    assert all(array.dtype == np.float64 and array.shape == (4, 2) for array in found.values())
    alone = summarize(Episodes(returns[..., :1], lengths[..., :1], lengths[..., :1] > 6))
    assert np.isnan(alone["eval_return_se"]).all() and np.isfinite(alone["eval_return"]).all()


@pytest.mark.parametrize(("env_limit", "expected"), [(None, DEFAULT_MAX_STEPS), (40, 40)])
def test_the_limit_is_the_environments_own_where_it_has_one(env_limit, expected):
    from momentum_jax.config.run_config import Arm, RunConfig

    config = RunConfig(experiment="x", arms=(Arm(name="a"),), environment="walk", eval_episodes=4)
    asked = Evaluation(episodes=4, max_steps=expected, draw=2)
    assert config.described(TASK.diagnostics, env_limit).evaluation == asked
    assert TASK.episode_limit is None
