"""The declaration of the realistic study: what its arms differ in, its days, and claims that can be judged."""

from __future__ import annotations

from datetime import date

import pytest

import experiments
from experiments.realistic import EVAL_EPISODES, EXPERIMENT, SPLITS, STUDY, arms, claims
from momentum_jax.run_directory.backtest_names import POLICIES, WAYS
from momentum_jax.study import queue
from tests.experiments.declared import differences, parse


def parse_study(market):
    flags = [f"--{name}={value}" for name, value in SPLITS[market].items()]
    return parse(["--study=realistic", "--run_dir=runs/x", *flags])


@pytest.mark.parametrize(
    ("arm", "versus", "changed"),
    [
        (arms.WITHOUT_COSTS, arms.REALISTIC, {"half_spread", "half_spread_minimum", "commission"}),
        (arms.PERMUTED, arms.REALISTIC, {"permute_rewards"}),
        (arms.PERMUTED_SHAPED, arms.SHAPED, {"permute_rewards"}),
        (arms.PERMUTED_TUNE2, arms.TUNE2, {"permute_rewards"}),
    ],
)
def test_arms_differ_in_what_their_names_say(arm, versus, changed):
    assert differences(arm, versus) == changed


def test_shaped_differs_in_rewards_alone():
    changed = differences(arms.SHAPED, arms.REALISTIC)
    assert {"account_value_weight", "tier_weight"} < changed <= {"account_value_weight", *arms.TUNE2_REWARDS}


def test_each_part_trains_on_the_markets_first_days_and_is_measured_where_it_is_claimed():
    for market in SPLITS:
        command = parse_study(market)
        queue.check(command.parts)
        assert [part.name for part in command.parts] == ["main", "reference"] == list(STUDY.confirmatory)
        for part in command.parts:
            assert part.config.seeds == tuple(range(2_000, 2_032))
            assert len(part.config.programs) == 1 and not list(part.config.unjudged_claims())
            assert {*claims.FIXED_STEPS, claims.END} <= set(part.config.planned_checkpoints)
        main, reference = (part.config for part in command.parts)
        assert (main.market.segments, main.market.vix_timing) == ("all", "previous")
        assert (reference.market.segments, reference.market.vix_timing) == ("first", "same_day")
        assert (main.eval_episodes, reference.eval_episodes) == (EVAL_EPISODES, 0)


def test_the_days_are_in_order():
    for split in SPLITS.values():
        assert split["data_part"] == "train"
        assert date.fromisoformat(split["train_end"]) < date.fromisoformat(split["validation_end"])


def test_the_experiment_of_the_same_name_is_the_main_part_without_controls():
    assert experiments.load("realistic") == EXPERIMENT
    assert STUDY.part("main").arms == (*EXPERIMENT.arms, arms.PERMUTED, arms.PERMUTED_SHAPED)


def test_claims_have_names_of_their_own_and_speak_of_what_was_run():
    of_training = [claim for part in STUDY.parts for claim in part.claims]
    names = [claim.name for claim in (*of_training, *claims.TRADING)]
    assert len(set(names)) == len(names)
    run = {arm.name for part in STUDY.parts for arm in part.arms}
    for claim in claims.TRADING:
        assert {claim.arm, claim.versus_arm} <= run
        assert claim.policy in WAYS and claim.versus_policy in POLICIES
        assert (claim.minimum is None) != (claim.maximum is None)


def test_every_dip_that_is_claimed_has_its_rivals():
    named = {claim.name for part in STUDY.parts for claim in part.claims}
    for arm in (arms.REALISTIC, arms.WITHOUT_COSTS, arms.SHAPED, arms.TUNE2):
        assert {f"{arm.name}_{word}" for word in ("dips", "has_no_dip", "gives_up")} <= named


def test_a_dip_comes_back_and_what_stays_is_none():
    (dips,) = (claim for claim in claims.MAIN if claim.name == "realistic_dips")
    assert [(one.from_step, one.step, one.minimum, one.maximum) for one in dips.criteria] == [
        (0, 8_000, 5.0, None),
        (8_000, 40_000, None, -5.0),
    ]
