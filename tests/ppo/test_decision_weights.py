"""Weights of decisions: what a decision that weighs nothing cannot move, and what the weights leave as it was."""

from __future__ import annotations

import dataclasses
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env import decision_weights
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import EnvParams, Momentum, typed_options
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.fields import without_unused
from momentum_jax.networks.towers import split_towers
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches, learner, learning, losses, rollout
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs
from tests.training.engine_runs import make_run, train

WORD = EventWord.of(MOMENTUM)
# One gradient step on the whole rollout, so large that nothing is clipped, and no decision's advantage depends on
# those of others.
CONFIG = PPOConfig(
    num_steps=128,
    minibatch_size=128,
    num_epochs=1,
    hidden_sizes=(8,),
    optimizer="sgd",
    learning_rate=1.0,
    max_grad_norm=1e9,
    normalize_advantage=False,
)
TASK = Momentum()
AGENT = agents.make(TASK, CONFIG)
FLAT_UNHEARD = {"flat_policy_weight": 0.0, "flat_entropy_weight": 0.0}
POSITION_UNHEARD = {"position_policy_weight": 0.0, "position_entropy_weight": 0.0}


@pytest.fixture(scope="module")
def acted(market):
    """A rollout of the initial policy: its state, batch, and which decisions were taken while flat."""
    state = jax.jit(partial(learner.init, TASK, CONFIG))(market.params, seed_streams(0))

    @partial(jax.jit, compiler_options=quick_programs.OPTIONS)
    def collect(env_params):
        actors = rollout.Actors(state.env_state, ())
        keys = state.streams.at_update(jnp.int32(0))
        actors, trajectory = rollout.collect(AGENT, CONFIG, state.params, actors, env_params, keys.action, keys.market)
        return batches.prepare(AGENT, CONFIG, state.params, trajectory, actors, env_params)[0], trajectory.event[:, 0]

    batch, event = collect(market.params)
    is_flat = WORD.flag(event, "is_flat")
    assert 20 < int(is_flat.sum()) < 108  # decisions of both kinds
    return SimpleNamespace(params=state.params, opt_state=state.opt_state, batch=batch, event=event, is_flat=is_flat)


@pytest.fixture(scope="module")
def learned(market, acted):
    """Towers after one gradient step on a batch, weighed as the options ask for."""
    rows = jnp.arange(CONFIG.num_steps)[None]

    @partial(jax.jit, compiler_options=quick_programs.OPTIONS)
    def step(env_params, batch):
        return learning.learn(AGENT, CONFIG, env_params, 1.0, acted.params, acted.opt_state, batch, rows)

    def towers(batch, **options):
        options = typed_options(EnvOptions(**options))
        env_params = EnvParams(market=market.params.market, options=options)
        weights = TASK.decision_weights(acted.event, env_params)
        params, _, (metrics, _) = step(env_params, batch._replace(weights=weights))
        return SimpleNamespace(**split_towers(params), metrics=metrics)

    return towers


def perturbed(batch, chosen):
    """The batch with other advantages, actions and old probabilities of the chosen decisions [B]."""
    other = jnp.argmax(batch.action_mask & (jnp.arange(6) != batch.action[:, None]), axis=1).astype(jnp.int32)
    return batch._replace(
        advantage=jnp.where(chosen, 3.0 - 2.0 * batch.advantage, batch.advantage),
        action=jnp.where(chosen, other, batch.action),
        log_prob=jnp.where(chosen, batch.log_prob - 0.1, batch.log_prob),
    )


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


@pytest.mark.parametrize("unheard", ["flat", "position"])
def test_decisions_that_weigh_nothing_do_not_move_the_policy(acted, learned, unheard):
    options = FLAT_UNHEARD if unheard == "flat" else POSITION_UNHEARD
    chosen = acted.is_flat if unheard == "flat" else ~acted.is_flat
    before = learned(acted.batch, **options)
    assert same(before.policy, learned(perturbed(acted.batch, chosen), **options).policy)
    assert not same(before.policy, learned(perturbed(acted.batch, ~chosen), **options).policy)
    # They would have moved it.
    plain = learned(acted.batch)
    assert not same(plain.policy, learned(perturbed(acted.batch, chosen)).policy)
    assert not same(plain.policy, before.policy)


def test_the_critic_learns_from_every_decision_alike(acted, learned):
    plain = learned(acted.batch)
    for options in (FLAT_UNHEARD, POSITION_UNHEARD, FLAT_UNHEARD | POSITION_UNHEARD):
        assert same(plain.value, learned(acted.batch, **options).value)


def test_without_any_weight_the_policy_stays_where_it_is(acted, learned):
    still = learned(acted.batch, **FLAT_UNHEARD, **POSITION_UNHEARD)
    assert same(still.policy, split_towers(acted.params)["policy"])


def test_the_entropy_bonus_has_weights_of_its_own(acted, learned):
    """`gradient_position_only_entropy`: the bonus of flat decisions stays, and nothing else of them."""
    options = {"flat_policy_weight": 0.0}
    before = learned(acted.batch, **options)
    assert same(before.policy, learned(perturbed(acted.batch, acted.is_flat), **options).policy)
    assert not same(before.policy, learned(acted.batch, **FLAT_UNHEARD).policy)


