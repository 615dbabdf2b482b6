"""What the rollout looks up beforehand changes nothing: it acts as if each step looked for itself."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.device_market import FIRST_BAR
from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.env.momentum import EnvParams, Momentum, make_market, typed_options
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import learner, packing, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests.env.realistic_market import make_sessions
from tests.markets import make_segment

WORD = EventWord.of(MOMENTUM)
CONFIG = PPOConfig(num_steps=200, num_envs=3, minibatch_size=50, num_epochs=1, hidden_sizes=(8, 8))


class StepByStep(Momentum):
    """The environment as any other: every step looks for itself."""

    def exogenous(self, state, reset_keys, params):
        return ()


def params_of(num_segments: int, **changes) -> EnvParams:
    """Segments with a few dozen bars behind the first window, so that episodes end within a rollout."""
    segments = [make_segment(num_bars=60 + 7 * index, seed=index) for index in range(num_segments)]
    options = EnvOptions(**changes)
    segments = [make_sessions()] if options.session_episodes else segments
    return EnvParams(market=make_market(segments, options=options), options=typed_options(options))


@pytest.mark.parametrize(
    ("num_segments", "options"),
    [
        (1, {}),
        (3, {"decision_time_setup": True, "put_setup": -1.0}),
        (3, {"liquidate_at_end": True}),
        (3, PRESETS["realistic"]),
    ],
)
def test_exogenous_lookups_act_like_step_by_step_ones_through_episode_ends(num_segments, options):
    env_params, own = params_of(num_segments, **options), EnvOptions(**options)
    state = learner.init(Momentum(own), CONFIG, env_params, seed_streams(0))
    # A policy with opinions: the initial one is all but uniform.
    layers = state.params["policy"]
    loud = {**layers, "1": jax.tree.map(lambda leaf: 20.0 * leaf, layers["1"])}
    policy = {**state.params, "policy": loud}

    def collected(task):
        agent = agents.make(task, CONFIG)
        collect = jax.jit(lambda key, actors: rollout.collect(agent, CONFIG, policy, actors, env_params, key, key))
        actors, trajectories = rollout.Actors(state.env_state, ()), []
        for update in range(4):  # the next begins where the one before ends, within an episode
            actors, trajectory = collect(jax.random.key(update), actors)
            trajectories.append(trajectory)
        return actors, trajectories

    found, expected = collected(Momentum(own)), collected(StepByStep(own))
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        if jnp.issubdtype(one.dtype, jnp.floating):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
        else:
            np.testing.assert_array_equal(one, other)
    event = np.stack([trajectory.event for trajectory in found[1]])
    assert WORD.flag(event, "episode_end").sum() >= 2 * CONFIG.num_envs
    assert len(np.unique(WORD.action(event))) == 6
    bars = np.stack([trajectory.compact.bar for trajectory in found[1]])
    starts = set(np.unique(bars)) & set(np.asarray(env_params.market.starts).tolist())
    assert len(starts) == num_segments


def test_a_path_starts_anew_after_the_last_bar():
    market = params_of(1).market
    last = market.last_bar
    path = market.path(jnp.int32(last - 2), jnp.full((4,), FIRST_BAR, jnp.int32))
    np.testing.assert_array_equal(path, [last - 2, last - 1, FIRST_BAR, FIRST_BAR + 1])


def test_a_path_over_segments_goes_where_the_episode_is_drawn():
    market = params_of(2).market
    starts, ends = np.asarray(market.starts), np.asarray(market.ends)
    path = market.path(jnp.int32(ends[0] - 1), jnp.asarray([starts[1], starts[0], starts[0]]))
    np.testing.assert_array_equal(path, [ends[0] - 1, starts[1], starts[1] + 1])


def test_packing_keeps_every_leaf():
    tree = {
        "a": jnp.arange(6.0).reshape(2, 3),
        "b": (jnp.array([1, 2]), jnp.array([True, False])),
        "c": jnp.arange(12, dtype=jnp.int32).reshape(2, 2, 3),
    }
    pack = packing.of(tree, lead=1)
    packed = pack.pack(tree)
    assert [array.shape for array in packed] == [(2, 3), (2, 7), (2, 1)]
    jax.tree.map(np.testing.assert_array_equal, pack.unpack(packed), tree)
    one = jax.tree.map(lambda leaf: leaf[1], tree)
    jax.tree.map(np.testing.assert_array_equal, pack.unpack(pack.pack(one)), one)
    assert packing.of((), lead=1).unpack(packing.of((), lead=1).pack(())) == ()


def test_a_rollout_stores_what_an_unpacked_one_would(market):
    """The loop's packed arrays hold the leaves in their places: events agree with what they were packed beside."""
    state = learner.init(Momentum(), CONFIG, market.params, seed_streams(0))
    config = dataclasses.replace(CONFIG, num_steps=50)
    key = jax.random.key(3)
    agent, actors = agents.make(Momentum(), config), rollout.Actors(state.env_state, ())
    _, trajectory = rollout.collect(agent, config, state.params, actors, market.params, key, key)
    np.testing.assert_array_equal(WORD.action(trajectory.event), trajectory.action)
    flat = WORD.flag(np.asarray(trajectory.event), "is_flat")
    np.testing.assert_array_equal(trajectory.action_mask[..., 1], flat)
    np.testing.assert_array_equal((np.asarray(trajectory.compact.greeks) == 0).all(axis=-1), flat)
    np.testing.assert_array_equal(trajectory.compact.bar[:, 0], FIRST_BAR + np.arange(50))
