"""Frozen policies are evaluated beside training, and probabilities of probe states are recorded whole."""

from __future__ import annotations

import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest

from momentum_jax.analysis.report.notes import evidence
from momentum_jax.config.arms import Arm
from momentum_jax.diagnostics.evaluation import Evaluation, summarize
from momentum_jax.diagnostics.variables import table
from momentum_jax.env import registry
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo import learner, playing
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.processes.interruption import Interrupted
from momentum_jax.run_directory import diagnostics_of, load_policies, load_run, read_config
from momentum_jax.run_directory.joining import ComparisonError, load_runs
from momentum_jax.training import runner
from tests.quick_programs import compiled_quickly
from tests.training.resumed_runs import train
from tests.training.test_environments import PPO, config

ASKED = {"eval_episodes": 6, "record_probes": 2_048}
OF_EVALUATION = {"eval_return", "eval_return_se", "eval_length", "eval_cut_off"}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("evaluated") / "run"
    return run_dir, train(run_dir, config(**ASKED))


def assert_same(one, other, names):
    for name in names:
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=name)


def test_training_does_not_change_and_nothing_is_recorded_without_it(evaluated, tmp_path):
    train(tmp_path / "run", config())
    without, with_it = load_run(tmp_path / "run"), load_run(evaluated[0])
    assert set(with_it.data_vars) - set(without.data_vars) == OF_EVALUATION | {"probe_probability"}
    assert diagnostics_of(without).primary == "episode_return" and not {"evaluated", "probe_state"} & set(without.dims)
    assert_same(without, with_it, without.data_vars)
    before, after = (load_policies(run_dir, "ppo") for run_dir in (tmp_path / "run", evaluated[0]))
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name], err_msg=name)


def test_the_policy_before_training_plays_the_plan(evaluated):
    ds = load_run(evaluated[0]).isel(arm=0, checkpoint=0)
    environment = registry.find("CartPole-v1", MarketConfig())
    task, params = environment.task, environment.load().shared
    plan = playing.plan_of(diagnostics_of(load_run(evaluated[0])).evaluation)
    evaluate = jax.jit(lambda seed, state: learner.evaluate(task, PPO, params, plan, seed, state))
    for seed in ds.seed.values:
        state = learner.init(task, PPO, params, seed_streams(int(seed)))
        found = summarize(evaluate(np.uint32(seed), state))
        for name in OF_EVALUATION:
            np.testing.assert_array_equal(ds[name].sel(seed=seed).values, found[name], err_msg=name)


@compiled_quickly()
def test_a_seeds_episodes_are_the_same_in_every_arm_and_no_other_seeds(tmp_path):
    """All seeds begin with one policy; the second arm differs in every stream of its training."""
    arms = Arm(name="a", ppo=PPO), Arm(name="b", ppo=PPO, redrawn_streams=("action", "minibatch", "market"))
    short = {"timesteps": 128, "checkpoints": (), "fixed_streams": ("init",), "group_width": (1,), **ASKED}
    train(tmp_path / "run", config(**short, arms=arms))
    train(tmp_path / "later", config(**short, arms=arms[:1], num_seeds=2, first_seed=1))
    ds, later = load_run(tmp_path / "run"), load_run(tmp_path / "later")
    at_start = ds.isel(checkpoint=0)
    for name in OF_EVALUATION:
        np.testing.assert_array_equal(at_start[name].sel(arm="a"), at_start[name].sel(arm="b"), err_msg=name)
    assert_same(ds.sel(arm=["a"], seed=[1, 2]), later, OF_EVALUATION)
    sampled = at_start.eval_return.sel(arm="a", evaluated="sampled").values
    assert len(set(sampled)) == len(sampled)
    assert not np.array_equal(ds.action_count.sel(arm="a"), ds.action_count.sel(arm="b"))


def test_a_run_says_how_it_was_evaluated_and_is_judged_by_it(evaluated):
    run_dir, said = evaluated
    ds, stored = load_run(run_dir), read_config(run_dir)
    assert ds.eval_return.dims == ("arm", "seed", "checkpoint", "evaluated")
    assert ds.evaluated.values.tolist() == ["sampled", "greedy"]
    # Every step pays 1.
    np.testing.assert_array_equal(ds.eval_return, ds.eval_length)
    assert (ds.eval_return_se > 0).all() and (ds.eval_cut_off == 0).all() and (ds.eval_return != 0).all()
    assert stored["eval_episodes"] == 6 and stored["diagnostics"]["evaluation"] == {
        "episodes": 6,
        "max_steps": 500,
        "draw": 2,
    }
    assert stored["diagnostics"]["primary"] == "eval_return" and stored["diagnostics"]["dips_in"] == ["eval_return"]
    assert said[1] == (
        "evaluation: 6 episodes sampled and as many greedy at each of 5 checkpoints, of at most 500 steps "
        "(the environment's own limit)"
    )
    assert any(line.startswith("step 700: median evaluated return ") for line in said)
    assert "evaluation took" in said[-1]


