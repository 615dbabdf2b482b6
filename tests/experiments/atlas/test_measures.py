"""The atlas on simulated environments whose dips are known: in one 16 of 48 seeds dip, in one nothing happens."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from experiments.atlas import STUDY, around_dips, claims, judging, measures, tables
from experiments.atlas import redrawn as beside_first
from experiments.atlas.environments import ADDED, ENTRIES
from experiments.atlas.measures import measured
from experiments.atlas.parts import CONTROL, LEARNER, control_part
from experiments.atlas.redrawn import FIRST, redrawn
from momentum_jax.analysis.pages.condensed import condense
from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.diagnostics.evaluation import EPISODE_DRAW, Evaluation
from momentum_jax.diagnostics.measurements import extended
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.run_directory import RunDirectoryError
from momentum_jax.run_directory.atomic_files import write_arrays
from momentum_jax.study import declaration

BY_PART = {entry.part: entry for entry in ENTRIES}
SEEDS, DIPPING, CONTROLS = 48, 16, 32
SHALLOW, LATE = slice(16, 20), slice(20, 22)  # seeds that fall by less than the smallest dip, or after the horizon
ONSET, TROUGH, BACK = 16, 22, 30  # checkpoints
GAIN, FALL, ERROR = 10.0, 5.0, 0.06  # reward


def write_part(folder, entry, returns, churn, certainty, arm, part, draw=EPISODE_DRAW):
    """One condensed run ``[seed, checkpoint]``."""
    rng, shape = np.random.default_rng(5), returns.shape
    dims, steps = ("arm", "seed", "checkpoint"), np.array([0, *entry.checkpoints])
    kept = {
        "eval_return": returns + ERROR * rng.standard_normal(shape),
        "eval_return_se": np.full(shape, ERROR),
        "eval_return_greedy": returns,
        "churn": churn,
        "reward_rate": returns,
        "final_action_probability": certainty,
    }
    kept = xr.Dataset({name: (dims, values[None]) for name, values in kept.items()})
    config = {"experiment": part, "arms": [{"name": arm}], "seeds": list(range(shape[0])), "timesteps": entry.timesteps}
    evaluation = Evaluation(episodes=entry.eval_episodes, max_steps=9, draw=draw)
    config["diagnostics"] = extended(plain_diagnostics(part, 2), evaluation).to_json()
    ds = xr.Dataset(
        {"failed_step": (dims, np.full((1, *shape), -1))},
        {"env_steps": ("checkpoint", steps), "update": ("checkpoint", steps // 512)},
        {"config": json.dumps(config), "run_name": part, "data_fingerprint": ""},
    )
    write_arrays(folder / f"{part}.npz", condense(ds, "trained 9 environment steps in 3.0 s", lambda _: kept))


def dipping_curves(width):
    """Returns that rise by `GAIN`; the first `DIPPING` seeds fall by `FALL` after their onset and come back."""
    places = np.arange(width)
    fall = np.interp(places, [ONSET, TROUGH, BACK], [0, FALL + GAIN * (TROUGH - ONSET) / (width - 1), 0])
    returns = np.repeat(np.linspace(0, GAIN, width)[None], SEEDS, axis=0)
    returns[:DIPPING] -= fall
    returns[SHALLOW] -= 0.4 * fall
    returns[LATE] -= np.roll(fall, 26)
    churn = np.repeat(0.04 - 0.02 * places[None] / width, SEEDS, axis=0)
    churn[:DIPPING, ONSET - 1 : ONSET + 1] += 0.03
    churn[:DIPPING, ONSET + 1 : TROUGH + 1] += 0.06
    churn += 0.001 * np.random.default_rng(1).standard_normal(churn.shape)
    certainty = (
        0.5
        + 0.4 * places / (width - 1)
        - 0.3 * returns.max() / GAIN * (np.arange(SEEDS) < DIPPING)[:, None] * ((places > ONSET) & (places < BACK))
    )
    return returns, churn, certainty


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas") / "made_up"
    folder.mkdir()
    declaration.declare(STUDY, folder)
    for name in ("catch", "memory_chain"):
        entry = BY_PART[name]
        width = len(entry.checkpoints) + 1
        flat = np.full((SEEDS, width), 0.5)
        learner = dipping_curves(width) if entry.learnable else (flat, flat / 50, flat)
        write_part(folder, entry, *learner, LEARNER, name, draw=EPISODE_DRAW if entry.learnable else 1)
        still = tuple(array[:CONTROLS] for array in (flat, flat / 50, flat))
        draw = EPISODE_DRAW if entry.learnable else 1
        write_part(folder, entry, *still, CONTROL, control_part(entry), draw=draw)
    return Market(folder)


def test_the_seeds_that_dip_are_found_and_no_others(market):
    catch, memory = measured(market)
    assert np.flatnonzero(catch.learner.dips).tolist() == list(range(DIPPING))
    assert catch.learner.comes_back.sum() == DIPPING and not catch.control.dips.any()
    assert memory.learner.dips.sum() <= 2 and not memory.learned and catch.learned
    assert memory.range == 2.0 and catch.range == pytest.approx(GAIN, rel=0.05)


def test_depth_and_times_are_those_of_the_dip(market):
    catch = measured(market)[0]
    steps, found = catch.steps, catch.learner.found
    depth, noise = catch.learner.depth, 100 * ERROR / GAIN
    assert np.median(depth[:DIPPING]) == pytest.approx(100 * FALL / GAIN, abs=noise)
    assert depth[SHALLOW].min() > 10 and depth[LATE.start :].max() < 5 * noise
    assert np.abs(np.searchsorted(steps, found.trough_step[:DIPPING]) - TROUGH).max() <= 1
    # Noise alone makes at least as much of the seeds that do not dip, and little more: a rising fit to noise has steps.
    by_noise = measures.depths_by_noise(catch)[:, LATE.stop :].mean()
    assert depth[LATE.stop :].mean() < by_noise < 2 * noise


def test_churn_is_matched_by_step_and_the_end_shares_no_checkpoint_with_the_dip(market):
    catch, memory = measured(market)
    churn = around_dips.churn(catch)
    assert churn.before.difference.estimate == pytest.approx(3.0, abs=0.3) and churn.before.p_value < 0.001
    assert churn.during.estimate == pytest.approx(6.0, abs=0.5)
    assert np.isnan(around_dips.churn(memory).before.difference.estimate)
    assert catch.early.sum() < len(catch.steps) - round(claims.FINAL_SHARE * len(catch.steps))
    # Every seed ends alike, whatever its depth.
    assert abs(around_dips.end(catch).correlation.estimate) < 0.35


def test_two_groups_are_found_and_noise_makes_none(market):
    catch = measured(market)[0]
    assert around_dips.groups(catch).p_value < 0.05 < around_dips.groups_by_noise(catch).p_value


def test_every_claim_is_judged_in_the_environment_that_learned_alone(market):
    page = load_study_page("atlas")
    table = page.table("declared", market).set_index("claim")
    assert set(table.index) == {statement.name for statement in claims.DECLARED} == judging.TESTS.keys()
    assert set(table["environment"]) == {"catch"}
    verdicts = table["claim_verdict"].to_dict()
    assert verdicts | {"end": ""} == dict.fromkeys(verdicts, "supported") | {"most": "not supported", "end": ""}
    assert (table["holm_p_value"] >= table["p_value"]).all()


@pytest.mark.slow
def test_every_table_and_the_figure_are_made(market):
    page = load_study_page("atlas")
    for name in page.tables:
        table = page.table(name, market)
        keys = list(page.keys.get(name, table.columns[:1]))
        assert not table.duplicated(keys).any() and (len(table) or name == "populations"), name
    atlas = page.table("atlas", market).set_index("environment")
    assert atlas.loc["catch", "dips_pct"] == pytest.approx(100 * DIPPING / SEEDS)
    assert atlas.loc["catch", "shifts_pct"] == pytest.approx(100 * DIPPING / SEEDS)
    assert page.figure("plates", market) is not None


def test_percentages_of_a_population_that_does_not_get_better_are_left_out(market, monkeypatch):
    catch, memory = measured(market)
    still = catch._replace(gain=catch.gain._replace(low=-1.0))
    for module in (tables, beside_first):
        monkeypatch.setattr(module, "measured", lambda market: (still, memory))
    table, rows = (table(market).set_index("environment") for table in (tables.atlas, redrawn))
    of_range = [name for name in table if name.startswith(("dips", "falls", "control_falls", "depth"))]
    assert table.loc["catch", of_range].isna().all() and table.loc["memory_chain", of_range].notna().all()
    assert table.loc["catch", ["learns", "seeds"]].tolist() == ["not in this time", SEEDS]
    assert rows.loc["catch", ["dips_pct", "dips_first_pct", "falls_pct"]].isna().all()
    assert rows.loc["catch", ["start", "lowest_low"]].notna().all()
    for name in ("differences", "before_and_after"):
        assert getattr(tables, name)(market).environment.tolist() == ["memory_chain"]


def test_a_control_that_was_evaluated_otherwise_is_refused(market):
    other = market.parts["memory_chain_control"].assign_attrs(market.parts["catch_control"].attrs)
    with pytest.raises(RunDirectoryError, match="memory_chain and memory_chain_control were evaluated on episodes"):
        list(measures._each(SimpleNamespace(parts={**market.parts, "memory_chain_control": other})))


def test_only_what_was_evaluated_again_stands_beside_the_first_run(market):
    table = redrawn(market).set_index("environment")
    (entry,) = (entry for entry in ENTRIES if entry.part == "catch")
    everything = {each.part for each in (*ENTRIES, *ADDED)}
    assert table.index.tolist() == ["catch"] and set(FIRST) == everything - {"mountain_car"}
    row, returns = table.loc["catch"], measured(market)[0].learner.rewards
    assert (row.dips_first_pct, row.falls_first_pct) == (0, 0) and row.dips_pct == pytest.approx(100 * DIPPING / SEEDS)
    assert row.start == pytest.approx(returns[:, 0].mean()) and row.start_first == FIRST["catch"].start
    early = np.array([0, *entry.checkpoints]) <= entry.horizon
    assert (
        row.lowest == pytest.approx(returns[:, early].mean(axis=0).min())
        and row.lowest_low < row.lowest < row.lowest_high
    )
    assert tables.settings(market).drawn_for.tolist() == ["each seed", "all seeds"]


def test_what_was_added_after_results_is_never_judged_as_declared(market):
    catch = measured(market)[0]
    assert [entry.part for entry in ADDED] == list(STUDY.added) and not set(STUDY.added) & set(STUDY.confirmatory)
    assert catch.declared and not catch._replace(entry=ADDED[0]).declared


def test_a_verdict_follows_the_corrected_p_value_and_the_side():
    statement = next(one for one in claims.DECLARED if one.name == "end")
    low, high = (judging.Test(judging.Interval(rho, rho, rho), 0.001) for rho in (-0.5, 0.5))
    found = [judging.verdict(statement, test, p, 0.05) for test, p in ((low, 0.01), (high, 0.01), (low, 0.06))]
    assert found == ["supported", "not supported", "undecided"]
    assert judging.verdict(statement, low, float("nan"), 0.05) == "not tested"


def test_what_is_kept_is_the_probability_of_the_action_that_is_best_at_the_end():
    dims = ("arm", "seed", "checkpoint")
    probability = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])  # of two actions at three checkpoints
    returns = np.arange(6.0).reshape(1, 1, 3, 2)
    ds = xr.Dataset(
        {
            "probe_probability": (
                (*dims, "probe_state", "action"),
                np.stack([probability, 1 - probability], 1)[None, None],
            ),
            "eval_return": ((*dims, "evaluated"), returns, {"units": "reward"}),
            "eval_return_se": ((*dims, "evaluated"), returns),
            "churn": (dims, np.zeros((1, 1, 3))),
            "reward_sum": (dims, np.array([[[0.0, 8.0, 8.0]]])),
        },
        {"evaluated": ["sampled", "greedy"], "checkpoint": [0, 16, 48], "env_steps": ("checkpoint", [0, 16, 48])},
    )
    kept = measures.keep(ds)
    assert kept["final_action_probability"].values.ravel() == pytest.approx([0.1, 0.6, 0.8], abs=1e-3)
    assert kept["eval_return"].values.ravel().tolist() == [0.0, 2.0, 4.0]
    assert kept["eval_return_greedy"].values.ravel().tolist() == [1.0, 3.0, 5.0]
    assert kept["reward_rate"].values.ravel()[1:].tolist() == [500.0, 250.0] and kept.sizes["checkpoint"] == 3
    assert kept["eval_return"].attrs == {"units": "reward"} and kept["churn"].dtype == np.float16
