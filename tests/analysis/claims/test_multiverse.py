"""Claims in every universe, coarser windows, and the interval that an earlier study predicts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from momentum_jax.analysis.claims.multiverse import Choices, by_horizon, universes, verdict_shares
from momentum_jax.analysis.inference.replication import predicted_mean
from momentum_jax.analysis.metrics.coarser import at_steps
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.pages.blocks.replication_tables import Number, Study, replications
from momentum_jax.config.declared_claims import Claim, Criterion
from momentum_jax.run_directory import load_run

DEEP = Criterion(arm="tune2", metric="hold_pct", quantity="depth", counted="exact", step=25_000, minimum=10.0)
LEVEL = dataclasses.replace(DEEP, quantity="level")
CLAIMS = (Claim(name="deep", statement="", criteria=(LEVEL, DEEP)), Claim(name="high", statement="", criteria=(LEVEL,)))


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    from tests.analysis.conftest import simulator

    return load_run(simulator(tmp_path_factory.mktemp("multiverse"))(num_seeds=12)).load()


def test_every_combination_is_one_universe_and_levels_do_not_vary(ds):
    choices = Choices(horizons=(5_000, 25_000), thresholds=(2.0, 90.0), baselines=(0, 1_000))
    cells = universes({"exact": ds, "windowed": at_steps(ds, range(0, 100_000, 1_000))}, CLAIMS, choices)
    assert len(cells) == 16 and set(cells["claim"]) == {"deep"}
    assert not cells.duplicated(["counted", "baseline", "horizon", "threshold"]).any()
    # No seed falls by 90 points: there its depth is none.
    assert (cells.loc[cells["threshold"] == 90, "estimate"] == 0).all()
    usual = cells[(cells["counted"] == "exact") & (cells["baseline"] == 0) & (cells["threshold"] == 2)]
    assert usual.set_index("horizon")["verdict"][25_000] == "supported"
    beyond = universes({"exact": ds}, CLAIMS, choices._replace(horizons=(10_000_000,)))
    assert beyond.empty


RISE = Criterion(arm="tune2", metric="hold_pct", quantity="change", counted="exact", step=5_000, minimum=0.0)
FALL = dataclasses.replace(RISE, from_step=10_000, step=30_000, minimum=None, maximum=0.0)


def test_a_change_varies_as_a_depth_does_and_is_the_curves_own(ds):
    """Criteria of two fixed steps are one whose step varies; what starts at no baseline keeps its start."""
    claims = (
        Claim(name="rise", statement="", criteria=(RISE, dataclasses.replace(RISE, step=8_000))),
        Claim(name="fall", statement="", criteria=(FALL,)),
    )
    windows = at_steps(ds, range(0, 100_000, 1_000))
    choices = Choices(horizons=(5_000, 8_000, 25_000), thresholds=(0.0, 3.0), baselines=(0, 2_000))
    cells = universes({"exact": ds, "windowed": windows}, claims, choices)
    assert set(cells["number"]) == {"change"} and len(cells) == 2 * (12 + 2)
    assert set(cells.loc[cells["claim"] == "fall", "baseline"]) == {10_000}
    found = cells.set_index(["claim", "counted", "baseline", "horizon", "threshold"])["estimate"]
    exact, windowed = (
        derive_curves(one)[name].sel(arm="tune2") for one, name in ((ds, "p_hold"), (windows, "hold_pct"))
    )
    for baseline, horizon in ((0, 5_000), (2_000, 8_000), (0, 25_000)):
        moves = exact.sel(checkpoint=horizon) - exact.sel(checkpoint=baseline)
        assert found["rise", "exact", baseline, horizon, 0.0] == pytest.approx(float(moves.mean()))
        kept = moves.where(np.abs(moves) >= 3.0, 0.0)
        assert found["rise", "exact", baseline, horizon, 3.0] == pytest.approx(float(kept.mean()))
    fall = exact.sel(checkpoint=25_000) - exact.sel(checkpoint=10_000)
    assert found["fall", "exact", 10_000, 25_000, 0.0] == pytest.approx(float(fall.mean())) and fall.mean() < 0
    # The first window is the one from step 0.
    first = float((windowed.sel(checkpoint=5_000) - windowed.sel(checkpoint=1_000)).mean())
    assert found["rise", "windowed", 0, 5_000, 0.0] == pytest.approx(first)


def test_signs_stand_by_threshold_and_then_by_baseline():
    verdicts = {(0, 2.0): "supported", (0, 5.0): "undecided", (1_000, 2.0): "not supported", (1_000, 5.0): "supported"}
    cells = pd.DataFrame(
        {"claim": "a", "number": "depth", "counted": "exact", "baseline": baseline, "horizon": horizon,
         "threshold": threshold, "verdict": verdict}
        for horizon in (25_000, 5_000) for (baseline, threshold), verdict in reversed(verdicts.items())
        if horizon == 5_000 or baseline == 0
    )  # fmt: skip
    assert by_horizon(cells).to_dict("records") == [
        {"claim": "a", "number": "depth", "counted": "exact", "by_5000": "+? / −+", "by_25000": "+?"}
    ]


def test_what_turns_a_claim_around_is_named():
    rows = [("exact", 0, 5_000, 2.0, "supported"), ("exact", 0, 8_000, 2.0, "supported"),
            ("exact", 0, 5_000, 5.0, "not supported"), ("windowed", 0, 8_000, 2.0, "undecided")]  # fmt: skip
    names = ["counted", "baseline", "horizon", "threshold", "verdict"]
    row = verdict_shares(pd.DataFrame(rows, columns=names).assign(claim="a", number="depth")).iloc[0].to_dict()
    assert row == {
        "claim": "a", "number": "depth", "universes": 4, "supported": 2, "not supported": 1, "undecided": 1,
        "depends_on": "threshold",
    }  # fmt: skip


def test_windows_between_fewer_checkpoints_hold_all_that_was_counted(ds):
    steps = ds["env_steps"].values
    kept = at_steps(ds, steps[[0, 3, 7]])
    assert kept["env_steps"].values.tolist() == steps[[0, 3, 7]].tolist()
    counts = kept["flat_count"].transpose("checkpoint", ...).values
    full = ds["flat_count"].transpose("checkpoint", ...).values
    np.testing.assert_array_equal(counts[1], full[1:4].sum(axis=0))
    np.testing.assert_array_equal(counts[2], full[4:8].sum(axis=0))
    exact = [derive_curves(one)["p_hold"].sel(arm="tune2", checkpoint=steps[7]) for one in (kept, ds)]
    np.testing.assert_array_equal(*exact)


@pytest.mark.parametrize(("earlier_seeds", "new_seeds"), [(12, 12), (16, 64)])
def test_the_predicted_interval_holds_the_mean_of_new_seeds(earlier_seeds, new_seeds):
    rng, held = np.random.default_rng(2), 0
    for _ in range(400):
        predicted = predicted_mean(rng.normal(5, 2, earlier_seeds), new_seeds)
        held += predicted.low <= rng.normal(5, 2, new_seeds).mean() <= predicted.high
    assert 92.5 <= 100 * held / 400 <= 97.5
    values = np.arange(8.0)
    width = stats.t.ppf(0.975, 7) * values.std(ddof=1) * np.sqrt(1 / 8 + 1 / 4)
    assert predicted_mean([*values, np.nan], 4)[:3] == pytest.approx((3.5, 3.5 - width, 3.5 + width))
    assert np.isnan(predicted_mean(values[:5], 64).low)


def test_arms_of_two_studies_are_compared_at_the_steps_that_both_have(ds):
    numbers = [Number("depth", DEEP), Number("later", dataclasses.replace(DEEP, step=10_000_000))]
    new = ds.isel(checkpoint=slice(0, None, 2))
    table = replications(Study(ds, {"a": "tune2", "b": "absent"}), Study(new, {"a": "tune2", "b": "tune3"}), numbers)
    assert table["arm"].tolist() == ["a", "a"] and table["within"].tolist() == ["yes", "not measured"]
    # Read on the same grid the same seeds have the same depth.
    assert table["earlier"][0] == pytest.approx(table["new"][0])
    assert replications(Study(None, {}), Study(new, {"a": "tune2"}), numbers).empty
