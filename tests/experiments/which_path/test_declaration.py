"""The declaration of the study which_path: arms, seeds, steps, programs and claims as they were asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import experiments
from experiments import early_dip
from experiments.which_path import STUDY, arms, claims, mediation, parts, tables, yoked_rates
from momentum_jax.cli import command_line
from momentum_jax.config import EnvOptions, PPOConfig
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.study import part_name, queue

CSV = "--data_source=csv --data_path=bars.csv --vix_path=vix.csv"
ASKED = (
    "stop_reward_0", "stop_reward_0.25", "stop_reward_0.5", "stop_reward_0.75", "trims_illegal", "no_stop",
    "trim_cost_0.85", "trim_cost_0.9", "trim_cost_0.95", "gradient_flat_only", "gradient_position_only",
    "gradient_position_only_entropy", "two_towers", "yoked_stop", "trims_frozen", "trim", "trim+put_setup",
    "trim+put_setup+missed_half", "trim+missed_double", "trim+trims_illegal", "permuted", "permuted_trim",
    "permuted_fixed", "learning_rate_0", "tune2", "tune1", "tune3", "baseline", "fixed",
)  # fmt: skip


def parse(line):
    return command_line.parse(
        ["launch.py", *line.split()], experiments.load, experiments.names(), None, experiments.load_study
    )


@pytest.mark.parametrize(
    ("market", "kept", "left_out"),
    [("", "yoked_synthetic", "yoked_spy"), (CSV, "yoked_spy", "yoked_synthetic")],
)
def test_each_market_runs_every_part_but_the_other_markets_yoked_one(market, kept, left_out):
    command = parse(f"--study=which_path --run_dir=runs/x {market}")
    queue.check(command.parts)
    names = [part.name for part in command.parts]
    assert names == [part_name(part) for part in STUDY.parts if part_name(part) != left_out] and kept in names
    for part in command.parts:
        alone = parse(f"--experiment=which_path.{part.name} --run_dir=runs/x {market}")
        assert alone.config == part.config
        assert part.config.seeds == tuple(range(1_000, 1_064)) and part.config.timesteps == 30_000


def test_fewer_seeds_keep_their_own_rates():
    config = parse("--experiment=which_path.yoked_synthetic --run_dir=runs/x --first_seed=1003 --num_seeds=2").config
    rates = yoked_rates.rates("synthetic", 1_000, 64)
    config.validate()
    assert config.arms[0].by_seed == {"yoked_stop_rate": rates[3:5]}


def test_every_arm_that_was_asked_for_is_there_once_and_says_what_it_isolates():
    names = [intervention.arm.name for intervention in parts.INTERVENTIONS]
    assert sorted(names) == sorted(ASKED)
    in_parts = {arm.name for part in STUDY.parts for arm in part.arms}
    assert in_parts == set(names)
    assert all(one.isolates and one.also_changes for one in parts.INTERVENTIONS)


def test_no_two_arms_have_the_same_settings():
    settings = [dataclasses.replace(one.arm, name="same") for one in parts.INTERVENTIONS]
    assert all(settings.count(one) == 1 for one in settings)


@pytest.mark.parametrize(
    ("name", "env", "ppo"),
    [
        ("stop_reward_0.25", {"stop_reward_weight": 0.25}, {}),
        ("trims_illegal", {"trims_legal": False}, {}),
        ("no_stop", {"stop_fires": False}, {}),
        ("trim", {"trim_reduces_cost": True}, {}),
        ("trim_cost_0.95", {"trim_reduces_cost": True, "trim_cost_share": 0.95}, {}),
        ("gradient_flat_only", {"position_policy_weight": 0.0, "position_entropy_weight": 0.0}, {}),
        ("gradient_position_only", {"flat_policy_weight": 0.0, "flat_entropy_weight": 0.0}, {}),
        ("gradient_position_only_entropy", {"flat_policy_weight": 0.0}, {}),
        ("two_towers", {}, {"network": arms.TWO_TOWERS_NETWORK}),
        ("yoked_stop", {"trim_reduces_cost": True, "stop_fires": False}, {}),
        ("trims_frozen", {"trims_legal": False, "forced_trim_rate": 0.5}, {}),
        ("trim+put_setup+missed_half", {"trim_reduces_cost": True, "put_setup": -1.0, "missed_penalty": -0.03}, {}),
        ("trim+missed_double", {"trim_reduces_cost": True, "missed_penalty": -0.12}, {}),
        ("permuted_trim", {"trim_reduces_cost": True}, {"permute_rewards": True}),
        ("learning_rate_0", {}, {"learning_rate": 0.0}),
    ],
)
def test_an_arm_is_tune2_with_nothing_else_changed(name, env, ppo):
    arm = next(one.arm for one in parts.INTERVENTIONS if one.arm.name == name)
    assert (arm.env, arm.ppo) == (EnvOptions(**env), PPOConfig(**ppo))


def test_a_part_is_one_program_but_for_the_network_of_its_own():
    programs = {part.name: len(part.config.programs) for part in parse("--study=which_path --run_dir=runs/x").parts}
    assert programs.pop("paths") == 2 and set(programs.values()) == {1}


def test_it_is_measured_at_every_update_around_the_peak_and_at_the_first_studys_steps():
    assert {*range(0, 12_289, 512), 5_000, 8_000, 10_000, 25_000, 30_000} <= set(parts.CHECKPOINTS)
    assert all(part.checkpoints == parts.CHECKPOINTS for part in STUDY.parts)


def test_every_claim_can_be_judged_and_has_a_name_of_its_own():
    declared = [claim for part in STUDY.parts for claim in part.claims if part.name != "which_path.yoked_synthetic"]
    assert len(declared) == len({claim.name for claim in declared}) == 24
    known = {one.arm.name for one in parts.INTERVENTIONS}
    for claim in declared:
        claim.validate(MOMENTUM)
        assert all({criterion.arm, *criterion.other_arms} <= known for criterion in claim.criteria)
    confirmatory = {part.name for part in STUDY.parts if part.claims}
    assert confirmatory <= {f"which_path.{name}" for name in STUDY.confirmatory}


def test_a_claim_of_no_dip_speaks_of_both_fixed_steps_and_the_depth():
    steps = [(one.quantity, one.step, one.versus, one.maximum) for one in claims.no_dip("no_stop")]
    assert steps == [("change", 5_000, "", 2.0), ("change", 8_000, "", 2.0), ("depth", 10_000, "permuted", 2.0)]
    assert all(one.versus_share == 0.5 and one.minimum == 0.0 for one in claims.half_of("no_stop"))


@pytest.mark.parametrize("market", ["spy", "synthetic"])
def test_each_seed_is_yoked_to_its_own_tune2(market):
    rates = yoked_rates.rates(market, parts.FIRST_SEED, parts.NUM_SEEDS)
    part = STUDY.part(f"yoked_{market}")
    assert part.arms[0].by_seed == {"yoked_stop_rate": rates}
    assert len(set(rates)) > 32 and 0.1 < min(rates) <= np.mean(rates) <= max(rates) < 0.4
    with pytest.raises(ValueError, match="seeds 1000 to 1063, expected 0 to 63"):
        yoked_rates.rates(market, 0, 64)


def test_a_row_of_the_mediation_table_has_the_claims_of_its_own_arm():
    """Less the control and against the reference that the row names."""
    declared = {claim.name: claim.criteria for part in STUDY.parts for claim in part.claims}
    claimed = 0
    for link in mediation.LINKS:
        compared = {link.none_left: {"", link.control}, link.half_left: {link.reference}}
        for name, versus in ((name, versus) for name, versus in compared.items() if name):
            claimed += 1
            assert {one.arm for one in declared[name]} == {link.arm}, name
            assert {one.versus for one in declared[name]} == versus, name
            assert all(one.equivalence == (name == link.none_left) for one in declared[name]), name
        assert not link.dose or all(link.arm in one.arms and one.along for one in declared[link.dose])
    assert claimed == 20


def test_an_arm_is_compared_with_that_of_the_first_study_which_has_its_settings():
    earlier = {arm.name: arm for part in early_dip.STUDY.parts for arm in part.arms}
    repeated = {one.arm.name: one.arm for one in parts.INTERVENTIONS}
    for name in tables.REPEATED:
        former = earlier[tables.EARLIER_NAMES.get(name, name)]
        assert (former.env, former.ppo) == (repeated[name].env, repeated[name].ppo), name
