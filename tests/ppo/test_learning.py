"""The learner on environments with known answers."""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.diagnostics.episodes import RunningEpisodes
from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import distributions, learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.training.engine import Engine
from momentum_jax.training.group_width import default_layout
from momentum_jax.training.runs import Run
from tests import quick_programs
from tests.ppo import probes

CONFIG = PPOConfig(
    learning_rate=3e-3,
    gamma=0.9,
    ent_coef=0.0,
    num_envs=2,
    num_steps=32,
    num_epochs=4,
    minibatch_size=32,
    hidden_sizes=(16,),
)


def train(task, updates=150, config=CONFIG, seed=0):
    """Final state of one run and its records, leaves [updates, ...]."""

    @partial(jax.jit, compiler_options=quick_programs.OPTIONS)
    def run(streams):
        state = learner.init(task, config, (), streams)
        step = lambda state, _: learner.update(task, config, (), jnp.int32(updates), state)  # noqa: E731
        return jax.lax.scan(step, state, length=updates)

    return run(seed_streams(seed))


def evaluate(task, state, observation):
    """Action probabilities and value of an observation, all actions legal."""
    logits, value = agents.make(task, CONFIG).evaluate(state.params, jnp.full((1, 1), observation), (), 1)
    return np.asarray(jax.nn.softmax(logits[0])), float(value[0])


def head_bias(state):
    """The bias of the logits, whatever the number of layers."""
    return max(state.params["policy"].items())[1]["bias"]


def test_value_of_a_constant_reward():
    state, records = train(probes.ConstantReward())
    assert evaluate(probes.ConstantReward(), state, 0.0)[1] == pytest.approx(1.0, abs=0.02)
    assert float(records.metrics.value_loss[-1]) < 1e-3


def test_bandit_finds_the_paying_action():
    state, _ = train(probes.Bandit())
    assert evaluate(probes.Bandit(), state, 0.0)[0][1] > 0.95


def test_policy_depends_on_the_observation():
    state, _ = train(probes.ContextBandit())
    assert evaluate(probes.ContextBandit(), state, 1.0)[0][1] > 0.95
    assert evaluate(probes.ContextBandit(), state, -1.0)[0][0] > 0.95


def test_values_discount_a_delayed_reward():
    state, _ = train(probes.DelayedReward())
    assert evaluate(probes.DelayedReward(), state, 0.0)[1] == pytest.approx(0.9, abs=0.03)
    assert evaluate(probes.DelayedReward(), state, 1.0)[1] == pytest.approx(1.0, abs=0.03)


def test_an_episode_that_is_cut_off_is_bootstrapped_from_its_own_end():
    state, _ = train(probes.CutOff(), updates=400)
    assert evaluate(probes.CutOff(), state, 1.0)[1] == pytest.approx(10.0, abs=0.3)
    assert evaluate(probes.CutOff(), state, 0.0)[1] == pytest.approx(9.0, abs=0.3)


def test_masked_actions_are_never_taken():
    task = probes.MaskOnly()
    _, records = train(task)
    assert float(records.reward.max()) <= 1.0
    assert float(records.reward[-1].mean()) > 0.95


def test_without_a_mask_illegal_actions_are_sampled_executed_and_learned():
    """The same program with and without: the illegal action pays best, and the environment answers it."""
    task = probes.MaskOnly()

    @partial(jax.jit, compiler_options=quick_programs.OPTIONS)
    def learned(config):
        step = lambda state, _: learner.update(task, config, (), jnp.int32(80), state)  # noqa: E731
        return jax.lax.scan(step, learner.init(task, config, (), seed_streams(0)), length=80)[1].reward

    masked, unmasked = (learned(dataclasses.replace(CONFIG, action_mask=mask)) for mask in (True, False))
    assert float(masked.max()) <= 1.0
    assert float(unmasked[-1].mean()) > 9.0
    np.testing.assert_array_equal(masked[:10], train(task, updates=10)[1].reward)


def test_masked_actions_are_never_sampled_in_a_million_draws():
    key = jax.random.key(0)
    for _ in range(10):
        key, logits_key, mask_key, noise_key = jax.random.split(key, 4)
        # Logits as far apart as a badly trained policy's.
        logits = 30.0 * jax.random.normal(logits_key, (100_000, 6))
        mask = jax.random.bernoulli(mask_key, 0.4, logits.shape).at[:, 0].set(True)
        gumbel = jax.random.gumbel(noise_key, logits.shape)
        action = distributions.sample(distributions.masked_log_probs(logits, mask), gumbel)
        assert bool(jnp.take_along_axis(mask, action[:, None], axis=1).all())


