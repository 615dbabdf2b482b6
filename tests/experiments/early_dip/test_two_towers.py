"""A policy of two towers: tune2's at the start, and afterwards each tower learns from the decisions of its own kind."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env.momentum import EnvParams, Momentum
from momentum_jax.env.momentum_events import EVENT_WORD
from momentum_jax.env.task import DecisionWeights
from momentum_jax.networks import backend
from momentum_jax.networks.network import make
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches, learner, learning, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs

NETWORK = "momentum_jax.experiments.early_dip.two_towers:TwoTowers"
CONFIG = PPOConfig(
    num_steps=128, minibatch_size=128, num_epochs=1, hidden_sizes=(8, 8), network=NETWORK, learning_rate=1e-2
)
TASK = Momentum()
AGENT, TOWERS = agents.make(TASK, CONFIG), agents.make(TASK, PPOConfig(hidden_sizes=(8, 8)))
H = 8


@pytest.fixture(scope="module")
def acted(market):
    """A rollout of the initial policy as a batch, its features, and which of its decisions were taken while flat."""
    state = jax.jit(partial(learner.init, TASK, CONFIG))(market.params, seed_streams(0))

    @partial(jax.jit, compiler_options=quick_programs.OPTIONS)
    def collect(env_params):
        keys = state.streams.at_update(jnp.int32(0))
        actors, trajectory = rollout.collect(
            AGENT, CONFIG, state.params, rollout.Actors(state.env_state, ()), env_params, keys.action, keys.market
        )
        batch, _ = batches.prepare(AGENT, CONFIG, state.params, trajectory, actors, env_params)
        return batch, trajectory, AGENT.features(batch.compact, env_params)

    batch, trajectory, features = collect(market.params)
    is_flat = EVENT_WORD.flag(trajectory.event[:, 0], "is_flat")
    assert 20 < int(is_flat.sum()) < 108  # decisions of both kinds
    return SimpleNamespace(state=state, batch=batch, features=features, is_flat=np.asarray(is_flat))


def trained(acted, env_params, weights=()):
    """Parameters after one step of Adam."""
    params, _, _ = jax.jit(partial(learning.learn, AGENT, CONFIG), compiler_options=quick_programs.OPTIONS)(
        env_params,
        CONFIG.learning_rate,
        acted.state.params,
        acted.state.opt_state,
        acted.batch._replace(weights=weights),
        jnp.arange(CONFIG.num_steps)[None],
    )
    return params


def towers(params):
    """Every tower's layers, the first with its own part of the joined one."""
    first = {name: np.split(np.asarray(leaf), 3, axis=-1) for name, leaf in params["first"].items()}
    return {
        tower: [first["feature_kernel"][place], first["bias"][place], *jax.tree.leaves(params[tower])]
        for place, tower in enumerate(("flat", "position", "value"))
    }


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("heard", "still"), [("position", "flat"), ("flat", "position")])
def test_decisions_of_one_kind_leave_the_other_tower_exactly_as_it_was(acted, market, heard, still):
    chosen = jnp.asarray(acted.is_flat if heard == "flat" else ~acted.is_flat, jnp.float32)
    before = towers(acted.state.params)
    after = towers(trained(acted, market.params, DecisionWeights(chosen, chosen)))
    assert same(before[still], after[still])
    assert not any(np.array_equal(a, b) for a, b in zip(before[heard], after[heard], strict=True))
    assert not same(before["value"], after["value"])


def test_all_decisions_move_all_towers(acted, market):
    before, after = towers(acted.state.params), towers(trained(acted, market.params))
    assert not any(same(before[tower], after[tower]) for tower in before)


def test_at_the_start_it_is_the_policy_and_value_of_the_towers(acted):
    """From the same key, in flat states and in positions."""
    plain, _ = TOWERS.init_params(acted.state.streams.init)
    logits, values = AGENT.evaluate(acted.state.params, acted.features, (), 1)
    expected_logits, expected_values = TOWERS.evaluate(plain, acted.features, (), 1)
    np.testing.assert_allclose(logits, expected_logits, rtol=0, atol=1e-6)
    np.testing.assert_allclose(values, expected_values, rtol=0, atol=1e-6)
    both = towers(acted.state.params)
    assert same(both["flat"], both["position"])


@pytest.fixture(scope="module")
def distinct(acted, market):
    """Trained parameters, whose two policy towers differ."""
    params = trained(acted, market.params)
    both = towers(params)
    assert not same(both["flat"], both["position"])
    return params


def test_a_step_of_acting_is_the_network_on_its_state(acted, market, distinct):
    """With the market's part computed before the loop, and without."""
    logits, _ = AGENT.evaluate(distinct, acted.features, (), 1)
    acting = AGENT.network.acting_params(distinct)
    assert jax.tree.leaves(acting)[0].shape[-1] == 2 * H
    rest = TASK.expand_rest(acted.batch.compact, market.params)
    seen = acted.features[:, : -rest.shape[-1]]
    apply = partial(AGENT.network.apply, {"params": acting})
    projected = apply(seen, method="project")
    starts = jnp.zeros(len(logits), bool)
    _, fast = apply((), projected, rest, starts, method="act_projected")
    _, slow = apply((), acted.features, starts, method="act")
    np.testing.assert_allclose(fast, logits, rtol=0, atol=2e-6)
    np.testing.assert_allclose(slow, logits, rtol=0, atol=2e-6)
    # The acting policy's own probabilities, from the rollout's loop, are those of the batch.
    assert acted.batch.log_prob.shape == starts.shape


def test_whole_observations_and_padded_features_choose_the_same_tower(acted, distinct):
    """A saved policy gets whole observations; an accelerator adds features of zeros."""
    logits, values = AGENT.evaluate(distinct, acted.features, (), 1)
    whole = AGENT.whole_params(distinct, acted.state.deviations)
    arrays = AGENT.network.to_arrays(whole)
    observation = TASK.observation(acted.features)
    found, found_values = AGENT.evaluate(AGENT.network.from_arrays(arrays), observation, (), 1)
    np.testing.assert_allclose(found, logits, rtol=0, atol=2e-5)
    np.testing.assert_allclose(found_values, values, rtol=0, atol=2e-5)
    padded = learning._padded(distinct, 1)
    found, _ = AGENT.evaluate(padded, jnp.pad(acted.features, ((0, 0), (0, 1))), (), 1)
    np.testing.assert_allclose(found, logits, rtol=0, atol=2e-6)


def test_the_initial_bias_is_on_both_towers(acted):
    bias = jnp.arange(6.0)
    biased = AGENT.network.bias_logits(acted.state.params, bias)
    before, _ = AGENT.evaluate(acted.state.params, acted.features, (), 1)
    after, _ = AGENT.evaluate(biased, acted.features, (), 1)
    np.testing.assert_allclose(after - before, jnp.broadcast_to(bias, after.shape), rtol=0, atol=1e-5)


def test_an_accelerators_program_learns_the_same(acted, market):
    with backend.assumed(backend.ACCELERATOR):
        padded = trained(acted, market.params)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-5), padded, trained(acted, market.params)
    )


def test_a_position_is_told_by_its_greeks(acted, market):
    params: EnvParams = market.params
    network = make(NETWORK, num_actions=6, hidden_sizes=(8,), activation="tanh")
    assert network.reads_features
    greeks = np.asarray(acted.batch.compact.greeks)
    np.testing.assert_array_equal((greeks != 0).any(axis=-1), ~acted.is_flat)
    flat = TASK.flat_observation(acted.batch.compact.bar)
    assert not np.asarray(TASK.expand_rest(flat, params)).any()