def test_probabilities_of_the_probe_states_are_recorded_whole(evaluated, tmp_path):
    ds = load_run(evaluated[0])
    assert ds.probe_probability.dims[3:] == ("probe_state", "action") and ds.probe_probability.dtype == np.float32
    halves = ds.probe_probability.astype(float).values.reshape(1, 3, 5, 2, 1_024, 2).mean(axis=-2)
    np.testing.assert_allclose(halves, ds.p_action.isel(context=0).values, atol=1e-6)
    train(tmp_path / "run", config(record_probes=3))
    few = load_run(tmp_path / "run")
    np.testing.assert_array_equal(few.probe_probability, ds.probe_probability.isel(probe_state=slice(3)))
    assert "eval_return" not in few


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_bits_in_groups_of_another_size(evaluated, tmp_path):
    run_dir = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(run_dir, config(**ASKED), stop_at=300)
    train(run_dir, config(**ASKED, group_width=(1,)), resume=True)
    whole, resumed = load_run(evaluated[0]), load_run(run_dir)
    assert_same(whole, resumed, table(diagnostics_of(whole)))


def test_a_longer_run_is_evaluated_as_one_that_was_as_long_from_the_start(evaluated, tmp_path):
    longer = config(**ASKED, timesteps=1_280, checkpoints=(100, 300, 700, 1_024))
    train(tmp_path / "whole", longer)
    train(tmp_path / "run", config(**ASKED))
    train(tmp_path / "run", config(**ASKED).extended(1_280), resume=True)
    whole, extended = load_run(tmp_path / "whole"), load_run(tmp_path / "run")
    assert whole.env_steps.values.tolist() == extended.env_steps.values[[0, 1, 2, 3, 4, -1]].tolist()
    assert_same(whole, extended.isel(checkpoint=[0, 1, 2, 3, 4, -1]), OF_EVALUATION)


def test_a_run_does_not_go_on_with_other_episodes(evaluated):
    with pytest.raises(ConfigError, match="eval_episodes was 6, now 7"):
        train(evaluated[0], config(**ASKED | {"eval_episodes": 7}), resume=True)


def test_a_run_of_an_earlier_draw_opens_and_does_not_go_on(evaluated, tmp_path):
    """A run directory from before each seed had episodes of its own."""
    run_dir = tmp_path / "run"
    shutil.copytree(evaluated[0], run_dir)
    stored = read_config(run_dir)
    del stored["diagnostics"]["evaluation"]["draw"]
    (run_dir / "config.json").write_text(json.dumps(stored))
    assert diagnostics_of(load_run(run_dir)).evaluation == Evaluation(episodes=6, max_steps=500, draw=1)
    expected = "drew its evaluated episodes differently: resume it with that version, or start a new run"
    with pytest.raises(ConfigError, match=expected):
        train(run_dir, config(**ASKED).extended(1_280), resume=True)
    with pytest.raises(ComparisonError, match=r"of at most 500 steps, drawn in way 1, .* drawn in way 2"):
        load_runs([evaluated[0], run_dir])
    notes = [evidence(diagnostics_of(load_run(each)), 3) for each in (evaluated[0], run_dir)]
    assert ["evaluated on the same episodes" in note for note in notes] == [False, True]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eval_episodes": -1}, "eval_episodes=-1 is too small: use at least 0"),
        ({"eval_episodes": 4, "eval_max_steps": 0}, "eval_max_steps=0 is too small: use at least 1"),
        ({"eval_max_steps": 9}, "eval_max_steps=9 has no effect without evaluated episodes"),
        ({"record_probes": 2_049}, "record_probes=2049 is more than the 2,048 probe states"),
        ({"record_probes": -1}, "record_probes=-1 is too small"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        runner.train(config(**settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@compiled_quickly()
def test_a_shorter_limit_cuts_episodes_off(tmp_path):
    short = dataclasses.replace(config(eval_episodes=1, eval_max_steps=9), num_seeds=1, timesteps=128, checkpoints=())
    said = train(tmp_path / "run", short)
    ds = load_run(tmp_path / "run")
    assert (ds.eval_length.sel(evaluated="sampled") == 9).all() and (
        ds.eval_cut_off.sel(evaluated="sampled") == 1
    ).all()
    assert ds.eval_return_se.isnull().all()
    assert "of at most 9 steps (eval_max_steps)" in said[1] and "one episode has no standard error" in said[2]
