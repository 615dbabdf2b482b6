"""Published numbers are found by the settings of a run's arms, and placed rightly among its seeds."""

from __future__ import annotations

import json

import pytest

import experiments
from experiments.early_dip.published import RUNS
from momentum_jax.analysis.claims.published import published_percentiles
from momentum_jax.analysis.claims.published_arms import published_arms
from momentum_jax.analysis.report.run_tables import table_values
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