def test_what_flat_and_position_decisions_do_adds_up_to_what_all_do(acted, learned):
    """The sums are divided by the size of the minibatch, whatever the weights are."""
    start = split_towers(acted.params)["policy"]
    towers = [learned(acted.batch, **options).policy for options in (FLAT_UNHEARD, POSITION_UNHEARD, {})]
    steps = [jax.tree.map(lambda after, before: after - before, tower, start) for tower in towers]
    jax.tree.map(lambda a, b, both: np.testing.assert_allclose(a + b, both, rtol=0, atol=1e-6), *steps)


def test_what_is_logged_is_of_all_decisions(acted, learned):
    plain, weighed = learned(acted.batch).metrics, learned(acted.batch, **FLAT_UNHEARD).metrics
    for name in ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction"):
        np.testing.assert_array_equal(getattr(weighed, name), getattr(plain, name), err_msg=name)
    assert float(weighed.loss[0]) != float(plain.loss[0])  # what is minimised


def test_the_loss_of_weighed_decisions_by_hand():
    rng = np.random.default_rng(0)
    log_prob, old, advantages, values, returns, entropy = rng.normal(size=(6, 16)) * 0.3
    policy_weights, entropy_weights = rng.uniform(0, 2, (2, 16))
    config = PPOConfig(normalize_advantage=False, clip_range=0.2, ent_coef=0.3, vf_coef=0.7)
    loss, _ = losses.ppo_loss(
        *(jnp.asarray(array) for array in (log_prob, entropy, values, old, advantages, returns)),
        config,
        jnp.asarray(policy_weights),
        jnp.asarray(entropy_weights),
    )
    ratio = np.exp(log_prob - old)
    objective = np.minimum(advantages * ratio, advantages * np.clip(ratio, 0.8, 1.2))
    bonus = 0.3 * (entropy_weights * entropy).sum() / 16
    expected = -(policy_weights * objective).sum() / 16 - bonus + 0.7 * ((returns - values) ** 2).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


WORDS = [(True, False), (False, False), (False, True)]  # is_flat, forced_trim


def weights(**options):
    flat, forced = (jnp.asarray(flags) for flags in zip(*WORDS, strict=True))
    event = WORD.pack(jnp.int32(3), is_flat=flat, forced_trim=forced)
    (used,) = without_unused([EnvOptions(**options)])
    found = decision_weights.of_events(event, SimpleNamespace(options=used))
    return [] if found == () else [leaf.tolist() for leaf in found]


def test_each_decision_weighs_what_the_options_say_of_its_place():
    options = {"flat_policy_weight": 0.5, "position_policy_weight": 2.0}
    assert weights(**options, flat_entropy_weight=0.25, position_entropy_weight=4.0) == [[0.5, 2, 2], [0.25, 4, 4]]
    assert weights(position_policy_weight=0.0) == [[1, 0, 0], [1, 1, 1]]


def test_a_forced_trim_is_no_decision_of_the_policy():
    assert weights(forced_trim_rate=0.1, trims_legal=False) == [[1, 1, 0], [1, 1, 1]]
    assert weights(forced_trim_rate=0.1, position_policy_weight=2.0) == [[1, 2, 0], [1, 1, 1]]


def test_nothing_is_weighed_where_no_run_asks_for_it(market, acted):
    assert weights() == [] == weights(stop_reward_weight=0.5)
    assert acted.batch.weights == ()


def test_a_program_that_weighs_nothing_is_that_of_a_task_without_weights(market):
    class Unweighed(Momentum):
        decision_weights = None

    state = jax.eval_shape(partial(learner.init, TASK, CONFIG), market.params, seed_streams(0))
    programs = [
        str(jax.make_jaxpr(partial(learner.update, task, CONFIG))(market.params, jnp.int32(1), state))
        for task in (TASK, Unweighed())
    ]
    assert programs[0] == programs[1]


@pytest.mark.slow
def test_a_run_with_all_weights_at_1_beside_one_with_others_is_tune2s(market):
    """One program for both: the weights are traced for the run that leaves them at 1."""
    settings = {"learning_rate": 1e-3}
    _, alone = train(market, [make_run(0, **settings)])
    _, beside = train(market, [make_run(0, **settings), make_run(0, **settings, **FLAT_UNHEARD)])
    for name, array in alone.items():
        np.testing.assert_allclose(beside[name][0], array[0], rtol=0, atol=1e-6, err_msg=name)
    assert any((array[0] != array[1]).any() for array in beside.values())


def test_a_normalised_minibatch_is_normalised_over_all_its_decisions(acted):
    """The scale of a decision's advantage does not depend on the weights."""
    config = dataclasses.replace(CONFIG, normalize_advantage=True, ent_coef=0.0, vf_coef=0.0)
    zeros = jnp.zeros(CONFIG.num_steps)
    weights_of_flat = jnp.where(acted.is_flat, 1.0, 0.0)
    loss, _ = losses.ppo_loss(
        zeros, zeros, zeros, zeros, acted.batch.advantage, zeros, config, policy_weights=weights_of_flat
    )
    expected = -(weights_of_flat * losses.normalized(acted.batch.advantage)).mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