def test_sampling_follows_the_probabilities():
    logits = jnp.asarray([0.0, 1.0, -1.0, 2.0, 0.5, 3.0])
    mask = jnp.asarray([True, True, True, False, True, False])
    log_probs = distributions.masked_log_probs(logits, mask)
    gumbel = jax.random.gumbel(jax.random.key(1), (200_000, 6))
    frequency = np.bincount(distributions.sample(log_probs, gumbel), minlength=6) / 200_000
    np.testing.assert_allclose(frequency, jnp.exp(log_probs), atol=0.005)


def test_entropy_counts_legal_actions_only():
    mask = jnp.asarray([True, True, True, False, False, False])
    for logits, expected in (
        (jnp.zeros(6), np.log(3)),
        (jnp.log(jnp.asarray([0.5, 0.25, 0.25, 9.0, 9.0, 9.0])), 1.5 * np.log(2)),
    ):
        log_probs = distributions.masked_log_probs(logits, mask)
        assert float(distributions.entropy(log_probs, mask)) == pytest.approx(expected)


@pytest.fixture(scope="module")
def base():
    return train(probes.Bandit(), updates=60)[0]


@pytest.mark.parametrize(
    "change",
    [
        {"num_envs": 4},
        {"num_steps": 64},
        {"num_epochs": 2},
        {"minibatch_size": 16},
        {"hidden_sizes": (8, 8, 8)},
        {"activation": "relu"},
    ],
)
def test_every_static_setting_learns_and_matters(change, base):
    config = dataclasses.replace(CONFIG, **change)
    task = probes.Bandit()
    state, records = train(task, updates=60, config=config)
    assert records.event.shape == (60, config.num_steps, config.num_envs)
    assert float(records.reward[-1].mean()) > 0.8
    # The hidden layer's bias learns although the bandit's observation is zero.
    assert not np.array_equal(head_bias(state), head_bias(base))


def test_learning_rate_anneals_to_zero():
    config = dataclasses.replace(CONFIG, anneal_learning_rate=True)
    task = probes.Bandit()
    state = learner.init(task, config, (), seed_streams(0))
    step = jax.jit(lambda state: learner.update(task, config, (), jnp.int32(2), state))
    first, _ = step(state)
    moved = float(jnp.abs(head_bias(first) - head_bias(state)).max())
    last, _ = step(first.replace(update=jnp.int32(2)))
    assert moved > 1e-4
    np.testing.assert_array_equal(head_bias(last), head_bias(first))


def test_the_clipping_range_anneals_to_zero():
    """At the run's end no ratio but 1 is allowed; halfway it is half of what it was."""
    config = dataclasses.replace(CONFIG, anneal_clip_range=True, learning_rate=1e-2)
    half = dataclasses.replace(CONFIG, clip_range=CONFIG.clip_range / 2, learning_rate=1e-2)
    task = probes.Bandit()
    state = learner.init(task, config, (), seed_streams(0)).replace(update=jnp.int32(1))
    annealed, fixed = (
        jax.jit(lambda total, one=one: learner.update(task, one, (), total, state)) for one in (config, half)
    )
    at_half, expected = annealed(jnp.int32(2)), fixed(jnp.int32(2))
    jax.tree.map(np.testing.assert_array_equal, at_half[1].metrics, expected[1].metrics)
    _, last = annealed(jnp.int32(1))
    assert float(last.metrics.clip_fraction) > float(at_half[1].metrics.clip_fraction)
    assert float(last.metrics.clip_fraction) > 0.5


@pytest.mark.slow
def test_cartpole_is_learned():
    """Mean return of at least 475 over 8 seeds within 500 000 steps."""
    import gymnax

    env, params = gymnax.make("CartPole-v1")
    config = PPOConfig(
        learning_rate=1e-3,
        anneal_learning_rate=True,
        gamma=0.98,
        gae_lambda=0.8,
        ent_coef=0.0,
        num_envs=8,
        num_steps=32,
        num_epochs=20,
        minibatch_size=256,
    )
    updates = 500_000 // config.rollout_size
    runs = [Run(seed=seed, config=config, options=()) for seed in range(8)]
    task = GymnaxTask(env, params)
    engine = Engine(task, params, runs, default_layout(8), updates)
    episodes = RunningEpisodes(len(runs), config.num_envs)
    ended = EventWord.of(task.diagnostics)
    finished = []
    for _ in range(updates):
        record = engine.gather([engine.update(group) for group in range(engine.num_groups)])
        finished.append(episodes.finished(record.reward, ended.flag(record.event, "episode_end"))[0])
    # The last tenth of training: whole episodes of the policy that was learned.
    returns = np.nanmean(np.concatenate(finished[-updates // 10 :], axis=1), axis=(1, 2))
    assert returns.mean() >= 475, returns
