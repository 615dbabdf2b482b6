"""Networks that remember are asked twice: as at an episode's start, and after the steps before each probe state."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.probes import WARMING_STEPS
from momentum_jax.diagnostics.variables import PRIMARY, WARMED, table
from momentum_jax.env import momentum_probes
from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import distributions, learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.training.run_description import describe_run, probe_sets

TASK = Momentum()
SMALL = {"num_steps": 32, "minibatch_size": 16, "hidden_sizes": (4,), "lstm_size": 3}
LSTM = PPOConfig(**SMALL, network="lstm", minibatching="rotation")


def test_the_bars_before_begin_with_their_segment():
    bars, start = momentum_probes.bars_before(np.array([[12, 25], [20, 10]]), [10, 20], 3)
    np.testing.assert_array_equal(bars, [[[10, 10, 11], [22, 23, 24]], [[20, 20, 20], [10, 10, 10]]])
    np.testing.assert_array_equal(start, [[[1, 1, 0, 0], [0, 0, 0, 0]], [[1, 1, 1, 1], [1, 1, 1, 1]]])


def config(*networks):
    arms = tuple(Arm(name=name, ppo=PPOConfig(**SMALL, network=name)) for name in networks)
    return RunConfig(experiment="test", arms=arms, timesteps=64)


def test_they_are_recorded_only_where_a_network_remembers(market):
    shared = market.params.market
    assert "p_action_warmed" not in table(describe_run(config("towers"), TASK))
    assert WARMED not in probe_sets(config("towers"), TASK, shared)
    recorded = table(describe_run(config("towers", "lstm"), TASK))
    assert recorded["p_action_warmed"].dims == recorded["p_action"].dims
    assert {"probe_count_warmed", "churn_warmed", "policy_kl_warmed"} < recorded.keys()
    sets = probe_sets(config("towers", "lstm"), TASK, shared)
    np.testing.assert_array_equal(sets[WARMED].compact.bar, sets[PRIMARY].compact.bar[:, ::4])


@pytest.fixture(scope="module")
def asked(market):
    """A policy with opinions, the warmed states, and what it answers on them, [2, P, A]."""
    sets = probe_sets(config("lstm"), TASK, market.params.market)
    state = learner.init(TASK, LSTM, market.params, seed_streams(0))
    state = state.replace(params=jax.tree.map(lambda leaf: 3 * leaf, state.params))
    warmed = sets[WARMED]
    ask = jax.jit(
        lambda history: learner.log_probabilities(
            TASK, LSTM, market.params, state, warmed.compact, warmed.action_mask, history
        )
    )
    return state, warmed, ask(warmed.history), ask(())


def test_answers_are_those_at_the_end_of_the_steps_before(market, asked):
    """As one sequence of all steps, from the zero state."""
    state, warmed, found, cold = asked
    agent = agents.make(TASK, LSTM)
    first = int(market.params.market.starts.min())
    chosen = int(np.argmax(np.asarray(warmed.compact.bar[1]) >= first + WARMING_STEPS))
    bars = warmed.compact.bar[1, chosen] + jnp.arange(-WARMING_STEPS, 1)
    features = agent.features(TASK.flat_observation(bars), market.params)
    memory = agents.Memory(agent.network.init_carry(len(bars)), jnp.zeros(len(bars), bool))
    logits, _ = agent.evaluate(state.params, features, memory, len(bars))
    expected = distributions.masked_log_probs(logits[-1], warmed.action_mask[1, chosen])
    np.testing.assert_allclose(found[1, chosen], expected, rtol=1e-4, atol=1e-5)
    assert np.abs(np.asarray(found - cold)[1, chosen, :3]).max() > 1e-3


def test_at_an_episodes_start_both_answers_are_one(market, asked):
    _, warmed, found, cold = asked
    starts = np.asarray(warmed.history.start)[..., -1]
    np.testing.assert_array_equal(np.asarray(warmed.compact.bar) == int(market.params.market.starts.min()), starts)
    np.testing.assert_allclose(np.asarray(found)[starts], np.asarray(cold)[starts], rtol=1e-5, atol=1e-6)
