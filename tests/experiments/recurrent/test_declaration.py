"""The declaration of the recurrent study: arms that differ in one thing, claims, and what is to be equivalent."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from experiments import v3
from experiments.recurrent import STUDY, reference
from momentum_jax.env.momentum_diagnostics import ACTIONS, MOMENTUM
from momentum_jax.study import queue
from tests.conftest import golden_dir, require
from tests.experiments.declared import differences, parse


@pytest.mark.parametrize(
    ("arm", "versus", "changed"),
    [
        (v3.MASKED, v3.V3, {"action_mask"}),
        (v3.TRIM_FIXED, v3.V3, {"trim_reduces_cost"}),
        (v3.FEED_FORWARD, v3.V3, {"network"}),
        (v3.FEED_FORWARD_MASKED, v3.MASKED, {"network"}),
        (v3.FEED_FORWARD_MASKED, v3.FEED_FORWARD, {"action_mask"}),
        (v3.TUNE2, v3.FEED_FORWARD, {"hidden_sizes", "minibatching", "minibatch_size"}),
    ],
)
def test_arms_differ_in_what_their_names_say(arm, versus, changed):
    assert differences(arm, versus) == changed


def test_v3_is_the_published_run():
    ppo = v3.V3.ppo
    assert (ppo.network, ppo.lstm_size, ppo.hidden_sizes) == ("lstm", 256, (128, 64))
    assert (ppo.minibatch_size, ppo.minibatching, ppo.action_mask) == (128, "rotation", False)
    assert differences(v3.V3, dataclasses.replace(v3.TUNE2, ppo=dataclasses.replace(v3.TUNE2.ppo))) == {
        "network", "hidden_sizes", "minibatching", "minibatch_size",
    }  # fmt: skip


def test_the_parts_are_the_experiment_split_by_memory():
    command = parse(["--study=recurrent", "--run_dir=runs/x"])
    queue.check(command.parts)
    assert [part.name for part in command.parts] == ["with_memory", "without_memory"] == list(STUDY.confirmatory)
    assert tuple(arm for part in STUDY.parts for arm in part.arms) == v3.EXPERIMENT.arms
    assert tuple(claim for part in STUDY.parts for claim in part.claims) == v3.EXPERIMENT.claims
    whole = parse(["--experiment=v3", "--run_dir=runs/x"]).config
    whole.validate()
    for part in command.parts:
        config = part.config
        assert (config.num_seeds, config.timesteps) == (16, 100_000) and config.seeds == whole.seeds
        assert config.planned_checkpoints == whole.planned_checkpoints
    assert [len(part.config.programs) for part in command.parts] == [1, 2]


def test_it_is_measured_where_the_reference_and_the_published_run_were():
    steps = set(parse(["--experiment=v3", "--run_dir=runs/x"]).config.planned_checkpoints)
    assert {*range(1_000, 25_001, 1_000), 50_000, 100_000} <= steps
    assert {one.step for one in reference.RECORDED} <= steps


def test_every_claim_can_be_judged_and_has_a_name_of_its_own():
    claims = v3.EXPERIMENT.claims
    assert len({claim.name for claim in claims}) == len(claims) == 13
    for claim in claims:
        claim.validate(MOMENTUM)
    assert not list(parse(["--experiment=v3", "--run_dir=runs/x"]).config.unjudged_claims())


def test_what_is_recorded_is_what_the_golden_record_holds():
    record = np.load(require(golden_dir() / "recurrent_ppo_v3_spy.npz"))
    column = {str(name): record["per_1000"][..., index] for index, name in enumerate(record["columns"])}
    flat = sum(column[f"flat_{action}"] for action in ACTIONS)
    numbers = {
        "hold_pct": 100 * column["flat_HOLD"] / flat,
        "buy_pct": 100 * (column["flat_BUY_CALL"] + column["flat_BUY_PUT"]) / flat,
        "strong_buy_pct": 100 * column["strong_buys"] / column["strong_setups"],
        "forced_stop": column["forced_stops"],
    }
    assert {(one.step, one.metric) for one in reference.RECORDED} == {
        (step, metric) for step in (5_000, 10_000, 25_000) for metric in numbers
    }
    for one in reference.RECORDED:
        values = numbers[one.metric][:, record["env_steps"] == one.step]
        assert len(values) == reference.NUM_SEEDS
        np.testing.assert_allclose((one.mean, one.deviation), (values.mean(), values.std(ddof=1)), atol=1e-4)


def test_the_interval_is_welchs():
    draw = np.random.default_rng(0)
    ours, theirs = draw.normal(20.0, 1.0, 16), draw.normal(21.0, 3.0, reference.NUM_SEEDS)
    found = reference.compare(ours, reference.Recorded(0, "hold_pct", theirs.mean(), theirs.std(ddof=1)))
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.90)
    np.testing.assert_allclose((found.low, found.high), (expected.low, expected.high), rtol=1e-9)
    np.testing.assert_allclose(found.estimate, ours.mean() - theirs.mean())


@pytest.mark.parametrize(
    ("centre", "deviation", "verdict"),
    [
        (20.5, 1.0, "equivalent"),
        (18.0, 0.5, "equivalent"),
        (22.5, 1.0, "undecided"),
        (20.0, 8.0, "undecided"),
        (25.0, 1.0, "different"),
        (15.0, 1.0, "different"),
    ],
)
def test_a_number_is_equivalent_within_its_margin_different_beyond_it_and_else_undecided(centre, deviation, verdict):
    ours = centre + np.linspace(-1.0, 1.0, 16)
    assert reference.compare(ours, reference.Recorded(5_000, "hold_pct", 20.0, deviation)).verdict == verdict


def test_margins_are_those_of_the_record():
    assert reference.Recorded(5_000, "buy_pct", 28.6, 1.0).margin == 3.0
    np.testing.assert_allclose(reference.Recorded(5_000, "forced_stop", 500.0, 20.0).margin, 40.0)
    assert reference.LEVEL == 0.90
