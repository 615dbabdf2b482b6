"""Building blocks of tables: whom they compare, whom they call undecided, what early steps predict."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from momentum_jax.analysis.inference.mean_power import seeds_for_mean_difference, smallest_mean_difference
from momentum_jax.analysis.inference.predictors import LEARNER_FEATURES
from momentum_jax.analysis.pages.blocks.depth_tables import against_controls
from momentum_jax.analysis.pages.blocks.dose_tables import Setting, dose_slopes, dose_table, dosed
from momentum_jax.analysis.pages.blocks.early_prediction import pooled, predictions, single_features
from momentum_jax.analysis.pages.blocks.event_rates import context_shares, event_rates
from momentum_jax.analysis.pages.blocks.paired_tables import paired_depths, pairs_by_part, undecided_pairs
from momentum_jax.analysis.pages.blocks.published_tables import places_for_reading, places_summary
from momentum_jax.analysis.pages.blocks.stream_tables import shares_by_stream
from momentum_jax.analysis.pages.study_market import Outcome, paired
from momentum_jax.config import Arm, EnvOptions, PPOConfig
from momentum_jax.run_directory import load_run

SEEDS = 12
SPREAD = np.linspace(-1, 1, SEEDS)


def outcome(part: str, arm: str, depth: np.ndarray, confirmatory: bool = False, seeds=None) -> Outcome:
    values = np.asarray(depth, float)
    return Outcome(part, arm, confirmatory, np.arange(len(values)) if seeds is None else seeds, *[values] * 5)


def market(*outcomes: Outcome, arms: dict | None = None, parts: dict | None = None) -> SimpleNamespace:
    """What blocks need of a market."""
    settings = arms or {}

    def find(arm, part=None):
        return next((o for o in outcomes if o.arm == arm and part in (None, o.part)), None)

    named = parts or {o.part: None for o in outcomes}
    return SimpleNamespace(outcomes=list(outcomes), outcome=find, arms=settings.get, parts=named, threshold=5.0)


def test_seeds_are_paired_by_number():
    a, b = paired(
        outcome("p", "a", np.array([0.0, 10, 20, 30]), seeds=np.array([0, 1, 2, 3])),
        outcome("p", "b", np.array([1.0, 2, 3]), seeds=np.array([2, 3, 4])),
    )
    assert (a.tolist(), b.tolist()) == ([20, 30], [1, 2])


def test_an_arm_is_undecided_until_its_interval_leaves_0_or_keeps_within_a_point():
    reference = outcome("main", "usual", 30 + SPREAD, confirmatory=True)
    arms = {"small": 0.01 * SPREAD, "wide": 20 * SPREAD, "apart": 9 + SPREAD}
    found = market(reference, *(outcome("more", arm, reference.depth + change) for arm, change in arms.items()))
    table = undecided_pairs(found, reference, ("main", "more"))
    assert table["arm"].tolist() == ["wide"]
    needed = table["seeds_of_a_new_study"].item()
    sd = np.std(20 * SPREAD, ddof=1)
    assert smallest_mean_difference(sd / np.sqrt(2), needed, 0.0, alpha=0.05 / 3) <= 1.0
    assert undecided_pairs(found, reference, ("main", "more"), smallest_change=100.0).empty
    assert undecided_pairs(found, None, ("more",)).empty


def test_arms_are_compared_with_the_reference_in_the_parts_that_are_named():
    reference = outcome("main", "usual", 30 + SPREAD, confirmatory=True)
    others = [outcome("main", "b", 25 + SPREAD, True), outcome("more", "c", 20 - SPREAD), outcome("rest", "d", SPREAD)]
    table = paired_depths(market(reference, *others), reference, ("main", "more")).set_index("arm")
    assert table.index.tolist() == ["b", "c"]
    assert table["difference"].tolist() == pytest.approx([-5, -10])
    assert table["role"].tolist() == ["confirmatory", "exploratory"]
    assert paired_depths(market(reference), reference, ("main",)).empty


def test_a_pair_of_which_one_arm_was_not_run_is_left_out():
    one, other = outcome("a", "x", 3 + SPREAD), outcome("a", "y", SPREAD)
    table = pairs_by_part([("a", one, other), ("b", one, None), ("c", None, other)], "with_x", "with_y")
    assert table["part"].tolist() == ["a"]
    assert [table[name].item() for name in ("with_x", "with_y", "difference")] == pytest.approx([3, 0, 3], abs=1e-12)


def settings(name: str, **changes) -> dict:
    env = {key: value for key, value in changes.items() if key in EnvOptions.__dataclass_fields__}
    ppo = {key: value for key, value in changes.items() if key not in env}
    arm = Arm(name=name, env=EnvOptions(**env), ppo=PPOConfig(**ppo))
    return json.loads(json.dumps(dataclasses.asdict(arm)))


def test_doses_are_of_arms_that_differ_in_the_dose_and_the_switch_alone():
    arms = {
        "main": [settings("usual"), settings("other", ent_coef=0.02, gamma=0.5)],
        "dose": [
            settings("low", ent_coef=0.01),
            settings("fixed", trim_reduces_cost=True),
            settings("fixed_low", ent_coef=0.01, trim_reduces_cost=True),
        ],
    }
    depths = {"usual": 10 + SPREAD, "other": 99 + SPREAD, "low": 17 + SPREAD, "fixed": 4 + SPREAD}
    depths["fixed_low"] = (6 + SPREAD)[:-1]  # one seed fewer: it is left out of every arm
    runs = [outcome(part, arm["name"], depths[arm["name"]]) for part, of_part in arms.items() for arm in of_part]
    dose, switch = Setting("ppo", "ent_coef"), Setting("env", "trim_reduces_cost")
    lines = {False: "trap", True: "fixed"}
    found = dosed(market(*runs, arms=arms), ("main", "usual"), ("main", "dose"), dose, switch, lines)
    assert {label: list(by_dose) for label, by_dose in found.items()} == {"trap": [0.01, 0.08], "fixed": [0.01, 0.08]}
    assert all(len(depth) == SEEDS - 1 for by_dose in found.values() for depth in by_dose.values())
    assert dose_table(found, "trim", "ent_coef")["ent_coef"].tolist() == [0.01, 0.08] * 2
    slopes = dose_slopes(found, "trim", "per_0.01", units=100).set_index("trim")["per_0.01"]
    assert slopes.to_dict() == pytest.approx({"trap": -1, "fixed": -2 / 7, "trap less fixed": -5 / 7})
    assert dosed(market(*runs[1:], arms=arms), ("main", "usual"), ("main", "dose"), dose, switch, lines) == {}


def test_an_arm_is_compared_with_a_control_of_its_own_environment_only():
    def settings(name, **env):
        return {"name": name, "env": dataclasses.asdict(EnvOptions(**env)), "ppo": {}}

    arms = {"main": [settings("usual"), settings("permuted")], "more": [settings("fixed", trim_reduces_cost=True)]}
    usual, fixed = outcome("main", "usual", 30 + SPREAD), outcome("more", "fixed", 3 + SPREAD)
    control = outcome("main", "permuted", 5 + np.linspace(-1, 1, 19))
    found = market(usual, fixed, control, arms=arms)
    table = against_controls(found, usual, [control, control._replace(depth=control.depth[:18])])
    assert table["usual_seeds_beyond"].tolist() == [SEEDS, pytest.approx(np.nan, nan_ok=True)]  # 18 cannot tell
    with pytest.raises(ValueError, match="control 'permuted' differs from 'fixed' in trim_reduces_cost"):
        against_controls(found, fixed, [control])


def test_shares_need_the_arm_with_nothing_redrawn_and_the_one_with_all():
    redrawn = {"A": (), "B": ("init", "action"), "init": ("init",), "action": ("action",)}
    arms = {"streams": [{"name": name, "redrawn_streams": list(streams)} for name, streams in redrawn.items()]}
    key = np.random.default_rng(0)
    a, b = key.normal(size=(2, 200)), key.normal(size=(2, 200))
    depths = {"A": a.sum(0), "B": b.sum(0), "init": b[0] + a[1], "action": a[0] + b[1]}
    runs = [outcome("streams", name, depth) for name, depth in depths.items()]
    table = shares_by_stream(market(*runs, arms=arms), ("streams", "absent"))
    assert table["stream"].tolist() == ["init", "action"]
    assert table["total"].tolist() == pytest.approx([0.5, 0.5], abs=0.12)


@pytest.fixture
def run(simulate) -> xr.Dataset:
    return load_run(simulate(arms=("usual", "other"), num_seeds=SEEDS))


def test_a_depth_that_follows_from_a_step_is_predicted_there_and_not_before(run):
    steps = run["env_steps"].values
    early = np.random.default_rng(0).uniform(0, 0.1, (2, SEEDS, 1))
    rise = np.where(steps < 5_000, 0.0, np.where(steps < 10_000, 1.0, 2.0))
    hold = 0.3 + early * rise
    probability = xr.zeros_like(run["p_action"]).transpose("arm", "seed", "checkpoint", ...).copy()
    probability[..., 0] = hold[..., None, None]
    probability[..., 1] = 1 - hold[..., None, None]
    health = {name: run[name].fillna(0) for name in LEARNER_FEATURES}  # the simulation has none
    run = run.assign(health | {"p_action": probability})
    arms = [("both", pooled(run, ("usual", "other"), "both"))]
    assert arms[0][1].sizes["seed"] == 2 * SEEDS and len(np.unique(arms[0][1]["seed"])) == 2 * SEEDS
    table = predictions(arms, (2_000, 5_000), 10_000, 25_000).set_index(["outcome", "known_at_step"])
    assert table["seeds"].eq(2 * SEEDS).all()
    assert table.loc[("depth_at_10k", 5_000), "hold_r2"] > 0.9
    assert table.loc[("depth_at_10k", 2_000), "hold_r2"] < 0.1
    features = single_features(arms, (2_000, 5_000), 10_000, 25_000).set_index("feature")
    assert features.loc["p_hold", "at_5000"] == pytest.approx(1)
    assert np.isnan(features.loc["p_hold", "at_2000"])  # the same in every seed
    assert predictions(arms, (2_000,), 123_000, 25_000).empty


def test_rates_and_shares_are_of_the_decisions_that_are_named(run):
    counts, bought = run["flat_count"], ["BUY_CALL", "BUY_PUT"]
    first = counts.sel(arm="usual").isel(checkpoint=run["env_steps"].values <= 5_000).sum("checkpoint")
    buys = first.sel(action=bought).sum(["setup_score", "action"])
    whole = run.assign(trim=counts.sel(action=bought).sum(["setup_score", "action"]))
    table = event_rates(whole, ("usual", "absent"), bought, {"trims": "trim"}, (0, 5_000, 123_000))
    assert table["to_step"].tolist() == [5_000] and table["trims"].tolist() == [100.0]
    assert event_rates(None, ("usual",), bought, {"trims": "trim"}, (0, 5_000)).empty
    arms = [("main", "usual"), ("gone", "x")]
    shares = context_shares(market(parts={"main": run}), arms, (3, 4), 5_000, "strong_pct")
    strong = first.sel(setup_score=[3, 4]).sum(["setup_score", "action"])
    expected = 100 * float((strong / first.sum(["setup_score", "action"])).mean())
    assert shares["strong_pct"].tolist() == pytest.approx([expected]) and (buys > 0).all()


def test_the_summary_of_places_counts_cumulative_numbers_and_names_those_outside():
    front = {"run": "r", "env_steps": 5_000, "metric": "hold_pct", "seeds": 40, "seeds_median": 50.0}
    rows = [("cumulative", 54.0, 60.0), ("cumulative", 70.0, 99.0), ("windowed", 99.0, 100.0)]
    places = pd.DataFrame(
        front
        | {"counted": counted, "published": value, "percentile": rank, "prediction_low": 40.0, "prediction_high": 60.0}
        for counted, value, rank in rows
    )
    table = places_summary(places_for_reading(places))
    assert table[["published_numbers", "within"]].values.tolist() == [[2, 1]]
    assert table["outside"].item() == "hold_pct at 5 000 (70.0; 40.0 to 60.0)"
    assert places_summary(places_for_reading(pd.DataFrame())).empty


def test_the_seeds_needed_are_the_fewest_that_find_the_difference():
    needed = seeds_for_mean_difference(-3.0, spread=6.0, correlation=0.4)
    assert needed is not None
    assert smallest_mean_difference(6.0, needed, 0.4) <= 3.0 < smallest_mean_difference(6.0, needed - 1, 0.4)
    assert seeds_for_mean_difference(1e-3, spread=6.0) is None
