"""Published numbers are found by the settings of a run's arms, and placed rightly among its seeds."""

from __future__ import annotations

import json

import pytest

import experiments
from experiments.early_dip.published import RUNS
from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import published_places
from momentum_jax.analysis.claims.published import published_percentiles
from momentum_jax.analysis.claims.published_arms import published_arms
from momentum_jax.analysis.claims.published_claims import judge_published
from momentum_jax.analysis.report.run_tables import table_values
from momentum_jax.config.experiment_file import shipped
from momentum_jax.config.run_config import RunConfig
from momentum_jax.run_directory import load_run


def test_percentile_is_the_share_of_seeds_below(simulate):
    ds = load_run(simulate())
    table = published_percentiles(ds, RUNS["tune2"], "tune2").set_index(["env_steps", "counted", "metric"])
    assert len(table) == 5 * 2 * 4
    at_10k = table_values(ds).isel(checkpoint=1).sel(arm="tune2", counted="windowed")
    below = float((at_10k["hold_pct"] < RUNS["tune2"].windows().loc[10_000, "hold_pct"]).mean())
    row = table.loc[(10_000, "windowed", "hold_pct")]
    assert row["percentile"] == pytest.approx(100 * below) and row["seeds"] == 6
    assert row["published"] == pytest.approx(69.25, abs=0.01)


def test_a_window_whose_beginning_is_missing_is_not_compared(simulate):
    table = published_percentiles(load_run(simulate(steps=(0, 5_000, 25_000))), RUNS["tune2"], "tune2")
    kinds = table.groupby("env_steps")["counted"].unique().map(list).to_dict()
    assert kinds == {5_000: ["cumulative", "windowed"], 25_000: ["cumulative"]}


def test_a_setting_that_came_later_does_not_hide_the_published_arm_and_one_that_differs_does(simulate):
    ds = load_run(simulate(arms=("mine",)))
    config = json.loads(ds.attrs["config"])
    arm = json.loads(json.dumps(RunConfig(experiment="x", arms=experiments.load("tune3").arms).to_json()))["arms"][0]
    del arm["env"]["trim_reduces_cost"]

    def found(**changes):
        config["arms"] = [arm | {"name": "mine", "ppo": arm["ppo"] | changes}]
        return [(run.name, name) for run, name in published_arms(ds.assign_attrs(config=json.dumps(config)))]

    assert found() == [("tune3", "mine")]
    assert found(gamma=0.5) == []
    config["arms"][0]["ppo"].pop("ent_coef")  # the published runs differ in it
    assert published_arms(ds.assign_attrs(config=json.dumps(config))) == []


ANOTHER = """
from momentum_jax.analysis.claims.published import Published, PublishedPoint, PublishedRun
from momentum_jax.config import Claim, Criterion

BELOW = Criterion(arm="mine", metric="hold_pct", step=10_000, maximum=90.0)
POINTS = (PublishedPoint(env_steps=10_000, cumulative={"hold_pct": 1.0}),)
PUBLISHED = Published(
    symbol="SPY",
    defaults={"ent_coef": 0.08},
    runs=(PublishedRun(name="mine", settings={"ent_coef": 0.3}, points=POINTS),),
    claims=(Claim(name="below", statement="HOLD stays below 90 %.", criteria=(BELOW,)),),
)
"""


def test_what_another_study_repeats_is_found_by_its_file_alone(simulate, tmp_path, monkeypatch):
    (tmp_path / "another_study").mkdir()
    (tmp_path / "another_study" / "__init__.py").write_text("")
    (tmp_path / "another_study" / "published.py").write_text(ANOTHER)
    monkeypatch.setattr(shipped(), "__path__", [*shipped().__path__, str(tmp_path)])
    ds = load_run(simulate(arms=("mine",)))
    config = json.loads(ds.attrs["config"])
    config["arms"][0]["ppo"] = {"ent_coef": 0.3}
    ds = ds.assign_attrs(config=json.dumps(config))
    places = published_places(ds)
    assert places[["run", "arm", "env_steps", "published", "percentile"]].values.tolist() == [
        ["mine", "mine", 10_000, 1.0, 0.0]
    ]
    # Of the claims those of the source whose runs have an arm here; all where none has.
    assert [found.claim.name for found in judge_published(RunNumbers(ds))] == ["below"]
    nobody = load_run(simulate(arms=("nobody",), name="nobody"))
    assert len(judge_published(RunNumbers(nobody))) == 9
