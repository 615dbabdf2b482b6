"""Verdicts: their logic, the published claims, declared claims, several runs, the command."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import experiments
from experiments.early_dip.published_claims import CLAIMS
from momentum_jax.analysis.claims.published_claims import judge_published
from momentum_jax.analysis.claims.verdicts import RunNumbers, declared_claims, find_arm, judge, overall
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.inference.verdict import Verdict, decide, direction
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.cli import report_command
from momentum_jax.config.declared_claims import Claim, Criterion, claim_from_json
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import load_run

RISE = Criterion(arm="tune2", metric="hold_pct", quantity="change", from_step=5_000, step=10_000, minimum=0.0)


@pytest.mark.parametrize(
    ("low", "high", "seeds", "verdict"),
    [
        (0.1, 0.9, 32, Verdict.SUPPORTED),
        (0.5, 1.0, 32, Verdict.SUPPORTED),  # the claim is "at most"
        (1.0, 2.0, 32, Verdict.UNDECIDED),
        (-0.5, 0.9, 32, Verdict.UNDECIDED),  # the estimate alone would support it
        (-2.0, -1.0, 32, Verdict.NOT_SUPPORTED),
        (1.1, 2.0, 32, Verdict.NOT_SUPPORTED),
        (-0.5, 0.5, 32, Verdict.UNDECIDED),
        (0.0, 0.0, 32, Verdict.NOT_SUPPORTED),  # no rise at all is not a rise
        (0.1, 0.9, 5, Verdict.UNDECIDED),
        (np.nan, np.nan, 0, Verdict.UNDECIDED),
    ],
)
def test_the_interval_decides(low, high, seeds, verdict):
    found, reason = decide(Interval((low + high) / 2, low, high), seeds, 0.0, 1.0)
    assert found == verdict and bool(reason) == (verdict == Verdict.UNDECIDED)


@pytest.mark.parametrize(
    ("change", "seeds", "sign"),
    [
        (Interval(2, 1, 3), 6, 1),
        (Interval(2, 1, 3), 5, 0),
        (Interval(-2, -3, -1), 6, -1),
        (Interval(1, 0, 2), 6, 0),
        (Interval(-1, -2, 0), 6, 0),
        (Interval(2, 2, 2, "constant"), 6, 0),
        (Interval(np.nan, np.nan, np.nan, "no seeds"), 0, 0),
    ],
)
def test_a_direction_is_that_of_the_whole_interval(change, seeds, sign):
    assert direction(change, seeds) == sign


def test_one_failed_criterion_refutes_and_one_undecided_leaves_it_open():
    yes, no, open_ = Verdict.SUPPORTED, Verdict.NOT_SUPPORTED, Verdict.UNDECIDED
    assert overall([yes, yes]) == yes and overall([yes, open_, no]) == no and overall([yes, open_]) == open_


def test_published_claims_on_a_simulated_run(simulate):
    judgements = {one.claim.name: one for one in judge_published(RunNumbers(load_run(simulate(num_seeds=12))))}
    assert list(judgements) == [claim.name for claim in CLAIMS] == list("12345678")
    first = judgements["1"].findings[0]
    assert first.verdict == Verdict.SUPPORTED and first.counted == "cumulative"
    # The window is steeper than the cumulative count, which averages the dip away.
    assert first.beside["windowed"].estimate > first.interval.estimate > 0
    assert judgements["4"].verdict == Verdict.NOT_SUPPORTED
    assert judgements["8"].verdict == Verdict.UNDECIDED and not judgements["8"].findings
    full = judgements["6"].findings[-1]
    assert full.verdict == Verdict.UNDECIDED and "no arm" in full.reason


def test_intervals_are_wider_where_a_claim_has_more_criteria(simulate):
    run = RunNumbers(load_run(simulate(num_seeds=12)))
    alone = judge(run, Claim(name="a", statement="", criteria=(RISE,)))
    among = judge(run, Claim(name="b", statement="", criteria=(RISE,) * 6))
    family = judge(run, Claim(name="c", statement="", criteria=(RISE,)), family=6)
    widths = [one.findings[0].interval.high - one.findings[0].interval.low for one in (alone, among, family)]
    assert alone.confidence == 0.95 and widths[1] > 1.2 * widths[0]
    assert widths[2] == widths[1]


def test_arms_are_compared_seed_by_seed(simulate):
    run = RunNumbers(load_run(simulate(num_seeds=12)))
    versus = dataclasses.replace(RISE, arm="tune3", versus="tune2")
    finding = judge(run, Claim(name="a", statement="", criteria=(versus,))).findings[0]
    change = run.per_seed(RISE, "cumulative", "tune3") - run.per_seed(RISE, "cumulative", "tune2")
    assert finding.interval.estimate == pytest.approx(change.mean()) and finding.seeds == 12
    absent = judge(run, Claim(name="a", statement="", criteria=(dataclasses.replace(RISE, arm="tune9"),)))
    assert absent.verdict == Verdict.UNDECIDED and "tune9" in absent.findings[0].reason


@pytest.mark.parametrize(("quantity", "low", "high"), [("prevalence", 70, 100), ("depth", 15, 50)])
def test_dips_can_be_claimed(simulate, quantity, low, high):
    run = RunNumbers(load_run(simulate(num_seeds=12)))
    criterion = Criterion(
        arm="tune2", metric="hold_pct", quantity=quantity, counted="exact", step=25_000, minimum=low, maximum=high
    )
    finding = judge(run, Claim(name="a", statement="", criteria=(criterion,))).findings[0]
    assert finding.verdict == Verdict.SUPPORTED and finding.beside.keys() == {"windowed"}


@pytest.mark.parametrize("flag", ["constant", "one seed"])
def test_a_point_decides_nothing(flag):
    found, reason = decide(Interval(0.0, 0.0, 0.0, flag), 64, None, 0.5)
    assert found == Verdict.UNDECIDED and flag in reason


def test_a_point_decides_where_the_arm_cannot_vary(simulate):
    ds = load_run(simulate(arms=("a", "b"), num_seeds=12)).load()
    ds["p_action"][:] = ds["p_action"].isel(checkpoint=0, seed=0, arm=0)
    still = Criterion(arm="a", metric="hold_pct", quantity="depth", counted="exact", step=25_000, maximum=0.5)
    claim = Claim(name="a", statement="", criteria=(still,))
    moving = judge(RunNumbers(ds), claim).findings[0]
    assert moving.interval.estimate == 0 and moving.interval.high > 5 and moving.verdict == Verdict.UNDECIDED
    config = json.loads(ds.attrs["config"])
    config["arms"][0]["ppo"] = {"learning_rate": 0.0}
    ds.attrs["config"] = json.dumps(config)
    fixed = judge(RunNumbers(ds), claim).findings[0]
    assert fixed.interval == Interval(0.0, 0.0, 0.0, "cannot vary") and fixed.verdict == Verdict.SUPPORTED
    # Less an arm that can vary the difference can vary too.
    versus = dataclasses.replace(claim, criteria=(dataclasses.replace(still, versus="b"),))
    assert judge(RunNumbers(ds), versus).verdict == Verdict.UNDECIDED


def test_a_claimed_depth_allows_for_seeds_that_fall_as_far_as_they_can(simulate):
    run = RunNumbers(load_run(simulate(num_seeds=12)))
    criterion = Criterion(arm="tune2", metric="hold_pct", quantity="depth", counted="exact", step=25_000, maximum=50)
    finding = judge(run, Claim(name="a", statement="", criteria=(criterion,))).findings[0]
    depth = run.per_seed(criterion, "exact", "tune2")
    hold = derive_curves(run.ds)["p_hold"].sel(arm="tune2")
    room = 100 - float(hold.where(hold["env_steps"] <= 25_000).min())
    assert run.room(criterion, "exact", "tune2") == pytest.approx(room) and 60 < room < 80
    hidden = 1 - 0.025 ** (1 / 12)  # the share of seeds that twelve may fail to show
    assert finding.interval.high > (1 - hidden) * depth.mean() + hidden * room - 0.5
    assert finding.interval.low > (1 - hidden) * depth.mean() - 2


def test_a_claim_about_steps_that_the_run_did_not_reach_is_undecided(simulate):
    run = RunNumbers(load_run(simulate(num_seeds=8, steps=(0, 1_000, 5_000, 10_000))))
    dip = Criterion(arm="tune2", metric="hold_pct", quantity="depth", counted="exact", step=25_000, minimum=0.0)
    reached = judge(run, Claim(name="a", statement="", criteria=(dataclasses.replace(dip, step=10_000),)))
    assert reached.verdict == Verdict.SUPPORTED
    for criterion, reason in (
        (dip, "ends at step 10 000"),
        (dataclasses.replace(RISE, step=20_000), "no checkpoint at step 20 000"),
    ):
        judgement = judge(run, Claim(name="a", statement="", criteria=(criterion,)))
        assert judgement.verdict == Verdict.UNDECIDED
        assert reason in judgement.findings[0].reason


def test_failed_seeds_take_no_part(simulate):
    run = RunNumbers(load_run(simulate(num_seeds=8, failed={(0, 2): 7_000})))
    assert np.isnan(run.per_seed(RISE, "cumulative", "tune2")).tolist() == [seed == 2 for seed in range(8)]
    assert judge(run, Claim(name="a", statement="", criteria=(RISE,))).findings[0].seeds == 7
    depth = dataclasses.replace(RISE, quantity="depth", counted="exact", step=6_000)
    assert np.isnan(run.per_seed(depth, "exact", "tune2")).tolist() == [seed == 2 for seed in range(8)]


def test_an_arm_is_found_by_its_settings(simulate):
    ds = load_run(simulate(arms=("reference",)))
    assert find_arm(ds, "tune2") is None
    config = json.loads(ds.attrs["config"])
    config["arms"] = json.loads(json.dumps(RunConfig(experiment="x", arms=experiments.load("tune2").arms).to_json()))[
        "arms"
    ]
    config["arms"][0]["name"] = "reference"
    ds.attrs["config"] = json.dumps(config)
    assert find_arm(ds, "tune2") == find_arm(ds, "full") == "reference" and find_arm(ds, "tune3") is None


def every_experiment():
    """Names of all experiments, the studies' parts among them."""
    for name in experiments.names():
        try:
            yield from (part.name for part in experiments.load_study(name).parts)
        except ConfigError:
            yield name


