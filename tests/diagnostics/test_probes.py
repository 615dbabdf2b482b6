"""The primary metric: exact action probabilities on flat probe states, from the draw of the states to the averages."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics import probes
from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env import momentum_probes, rules
from momentum_jax.env.device_market import FIRST_BAR
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import EnvParams, Momentum, make_market, typed_options
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training.fleet import Fleet, program_layouts
from tests.markets import make_segment
from tests.quick_programs import compiled_quickly

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


def test_changes_of_many_policies_are_those_of_each_alone():
    """They are counted some runs at a time, on all cores."""
    logits = np.random.default_rng(0).normal(size=(2, 2 * probes._BLOCK + 3, 2, 5, 3)).astype(np.float32)
    before, now = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    found = probes.changes(before, now)
    alone = [probes.changes(before[[run]], now[[run]]) for run in range(len(now))]
    assert found["churn"].dtype == found["policy_kl"].dtype == np.float64
    for name, values in found.items():
        np.testing.assert_array_equal(values, np.concatenate([each[name] for each in alone]))


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
ARMS = (
    Arm(name="reference", ppo=PPO),
    Arm(name="mirrored", env=EnvOptions(put_setup=-1.0), ppo=PPO),
    Arm(name="untrimmed", env=EnvOptions(trims_legal=False), ppo=PPO),
)
IN_POSITION_MASKS = ([1, 0, 0, 1, 1, 1], [1, 0, 0, 1, 1, 1], [1, 0, 0, 0, 0, 1])
UPDATES = 3


@pytest.fixture(scope="module")
def trained(probed_market):
    """Records of trained policies by probe set, [arm, seed, ...], and the policies by arm and layer, [seed, ...]."""
    config = RunConfig(experiment="test", arms=ARMS, timesteps=UPDATES * 64, num_seeds=2)
    with compiled_quickly():
        fleet = Fleet(config, ENV, probed_market, program_layouts(config, ENV, 2))
        for _ in range(UPDATES):
            fleet.fetch(fleet.update())
        records = fleet.fetch(fleet.probe())
    policies = {
        arm: {name: np.stack(list(rows.rows)).astype(np.float64) for name, rows in layers.items()}
        for arm, layers in fleet.policies()
    }
    split = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(len(ARMS), 2, *leaf.shape[1:]), records)
    return split, policies


def probabilities_in_numpy(observations, mask, layers, seed):
    """[N, 6] float64: the exported policy's softmax over the actions of the mask [6] at observations [N, 20, 23]."""
    hidden = np.asarray(observations, np.float64).reshape(len(observations), 460)
    for number in (0, 1):
        hidden = np.tanh(
            hidden @ layers[f"policy/dense_{number}/kernel"][seed] + layers[f"policy/dense_{number}/bias"][seed]
        )
    logits = hidden @ layers["policy/dense_2/kernel"][seed] + layers["policy/dense_2/bias"][seed]
    weights = np.exp(logits - logits.max(axis=1, keepdims=True)) * mask
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("arm", [0, 1])
@pytest.mark.parametrize("seed", [0, 1])
def test_probabilities_are_those_of_the_exported_policy_over_all_cursors(trained, probed_market, arm, seed):
    records, policies = trained
    p_action, count, _ = records[PRIMARY]
    params = EnvParams(market=probed_market, options=typed_options(EnvOptions()))
    flat = jax.vmap(lambda bar: ENV.observe(None, rules.initial_state(jnp.float32, bar), None, params))
    expected = probabilities_in_numpy(flat(jnp.asarray(CURSORS)), [1, 1, 1, 0, 0, 0], policies[ARMS[arm].name], seed)
    assert np.ptp(expected[:, 0]) > 0.05  # the policy tells the states apart
    scores = score_by_reward(probed_market, ARMS[arm].env)
    for score in range(5):
        member = scores == score
        number = count[arm, seed, :, score]
        assert number.sum() == member.sum()
        total = np.nansum(number[:, None] * p_action[arm, seed, :, score], axis=0)
        np.testing.assert_allclose(total, expected[member].sum(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(count[arm, seed].sum(axis=1), [140, 140])


# In a position


def play_to(params, bar, kind, entry_bar):
    """The state at the cursor `bar` of an episode that bought at the close of `entry_bar` and held since then."""
    state = rules.initial_state(jnp.float32, entry_bar - 1)
    state, *_ = rules.step(state, kind, params.market, params.options)

    def hold(state, _):
        held, *_ = rules.step(state, jnp.int32(rules.HOLD), params.market, params.options)
        return jax.tree.map(lambda now, before: jnp.where(state.bar < bar, now, before), held, state), None

    return jax.lax.scan(hold, state, None, momentum_probes.LONGEST_HELD)[0]


def test_a_twin_is_observed_like_a_position_that_was_bought_and_held_so_long(probed_market):
    params = EnvParams(market=probed_market, options=typed_options(EnvOptions()))
    twins = ENV.probe_states(probed_market)["position"]
    bars, kind, entry = (
        np.asarray(array).ravel() for array in (twins.env_state.bar, twins.env_state.kind, twins.env_state.entry_bar)
    )
    played = jax.jit(jax.vmap(lambda *twin: play_to(params, *twin)))(bars, kind, entry)
    # Not the first bar's, where no episode has a position, nor those that were stopped on the way.
    reached = (bars > FIRST_BAR) & np.asarray(played.kind > 0)
    assert reached.sum() > 200 and (np.asarray(played.bar) == bars)[reached].all()
    observed = jax.vmap(lambda state: ENV.observe(None, state, None, params))(played)
    features = ENV.expand(jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), twins.compact), params)
    expanded = ENV.observation(features).reshape(observed.shape)
    np.testing.assert_allclose(np.asarray(expanded)[reached], np.asarray(observed)[reached], rtol=1e-6, atol=1e-6)
    delta = np.asarray(observed)[reached, 0, 19]
    assert (delta[kind[reached] == 1] > 0).all() and (delta[kind[reached] == 2] < 0).all()


