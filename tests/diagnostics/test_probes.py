"""The primary metric: exact action probabilities on flat probe states, from the draw of the states to the averages."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics import probes
from momentum_jax.env import momentum_probes, rules
from momentum_jax.env.device_market import FIRST_BAR
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import EnvParams, Momentum, make_market, typed_options
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training.fleet import Fleet, program_layouts
from tests.markets import make_segment

NUM_BARS = 301  # cursors 20 … 299 can be probed, an even number: the two halves hold every one of them
CURSORS = np.arange(FIRST_BAR, NUM_BARS - 1)
ENV = Momentum()


@pytest.fixture(scope="module")
def probed_market():
    return make_market([make_segment(NUM_BARS)])


def score_by_reward(market, options):
    """[280] int: the setup score in the telemetry of a HOLD taken flat at each cursor."""
    params = EnvParams(market=market, options=typed_options(options))

    @jax.vmap
    def hold(bar):
        state = rules.initial_state(jnp.float32, bar)
        return rules.step(state, jnp.int32(rules.HOLD), params.market, params.options)[3].setup_score

    return np.asarray(hold(jnp.asarray(CURSORS)))


def test_the_halves_share_no_cursor_and_stay_below_the_last_bar():
    bars = momentum_probes.draw_probe_bars(20, 8_271)
    assert bars.shape == (2, 1_024)
    assert np.unique(bars).size == 2_048
    assert bars.min() >= 20 and bars.max() < 8_271
    np.testing.assert_array_equal(bars, momentum_probes.draw_probe_bars(20, 8_271))


def test_a_short_segment_gives_every_cursor_that_can_decide_to_one_of_the_halves():
    bars = momentum_probes.draw_probe_bars(20, 30)
    assert bars.shape == (2, 5)
    np.testing.assert_array_equal(np.sort(bars.ravel()), np.arange(20, 30))


def test_means_by_context_by_hand():
    probabilities = jnp.asarray(
        [
            [[0.2, 0.8], [0.4, 0.6], [0.9, 0.1]],
            [[0.1, 0.9], [0.3, 0.7], [0.8, 0.2]],
        ]
    )
    mean, count, _ = probes.answers(jnp.log(probabilities), jnp.asarray([[0, 0, 4], [3, 4, 4]]), 5)
    expected = np.full((2, 5, 2), np.nan)
    expected[0, 0], expected[0, 4] = [0.3, 0.7], [0.9, 0.1]
    expected[1, 3], expected[1, 4] = [0.1, 0.9], [0.55, 0.45]
    np.testing.assert_allclose(mean, expected, rtol=1e-6)
    np.testing.assert_array_equal(count, [[2, 0, 0, 0, 1], [0, 0, 0, 1, 2]])


def test_changes_of_policies_by_hand():
    """Two states in one half: in the first the most probable action changes, in the second nothing."""
    before = np.log([[[[0.75, 0.25], [0.5, 0.5]]]])
    now = np.log([[[[0.1, 0.9], [0.5, 0.5]]]]).repeat(2, axis=0)
    now[1] = np.nan  # a policy that is not finite
    found = probes.changes(np.concatenate([before, before]), now)
    np.testing.assert_allclose(found["churn"], [0.5, np.nan])
    np.testing.assert_allclose(found["policy_kl"], [(0.75 * np.log(7.5) + 0.25 * np.log(0.25 / 0.9)) / 2, np.nan])
    np.testing.assert_array_equal(probes.changes(None, now)["churn"], [np.nan, np.nan])


def test_an_action_that_is_illegal_in_both_policies_adds_nothing_to_their_divergence():
    log_probs = np.log(np.float32([[[[0.75, 0.25]]]]))
    padded = np.concatenate([log_probs, np.full((1, 1, 1, 1), np.float32(-1e9))], axis=-1)
    assert probes.changes(padded, padded)["policy_kl"] == 0
    assert probes.changes(padded, padded - np.float32([0.1, 0.2, 64]))["policy_kl"] == pytest.approx(0.125)


@pytest.mark.parametrize("options", [{}, {"put_setup": -1.0}, {"decision_time_setup": True}], ids=str)
def test_a_probe_states_score_is_the_one_that_the_reward_goes_by(probed_market, options):
    options = EnvOptions(**options)
    params = EnvParams(market=probed_market, options=typed_options(options))
    np.testing.assert_array_equal(
        ENV.probe_contexts(ENV.flat_observation(jnp.asarray(CURSORS)), params), score_by_reward(probed_market, options)
    )


# What a run reports, against plain NumPy

PPO = PPOConfig(num_steps=64, minibatch_size=32, hidden_sizes=(8, 8), learning_rate=5e-3, ent_coef=0.0)
ARMS = (Arm(name="reference", ppo=PPO), Arm(name="mirrored", env=EnvOptions(put_setup=-1.0), ppo=PPO))
UPDATES = 3


@pytest.fixture(scope="module")
def trained(probed_market):
    """Probes of the trained policies, [arm, seed, ...], and the policies by arm and layer, [seed, ...]."""
    config = RunConfig(experiment="test", arms=ARMS, timesteps=UPDATES * 64, num_seeds=2)
    fleet = Fleet(config, ENV, probed_market, program_layouts(config, ENV, 2))
    for _ in range(UPDATES):
        fleet.fetch(fleet.update())
    p_action, count, _ = fleet.fetch(fleet.probe())
    policies = {
        arm: {name: np.stack(list(rows.rows)).astype(np.float64) for name, rows in layers.items()}
        for arm, layers in fleet.policies()
    }
    return p_action.reshape(2, 2, 2, 5, 6), count.reshape(2, 2, 2, 5), policies


def probabilities_in_numpy(market, layers, seed):
    """[280, 6] float64: the exported policy's softmax over HOLD, BUY_CALL, BUY_PUT at every cursor, flat."""
    params = EnvParams(market=market, options=typed_options(EnvOptions()))
    flat = jax.vmap(lambda bar: ENV.observe(None, rules.initial_state(jnp.float32, bar), None, params))
    hidden = np.asarray(flat(jnp.asarray(CURSORS)), np.float64).reshape(len(CURSORS), 460)
    for number in (0, 1):
        hidden = np.tanh(
            hidden @ layers[f"policy/dense_{number}/kernel"][seed] + layers[f"policy/dense_{number}/bias"][seed]
        )
    logits = hidden @ layers["policy/dense_2/kernel"][seed] + layers["policy/dense_2/bias"][seed]
    weights = np.exp(logits - logits.max(axis=1, keepdims=True)) * [1, 1, 1, 0, 0, 0]
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("arm", [0, 1])
@pytest.mark.parametrize("seed", [0, 1])
def test_probabilities_are_those_of_the_exported_policy_over_all_cursors(trained, probed_market, arm, seed):
    p_action, count, policies = trained
    expected = probabilities_in_numpy(probed_market, policies[ARMS[arm].name], seed)
    assert np.ptp(expected[:, 0]) > 0.05  # the policy tells the states apart
    scores = score_by_reward(probed_market, ARMS[arm].env)
    for score in range(5):
        member = scores == score
        number = count[arm, seed, :, score]
        assert number.sum() == member.sum()
        total = np.nansum(number[:, None] * p_action[arm, seed, :, score], axis=0)
        np.testing.assert_allclose(total, expected[member].sum(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(count[arm, seed].sum(axis=1), [140, 140])
