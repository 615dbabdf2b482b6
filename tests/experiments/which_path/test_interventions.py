"""What each arm of which_path isolates, seen in the record of two updates of every arm, trained side by side."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments.which_path import parts, yoked_rates
from momentum_jax.config import RunConfig
from momentum_jax.run_directory import load_run
from momentum_jax.training import runner
from tests.quick_programs import compiled_quickly

pytestmark = pytest.mark.slow

NUM_SEEDS, ROLLOUT = 2, 512


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Every arm but the first study's other settings, two seeds, checkpoints at each of two updates."""
    rates = yoked_rates.rates("synthetic", parts.FIRST_SEED, parts.NUM_SEEDS)[:NUM_SEEDS]
    arms = [one.arm for one in parts.INTERVENTIONS if one.arm.name not in ("baseline", "tune1", "tune3")]
    arms = [dataclasses.replace(arm, by_seed={"yoked_stop_rate": rates} if arm.by_seed else {}) for arm in arms]
    config = RunConfig(
        experiment="test", arms=tuple(arms), num_seeds=NUM_SEEDS, first_seed=parts.FIRST_SEED,
        timesteps=2 * ROLLOUT, checkpoints=(ROLLOUT, 2 * ROLLOUT),
    )  # fmt: skip
    run_dir = tmp_path_factory.mktemp("which_path") / "run"
    with compiled_quickly():
        runner.train(config, run_dir, lambda line: None)
    return load_run(run_dir)


def total(record, name, arm):
    return int(record[name].sel(arm=arm).sum())


def of_first_rollout(record, name, arm):
    return record[name].sel(arm=arm, checkpoint=ROLLOUT).transpose("seed", ...).values


def test_where_trims_are_masked_none_is_made(record):
    assert total(record, "trim", "tune2") > 50
    assert total(record, "trim", "trims_illegal") == total(record, "trim", "trim+trims_illegal") == 0
    assert total(record, "forced_trim", "tune2") == 0 < total(record, "forced_trim", "trims_frozen")


def test_where_no_stop_fires_none_is_forced(record):
    assert total(record, "forced_stop", "tune2") > 50
    assert total(record, "forced_stop", "no_stop") == total(record, "forced_stop", "yoked_stop") == 0
    assert total(record, "yoked_stop", "yoked_stop") > 50
    assert total(record, "yoked_stop", "tune2") == 0


def test_without_learning_nothing_moves_and_with_it_something_does(record):
    probability = record["p_action"].transpose("arm", "checkpoint", ...)
    still, moving = (probability.sel(arm=arm).values for arm in ("learning_rate_0", "tune2"))
    np.testing.assert_array_equal(still[0], still[-1])
    assert np.nanmax(np.abs(moving[0] - moving[-1])) > 1e-4


@pytest.mark.parametrize(
    "arm",
    ["stop_reward_0", "gradient_flat_only", "gradient_position_only", "gradient_position_only_entropy", "permuted"],
)
def test_arms_that_change_rewards_or_learning_alone_act_as_tune2_until_the_first_update(record, arm):
    for name in ("flat_count", "trim", "exit", "forced_stop"):
        np.testing.assert_array_equal(of_first_rollout(record, name, arm), of_first_rollout(record, name, "tune2"))


def test_the_reward_of_a_stop_is_all_that_its_weight_changes(record):
    rewards = {
        arm: of_first_rollout(record, "reward_sum", arm) for arm in ("tune2", "stop_reward_0", "stop_reward_0.5")
    }
    difference = rewards["stop_reward_0"] - rewards["tune2"]
    assert (difference / of_first_rollout(record, "forced_stop", "tune2") > 0.8).all()  # the penalty, and the tier
    np.testing.assert_allclose(rewards["stop_reward_0.5"] - rewards["tune2"], difference / 2, rtol=1e-4)


def test_a_smaller_false_cost_fires_fewer_stops(record):
    ladder = ("tune2", "trim_cost_0.85", "trim_cost_0.9", "trim_cost_0.95", "trim")
    stops = [total(record, "forced_stop", arm) for arm in ladder]
    assert stops == sorted(stops, reverse=True) and stops[-1] < stops[0] / 4