@pytest.mark.parametrize("name", list(every_experiment()))
def test_declared_claims_go_into_the_config_and_come_back(name):
    study = experiments.load(name)
    own = {"num_seeds": study.num_seeds, "first_seed": study.first_seed, "eval_episodes": study.eval_episodes}
    config = RunConfig(experiment=study.name, arms=study.arms, claims=study.claims, **own)
    config.validate()
    described = config.described(MOMENTUM)  # with what is evaluated, where anything is
    assert tuple(claim_from_json(plain, described) for plain in config.to_json()["claims"]) == study.claims
    arms = {arm.name for arm in study.arms}
    assert {criterion.arm for claim in study.claims for criterion in claim.criteria} <= arms


def test_the_trim_trap_declares_its_claims():
    assert [claim.name for claim in experiments.load("trim_trap").claims] == ["shallower", "gone"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "sharpe"}, "metric='sharpe' is unknown: choose one of hold_pct, call_pct, .*chase_pct"),
        ({"metric": "hold"}, "did you mean hold_pct"),
        ({"minimum": None}, "neither"),
        ({"quantity": "depth"}, "windowed or exact"),
        ({"metric": "chase_pct", "counted": "exact"}, "no such form, choose cumulative or windowed"),
        ({"metric": "call_pct", "quantity": "depth"}, "choose one of hold_pct, buy_pct, strong_buy_pct"),
    ],
)
def test_a_criterion_that_cannot_be_judged_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(RISE, **changes).validate(MOMENTUM)


