"""What is said of seeds that fail: which one, at which step, and whether rewards were the cause."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.events import EventWord, marked
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.training.failures import Failures
from momentum_jax.training.recorder import Recorder, blank_record

STEPS, ENVS = 4, 2
ROLLOUT = STEPS * ENVS
CONFIG = RunConfig(experiment="x", arms=(Arm(name="a"), Arm(name="b")), num_seeds=2, first_seed=7)
HEALTHY = np.array([-1, -1, -1, -1])


def add(recorder, update, reward=(), lost=(), events=()):
    """Count an update: rewards and event words by place (run, step, environment), and runs with losses not finite."""
    record = blank_record(4, STEPS, ENVS, has_outcomes=MOMENTUM.has_outcomes)
    for place, value in dict(reward).items():
        record.reward[place] = value
    for place, word in dict(events).items():
        record.event[place] = word
    sound = np.zeros(4, np.float32)
    loss = np.where(np.isin(np.arange(4), lost), np.nan, sound)
    metrics = type(record.metrics)(*[sound] * len(record.metrics._fields))._replace(loss=loss)
    return list(recorder.add(update, record._replace(metrics=metrics)))


def test_the_step_of_the_first_reward_that_is_not_finite_is_known():
    recorder = Recorder(4, ENVS, ROLLOUT, (0, 10 * ROLLOUT), MOMENTUM)
    recorder.start()
    add(recorder, 0, {(0, 1, 1): 5.0})
    add(recorder, 1, {(2, 2, 1): np.nan, (2, 3, 0): np.inf}, lost=[2])
    add(recorder, 2, lost=[1, 2])
    assert recorder.bad_reward.tolist() == [-1, -1, ROLLOUT + 2 * ENVS + 1 + 1, -1]
    assert recorder.failed_step.tolist() == [-1, 3 * ROLLOUT, 2 * ROLLOUT, -1]


def said(*states):
    failures = Failures(CONFIG, CONFIG.seeds)
    return [list(failures.lines(*map(np.asarray, (*state, HEALTHY)[:4]))) for state in states]


def test_a_seed_whose_reward_is_not_finite_is_named_once_with_the_step():
    state = ([-1, -1, -1, 1_024], [False, False, False, True], [-1, -1, -1, 1_003])
    line = "seed 8 of arm b: the environment's reward at step 1,003 is not a finite number: the seed has failed"
    assert said((HEALTHY, HEALTHY >= 0, HEALTHY), state, state) == [[], [line], []]


def test_losses_that_are_not_finite_while_rewards_are_point_to_observations():
    state = ([512, -1, -1, -1], [True, False, False, False], HEALTHY)
    (line,) = said(state)[0]
    assert line.startswith("seed 7 of arm a has failed by step 512: losses are not finite though rewards are: look at")


@pytest.mark.parametrize("stopped", [True, False])
def test_an_arm_without_a_healthy_seed_is_said_as_a_whole(stopped: bool):
    lines = said(([512, 1_024, -1, -1], [stopped, stopped, False, False], HEALTHY))[0]
    what = "losses are not finite, its training stops" if stopped else "value losses are above divergence_limit=10000"
    assert lines == [f"arm a: every seed has failed by step 1,024: {what}"]


def test_the_first_of_several_is_named():
    state = ([512, 512, -1, -1], [True, True, False, False], [400, 300, -1, -1])
    assert said(state)[0] == [
        "seed 8 of arm a: the environment's reward at step 300 is not a finite number: the seed has failed",
        "arm a: every seed has failed by step 512: losses are not finite, its training stops",
    ]


def test_the_first_step_without_a_legal_action_is_known_and_its_word_counts_as_it_is():
    """The sign says it; what else the word holds is counted, and nothing more of the run after it."""
    recorder = Recorder(4, ENVS, ROLLOUT, (0, 3 * ROLLOUT), MOMENTUM)
    recorder.start()
    word = EventWord.of(MOMENTUM).pack(np.int32(5), is_flat=np.True_)
    add(recorder, 0, events={(1, 0, 0): word})
    add(recorder, 1, events={(1, 2, 1): marked(word, np.True_), (1, 3, 0): marked(word, np.True_)})
    (cut,) = add(recorder, 2, events={(1, 0, 0): word, (0, 0, 0): word})
    assert recorder.nothing_legal.tolist() == [-1, ROLLOUT + 2 * ENVS + 1 + 1, -1, -1]
    assert recorder.failed_step.tolist() == [-1, 2 * ROLLOUT, -1, -1] and recorder.stopped.tolist()[1]
    assert cut.arrays[MOMENTUM.decisions][..., 5].reshape(4, -1).sum(axis=1).tolist() == [1, 3, 0, 0]


def test_a_state_without_a_legal_action_is_no_loss_and_no_reward():
    state = ([512, -1, 1_024, 512], [True, False, True, True], [-1, -1, 1_000, -1], [400, -1, 900, 300])
    arm_a, arm_b = [line for line in said(state)[0] if "allows nothing" in line]
    assert arm_a.startswith("seed 7 of arm a: the environment's action_mask allows nothing at step 400: the seed has ")
    assert arm_b.startswith("seed 8 of arm b: the environment's action_mask allows nothing at step 300: the seed has ")
    assert said(state)[0][-1] == (
        "arm b: every seed has failed by step 1,024: action masks allow nothing, its training stops"
    )
    assert len(said(state)[0]) == 3
