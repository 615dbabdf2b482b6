"""What comes later changes nothing of a decision: not one bit with `realistic`, and the reference's three known faults.

Bars and VIX after a decision are replaced by others. Everything up to the decision has to stay as it was: observation,
legal actions, setup, the score of a probe state there, and a policy's probabilities.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env import rules
from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.env.momentum import Momentum, make_params
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import distributions
from momentum_jax.ppo.traced_config import PPOConfig
from tests.env.realistic_market import DAYS, LENGTHS, VIX_DAYS, make_sessions

STEPS = 180
REALISTIC, REFERENCE = (EnvOptions(**PRESETS[name]) for name in ("realistic", "reference"))
VIX_TODAY, VIX_TREND = 5, 6  # columns of the observation


def changed_after(segment, session, bar, *, bars=True, today=True, later=True):
    """The same segment with other bars from `bar` of the session on, and another VIX of that day and of later ones."""
    first = sum(LENGTHS[:session]) + bar
    prices, vix = segment.bars.copy(), segment.vix_close.copy()
    if bars:
        rng = np.random.default_rng(99)
        factor = 0.9 + 0.2 * rng.random((len(prices) - first, 1))
        prices[first:, :4] = np.round(prices[first:, :4] * factor, 2)
        prices[first:, 4] = rng.integers(1, 10**6, len(prices) - first)
    place = VIX_DAYS.index(DAYS[session])
    vix[place] += 7.0 if today else 0.0
    vix[place + 1 :] += 11.0 if later else 0.0
    return dataclasses.replace(segment, bars=prices, vix_close=vix)


class Player:
    """A policy of random weights that plays a session; one compiled program for all markets.

    One that only looks holds whatever it would do. The reference's positions hang on a bar that no window shows yet,
    at whose close they are filled and marked, so what it sees is compared while it is flat.
    """

    def __init__(self, options, only_looks=False):
        self.options, self.env, self.only_looks = options, Momentum(options), only_looks
        self.agent = agents.make(self.env, PPOConfig())
        params, _ = self.agent.init_params(jax.random.key(3))
        # Large weights: probabilities that follow the observation closely.
        self.params = jax.tree.map(lambda leaf: 3.0 * leaf, params)
        self._play = jax.jit(self._steps)

    def play(self, segment, session):
        """What is seen and done at each decision, leaves [STEPS, ...]: by name."""
        return jax.device_get(self._play(make_params(segment, self.options), session))

    def _steps(self, params, session):
        env, acting = self.env, self.agent.network.acting_params(self.params)
        start = params.market.starts[session]

        def step(state, key):
            compact, mask = env.compact(state, params), env.action_mask(state, params)
            _, logits = self.agent.act(acting, (), compact, params, ())
            log_probs = distributions.masked_log_probs(logits, mask)
            action = distributions.sample(log_probs, jax.random.gumbel(key, (rules.NUM_ACTIONS,)))
            action = rules.HOLD if self.only_looks else action
            following, reward, _, told = rules.step(state, jnp.int32(action), params.market, params.options)
            flat = jax.tree.map(lambda leaf: leaf[0], env.flat_observation(state.bar[None], params.market))
            seen = {
                "observation": env.observe(None, state, None, params),
                "mask": mask,
                "setup": (told.setup_score, told.strong_setup, told.chase_setup),
                "probe score": env.probe_contexts(flat, params),
                "probabilities": jnp.exp(log_probs),
            }
            return following, (seen, reward)

        keys = jax.random.split(jax.random.key(0), STEPS)
        return jax.lax.scan(step, env.state_at(start, params), keys)[1]


@pytest.fixture(scope="module", params=["next_close", "next_open"])
def realistic(request):
    return Player(dataclasses.replace(REALISTIC, fill=request.param))


@pytest.fixture(scope="module")
def reference():
    return Player(REFERENCE, only_looks=True)


def differing(player, session, bar, **what):
    """Names of what later data change at the decision on the bars before `bar`, and the rewards before it: [K] bool."""
    segment = make_sessions()
    if player.options == REFERENCE:
        segment = dataclasses.replace(segment, vix_timing="same_day")
    at = bar - 20
    pairs = [player.play(market, session) for market in (segment, changed_after(segment, session, bar, **what))]
    (seen, rewards), (again, others) = pairs
    names = {name for name in seen if not jax.tree.all(jax.tree.map(partial(_same, at), seen[name], again[name]))}
    return names, rewards[:at] != others[:at], (seen["observation"][at], again["observation"][at])


def _same(at, one, other):
    """Whether two records [STEPS, ...] have the same bits up to the step `at` and at it."""
    return one[: at + 1].tobytes() == other[: at + 1].tobytes()


@pytest.mark.parametrize("bar", [20, 21, 57, 123, 199])
@pytest.mark.parametrize("session", [0, 1])
def test_realistic_sees_nothing_of_what_comes_later(realistic, session, bar):
    names, rewards, (seen, again) = differing(realistic, session, bar)
    assert not names and not rewards.any()
    assert seen.tobytes() == again.tobytes()


def test_what_comes_later_does_change_what_is_seen_later(realistic):
    """The test above could not fail otherwise."""
    segment = make_sessions()
    (seen, _), (again, _) = (realistic.play(market, 0) for market in (segment, changed_after(segment, 0, 100)))
    for name in ("observation", "setup", "probe score", "probabilities"):
        assert not jax.tree.all(jax.tree.map(partial(_same, STEPS - 1), seen[name], again[name])), name
    assert (seen["observation"][81] != again["observation"][81]).any()


def found_in_reference(reference, decided, **what):
    """Names and columns of the observation that later data change at any of the bars `decided` at."""
    names, columns = set(), set()
    for bar in decided:
        found, _, (seen, again) = differing(reference, 0, bar, **what)
        names |= found
        columns |= set(np.flatnonzero((seen != again).any(axis=0)))
    return names, columns


def test_the_vix_of_the_same_day_is_found_in_the_reference(reference):
    names, columns = found_in_reference(reference, [57], bars=False, later=False)
    assert names == {"observation", "probabilities"} and columns == {VIX_TODAY, VIX_TREND}


def test_the_end_of_the_vix_series_is_found_in_the_reference(reference):
    names, columns = found_in_reference(reference, [57], bars=False, today=False)
    assert names == {"observation", "probabilities"} and columns == {VIX_TREND}


def test_the_setup_of_a_bar_that_is_not_seen_is_found_in_the_reference(reference):
    names, columns = found_in_reference(reference, range(40, 70, 3), today=False, later=False)
    assert names == {"setup", "probe score"} and columns == set()
