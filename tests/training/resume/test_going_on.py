"""A run that ends early goes on to the same bits."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

import momentum_jax
from momentum_jax import run_directory
from tests.quick_programs import compiled_quickly
from tests.training.resumable import ARMS, SMALL, make_config
from tests.training.resumed_runs import assert_same_run, interrupt, train, trained


@pytest.mark.parametrize("step", [300, 1_300])
def test_a_run_stopped_by_ctrl_c_goes_on_to_the_same_bits(tmp_path, uninterrupted, step):
    interrupt(tmp_path / "run", step)
    assert not run_directory.is_finished(tmp_path / "run")
    said = train(tmp_path / "run", resume=True)
    assert any(line.startswith("resumed at step") for line in said)
    assert run_directory.is_finished(tmp_path / "run")
    assert_same_run(tmp_path / "run", uninterrupted)
    assert len(trained(tmp_path / "run")) == 2
    assert sum(trained(tmp_path / "run")) == sum(trained(uninterrupted))


@pytest.mark.slow
def test_several_stops_and_other_groups_change_nothing(tmp_path, uninterrupted):
    run_dir = tmp_path / "run"
    interrupt(run_dir, 200)
    interrupt(run_dir, 700, make_config(num_devices=1, group_width=(4,)), resume=True)
    interrupt(run_dir, 900, resume=True)
    train(run_dir, resume=True)
    assert_same_run(run_dir, uninterrupted)


def test_states_are_saved_no_more_often_than_asked(tmp_path):
    train(tmp_path / "run", make_config(state_interval=3_600.0))
    assert [update for update, _ in run_directory.states(tmp_path / "run")] == [24]  # the last alone


def test_a_run_that_never_saved_starts_anew(tmp_path, uninterrupted):
    run_dir = tmp_path / "run"
    interrupt(run_dir, 200)
    for _, folder in run_directory.states(run_dir):
        os.rename(folder, tmp_path / folder.name)
    train(run_dir, resume=True)
    assert_same_run(run_dir, uninterrupted)


@pytest.mark.slow
@compiled_quickly()
def test_arms_in_programs_of_their_own_resume_too(tmp_path):
    wide = dataclasses.replace(ARMS[0], name="wide", ppo=dataclasses.replace(SMALL, hidden_sizes=(8, 8)))
    config = make_config(timesteps=700, checkpoints=(200, 330), group_width=(3,))
    config = dataclasses.replace(config, arms=(wide, *ARMS))
    train(tmp_path / "whole", config)
    interrupt(tmp_path / "run", 330, config)
    train(tmp_path / "run", config, resume=True)
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.slow
@compiled_quickly()
def test_recurrent_runs_resume_too(tmp_path):
    """What networks remember is in the state: masked and not in one program, and another memory in its own."""
    small = dataclasses.replace(SMALL, hidden_sizes=(4,), lstm_size=3, num_envs=2)
    lstm = dataclasses.replace(small, network="lstm", minibatching="rotation")
    named = {"lstm": lstm, "unmasked": dataclasses.replace(lstm, action_mask=False)}
    named["gru"] = dataclasses.replace(small, network="gru", minibatching="sequences")
    arms = tuple(dataclasses.replace(ARMS[0], name=name, ppo=ppo) for name, ppo in named.items())
    config = dataclasses.replace(make_config(timesteps=700, checkpoints=(200, 330), num_seeds=2), arms=arms)
    assert config.programs == [[0, 1], [2]]
    train(tmp_path / "whole", config)
    interrupt(tmp_path / "run", 330, config)
    train(tmp_path / "run", config, resume=True)
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    flat = momentum_jax.load_run(tmp_path / "whole").flat_count.sum(("checkpoint", "seed", "setup_score"))
    assert not flat.sel(arm="lstm", action="EXIT") and flat.sel(arm="unmasked", action="EXIT")


def test_a_longer_run_passes_through_the_shorter_one(tmp_path, uninterrupted):
    run_dir = tmp_path / "run"
    short = make_config(timesteps=500, checkpoints=(100, 200, 300, 400))
    train(run_dir, short)
    longer = short.extended(1_500, range(100, 1_500, 100))
    assert longer.planned_checkpoints == (*range(0, 600, 100), 512, *range(600, 1_600, 100), 1_536)
    train(run_dir, longer, resume=True)
    found, whole = momentum_jax.load_run(run_dir), momentum_jax.load_run(uninterrupted)
    assert run_directory.read_config(run_dir)["timesteps"] == 1_500
    np.testing.assert_array_equal(found.p_action.sel(checkpoint=found.env_steps != 512), whole.p_action)
    np.testing.assert_array_equal(found.flat_count.sum("checkpoint"), whole.flat_count.sum("checkpoint"))
    assert run_directory.is_finished(run_dir)


def test_a_finished_run_has_nothing_to_resume(tmp_path, uninterrupted):
    before = {path: path.stat().st_mtime_ns for path in uninterrupted.rglob("*.npz")}
    assert "finished already" in train(uninterrupted, resume=True)[0]
    assert before == {path: path.stat().st_mtime_ns for path in uninterrupted.rglob("*.npz")}