def test_a_claim_without_criteria_is_refused():
    with pytest.raises(ConfigError, match="no criteria"):
        Claim(name="a", statement="").validate(MOMENTUM)
    with pytest.raises(ConfigError, match="does not fit"):
        claim_from_json({"name": "a", "criteria": [{"metric": "hold_pct"}]}, MOMENTUM)


def test_a_claim_of_a_file_on_a_metric_that_the_run_does_not_have_is_refused_with_those_there_are(simulate):
    ds = load_run(simulate(num_seeds=6, steps=(0, 5_000, 10_000)))
    claim = {"name": "old", "statement": "", "criteria": [dataclasses.asdict(RISE) | {"metric": "sharpe"}]}
    changed = ds.assign_attrs(config=json.dumps(json.loads(ds.attrs["config"]) | {"claims": [claim]}))
    with pytest.raises(ConfigError, match="claim 'old': criterion metric='sharpe' is unknown: choose one of hold_pct"):
        declared_claims(changed)
    criteria = (dataclasses.replace(RISE, metric="sharpe"),)
    judged = judge(RunNumbers(ds), Claim(name="a", statement="", criteria=criteria))
    (finding,) = judged.findings
    assert judged.verdict == Verdict.UNDECIDED and finding.reason == "not measured: the run has no metric sharpe"


def test_the_command_prints_verdicts_and_writes_them(simulate, capsys):
    run_dir = simulate(num_seeds=8)
    assert report_command.main([str(run_dir), "--claims=published"]) == 0
    assert "1. NOT SUPPORTED: HOLD rises at 10k" in capsys.readouterr().out
    table = pd.read_csv(run_dir / "report" / "claims.csv", dtype={"claim": str})
    assert set(table["claim_verdict"]) <= {"supported", "not supported", "undecided"}
    assert table["claim"].nunique() == 8 and table["reason"].str.contains("not measured", na=False).any()
    places = pd.read_csv(run_dir / "report" / "published.csv")
    assert places["percentile"].between(0, 100).all() and (places["prediction_low"] <= places["prediction_high"]).all()
    assert report_command.main([str(run_dir), "--claims=declared"]) == 0
    assert "No claim was declared" in capsys.readouterr().out


def test_the_command_refuses_in_one_line(simulate, tmp_path, capsys):
    assert report_command.main([str(tmp_path / "absent")]) == 2
    message = capsys.readouterr().err
    assert "absent" in message and message.count("\n") == 1


def test_the_command_imports_no_jax():
    code = "import sys, momentum_jax.report; sys.exit(any(name == 'jax' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
