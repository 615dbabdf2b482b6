"""The line of a checkpoint: its words are the environment's."""

from __future__ import annotations

import dataclasses

import numpy as np

from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.training.progress import checkpoint_line
from momentum_jax.training.recorder import Checkpoint

PLAIN = plain_diagnostics("plain", 2)


def momentum_arrays(failed=(-1, -1, -1)):
    """Three seeds that hold in 20, 40 and 60 % of their decisions, and with probability 0.1, 0.2 and 0.6."""
    decisions = np.zeros((1, 3, 5, 6), int)
    decisions[0, :, 2, 0], decisions[0, :, 2, 1] = [2, 4, 6], [8, 6, 4]
    p_action = np.zeros((1, 3, 2, 5, 6))
    p_action[..., 0] = np.array([0.1, 0.2, 0.6])[None, :, None, None]
    p_action[..., 1] = 1 - p_action[..., 0]
    count = np.ones((1, 3, 2, 5), int)
    return {"flat_count": decisions, "p_action": p_action, "probe_count": count, "failed_step": np.array([failed])}


def test_a_share_is_told_exactly_and_as_it_was_counted():
    line = checkpoint_line(Checkpoint(5_000, 9, momentum_arrays()), MOMENTUM)
    assert line == "step 5 000: median P(HOLD) 20.0 %, HOLD 40.0 % since the step above"


def test_the_line_follows_the_primary_metric():
    other = dataclasses.replace(MOMENTUM, primary="call_pct")
    line = checkpoint_line(Checkpoint(5_000, 9, momentum_arrays()), other)
    assert line == "step 5 000: median P(CALL) 80.0 %, CALL 60.0 % since the step above"


def test_failed_runs_take_no_part():
    line = checkpoint_line(Checkpoint(5_000, 9, momentum_arrays((-1, 100, -1))), MOMENTUM)
    assert line == "step 5 000: median P(HOLD) 35.0 %, HOLD 40.0 % since the step above; 1 of 3 runs have failed"


def test_a_recorded_metric_has_its_unit_and_may_not_be_known_yet():
    arrays = {"failed_step": np.full((1, 3), -1), "episode_return": np.array([[20.0, np.nan, 23.5]])}
    assert checkpoint_line(Checkpoint(0, 0, arrays), PLAIN) == "step 0: median episode return 21.75 reward"
    arrays["episode_return"] = np.full((1, 3), np.nan)
    assert checkpoint_line(Checkpoint(0, 0, arrays), PLAIN) == "step 0: no episode return yet"
