"""A run whose frozen policies were evaluated: judged by their return, against a noise that is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from momentum_jax.analysis.curves.reading.datasets import read_runs
from momentum_jax.analysis.curves.reading.reading import ReadOptions
from momentum_jax.analysis.dips.noise_table import noise_table
from momentum_jax.analysis.dips.thresholds import dip_threshold, noise_floor
from momentum_jax.analysis.export import run_exports
from momentum_jax.analysis.export.tensorboard import write_events
from momentum_jax.analysis.figures.primary_metric import plot_primary
from momentum_jax.analysis.metrics.derived_curves import derive_curves, standard_errors
from momentum_jax.analysis.pages.condensed import condense, restore
from momentum_jax.analysis.report import notes
from momentum_jax.analysis.report.data_warnings import quality_table, warnings_of
from momentum_jax.analysis.report.run_tables import checkpoint_table, dip_table
from momentum_jax.analysis.report.terminal import summary
from momentum_jax.diagnostics.evaluation import Evaluation
from momentum_jax.diagnostics.measurements import extended
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.run_directory import diagnostics_of, load_run
from momentum_jax.run_directory.joining import ComparisonError, load_runs
from tests.analysis.export.test_exports import read_events
from tests.analysis.other_environment import STEPS, write_run

EPISODES = 32
WORDS = extended(plain_diagnostics("walking", 2), Evaluation(episodes=EPISODES, max_steps=50), recorded_probes=3)
NUM_SEEDS = 40


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs"), WORDS, arms=("plain",), num_seeds=NUM_SEEDS)


def with_returns(run_dir, true, spread):
    """The run with evaluated returns: means of `EPISODES` returns around the true curve, and their standard errors."""
    ds = load_run(run_dir).copy(deep=True)
    rng = np.random.default_rng(0)
    returns = np.asarray(true)[:, None] + spread * rng.normal(size=(NUM_SEEDS, len(STEPS), EPISODES))
    ds["eval_return"].loc[{"evaluated": "sampled"}] = returns.mean(-1)
    ds["eval_return_se"].loc[{"evaluated": "sampled"}] = returns.std(-1, ddof=1) / np.sqrt(EPISODES)
    ds["eval_return"].loc[{"evaluated": "greedy"}] = 1_000.0
    return ds


FLAT, DIPPING = np.full(len(STEPS), 100.0), np.array([100.0, 110, 120, 120, 60, 60, 120, 130, 130])


def test_the_return_of_evaluated_episodes_is_what_the_run_is_judged_by(run_dir):
    ds = with_returns(run_dir, DIPPING, 5.0)
    assert diagnostics_of(ds).primary == "eval_return"
    curves = derive_curves(ds)
    np.testing.assert_array_equal(curves["eval_return"], ds["eval_return"].sel(evaluated="sampled"))
    assert (curves["eval_return_greedy"] == 1_000).all() and curves["eval_return"].dims == ("arm", "seed", "checkpoint")
    assert curves["eval_return"].attrs["kind"] == "instant" and curves["eval_return"].attrs["estimator"] == "sampled"
    dips = dip_table(ds).query("baseline == 0")
    assert dips["metric"].unique().tolist() == ["eval_return"] and dips["has_dip"].all()
    table = checkpoint_table(ds, "plain", (5_000,))
    assert table.loc[(5_000, "evaluated"), "eval_return_greedy_median"] == 1_000
    assert table.loc[(5_000, "windowed")].filter(like="eval_return").isna().all()
    assert "evaluated return, reward (threshold" in summary(run_dir)
    assert len(plot_primary(ds).axes) == 1


@pytest.mark.parametrize("spread", [5.0, 40.0])
def test_noise_is_known_and_finds_falls_where_there_are_some(run_dir, spread):
    flat, dipping = (noise_table(with_returns(run_dir, true, spread)).iloc[0] for true in (FLAT, DIPPING))
    assert flat["metric"] == "evaluated return, reward" and flat["seeds"] == NUM_SEEDS and flat["flag"] == ""
    assert flat["exceed"] <= stats.binom.ppf(0.99, NUM_SEEDS, 0.05) and flat["p_value"] > 0.01
    assert np.isnan(flat["design_effect_median"])
    assert dipping["exceed"] == NUM_SEEDS and dipping["come_back"] == NUM_SEEDS
    # What chance makes between two checkpoints grows with the episodes' spread.
    error = spread / np.sqrt(EPISODES)
    assert 2 * np.sqrt(2) * error < flat["by_chance"] < 6 * np.sqrt(2) * error


def test_checkpoints_without_any_spread_are_told_apart_and_one_episode_is_not_judged(run_dir):
    ds = with_returns(run_dir, DIPPING, 0.0)
    row = noise_table(ds).iloc[0]
    assert row["exceed"] == NUM_SEEDS and row["by_chance"] < 0.01
    same = noise_table(with_returns(run_dir, FLAT, 0.0)).iloc[0]
    assert np.isnan(same["exceed"]) or same["exceed"] == 0
    ds["eval_return_se"][...] = np.nan
    assert np.isnan(noise_table(ds).iloc[0]["exceed"])


def test_no_fall_below_the_noise_floor_is_a_dip(run_dir):
    ds, metric = with_returns(run_dir, DIPPING, 120.0), WORDS.metric("eval_return")
    errors = standard_errors(ds, metric)
    floor = noise_floor(errors)
    np.testing.assert_allclose(floor, 1.959964 * np.sqrt(2) * np.median(errors), rtol=1e-6)
    curve = derive_curves(ds)["eval_return"]
    share = 0.05 * float(curve.max() - curve.min())
    assert floor > share and dip_threshold(metric, curve, errors) == floor and dip_threshold(metric, curve) == share
    assert noise_floor(None) == noise_floor([np.nan]) == 0


def test_the_report_says_that_the_noise_is_known_and_what_was_cut_off(run_dir):
    text = notes.dips(load_run(run_dir), NUM_SEEDS, "from the start")
    assert "The noise of evaluated return is known" in text
    assert "standard errors" in notes.evidence(WORDS, NUM_SEEDS)
    ds = with_returns(run_dir, FLAT, 5.0)
    assert not [line for line in warnings_of(ds, quality_table(ds)) if "cut off" in line]
    ds["eval_cut_off"].loc[{"evaluated": "sampled", "checkpoint": 50_000}] = 0.5
    (line,) = [line for line in warnings_of(ds, quality_table(ds)) if "cut off" in line]
    assert line.startswith("plain: up to 50 % of a checkpoint's sampled episodes were cut off at 50 steps")


def test_exports_and_condensed_runs_keep_the_evaluation(run_dir, tmp_path):
    ds = with_returns(run_dir, DIPPING, 5.0)
    kept = restore(condense(ds))
    np.testing.assert_allclose(kept["eval_return"].transpose(*ds["eval_return"].dims), ds["eval_return"], rtol=1e-6)
    assert kept["eval_return"].sel(evaluated="greedy").min() == 1_000 and "probe_probability" not in kept
    folders = write_events(ds.isel(seed=[0]), tmp_path / "tb")
    events = read_events(folders[0])
    returns = ds["eval_return"].sel(evaluated="sampled", seed=0, arm="plain").values
    assert list(events["action/eval_return"].values()) == pytest.approx(returns, rel=1e-6)
    names = set(run_exports.long_table(ds.isel(seed=[0]))["variable"])
    assert {"eval_return_se[evaluated=sampled]", "eval_return[evaluated=greedy]", "eval_return_greedy"} <= names


def test_runs_that_are_evaluated_otherwise_are_not_joined(run_dir, tmp_path):
    other = extended(plain_diagnostics("walking", 2), Evaluation(episodes=8, max_steps=50), recorded_probes=3)
    second = write_run(tmp_path, other, arms=("second",), num_seeds=NUM_SEEDS)
    with pytest.raises(ComparisonError, match=r"evaluated with 8 episodes of at most 50 steps, .* with 32 episodes"):
        load_runs([run_dir, second])
    same = write_run(tmp_path / "same", WORDS, arms=("second",), num_seeds=NUM_SEEDS)
    assert load_runs([run_dir, same])["eval_return"].sizes["arm"] == 2


def test_the_analysis_of_any_curves_takes_the_evaluated_return_with_its_noise(run_dir):
    reading = read_runs([run_dir], ReadOptions())
    assert reading.curves.value_name == "eval_return" and reading.curves.good == "up"
    errors = load_run(run_dir)["eval_return_se"].sel(evaluated="sampled").values
    np.testing.assert_array_equal(reading.curves.standard_errors, errors)
    greedy = read_runs([run_dir], ReadOptions(value="eval_return_greedy")).curves
    assert greedy.standard_errors.shape == greedy.values.shape
    assert read_runs([run_dir], ReadOptions(value="episode_return")).curves.standard_errors is None