@pytest.mark.parametrize(("first", "last"), [([20], [8_271]), ([20, 391, 762], [390, 761, 1_132]), ([20], [30])])
def test_twins_are_half_calls_half_puts_and_entered_within_their_segment(first, last):
    bars = momentum_probes.draw_probe_bars(first, last)
    kind, entry = momentum_probes.draw_positions(bars, first)
    assert kind.dtype == entry.dtype == np.int32 and kind.shape == entry.shape == bars.shape
    for half in kind:
        calls, puts = (half == rules.BUY_CALL).sum(), (half == rules.BUY_PUT).sum()
        assert calls + puts == half.size and calls - puts in (0, 1)
    held = bars - entry
    since_start = bars - np.array([max(start for start in first if start <= bar) for bar in bars.ravel()]).reshape(
        bars.shape
    )
    assert (held[since_start > 20] >= 1).all() and held.max() <= 20
    assert (held < np.maximum(since_start, 1)).all()  # bought in its own segment, after its first bar
    assert (held >= 0).all() and (held[since_start == 0] == 0).all()
    if bars.size > 1_000:
        assert set(held[since_start > 20]) == set(range(1, 21))
    for found, again in zip((kind, entry), momentum_probes.draw_positions(bars, first), strict=True):
        np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("arm", [0, 1, 2])
@pytest.mark.parametrize("seed", [0, 1])
def test_probabilities_in_a_position_are_those_of_the_exported_policy_on_the_twins(trained, probed_market, arm, seed):
    records, policies = trained
    p_action, count, log_probs = records["position"]
    params = EnvParams(market=probed_market, options=typed_options(ARMS[arm].env))
    twins = ENV.probe_states(probed_market)["position"].env_state
    observed = jax.vmap(jax.vmap(lambda state: ENV.observe(None, state, None, params)))(twins)
    observed, mask = observed.reshape(-1, 20, 23), IN_POSITION_MASKS[arm]
    expected = probabilities_in_numpy(observed, mask, policies[ARMS[arm].name], seed)
    expected = expected.reshape(2, 140, 6)
    assert np.ptp(expected[..., 0]) > 0.01  # the policy tells the states apart
    np.testing.assert_allclose(np.exp(log_probs[arm, seed]), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(p_action[arm, seed], expected.mean(axis=1), rtol=1e-4, atol=1e-5)
    assert count[arm, seed].tolist() == [140, 140]
