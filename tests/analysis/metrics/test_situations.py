"""What is measured while flat and in a position, side by side, against the recorded numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.figures.situation_curves import plot_situations
from momentum_jax.analysis.metrics.situations import situations
from momentum_jax.analysis.pages.blocks.situation_tables import situation_curves, situation_means
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.env.momentum_diagnostics import BEFORE_DESCRIPTIONS
from momentum_jax.run_directory import load_run, read_config, replace_config

STEPS = (0, 512, 1_000, 1_024, 2_048)  # updates 0, 1, 1, 2, 4
FLAT, POSITION = "flat decisions", "decisions in a position"
PEAK = np.array([512.0, 1_024.0, np.nan])
ALONE = "exact P(HOLD), %"


@pytest.fixture
def run(simulate):
    return load_run(simulate(arms=("a", "b"), num_seeds=3, steps=STEPS, failed={(1, 2): 1_024}))


def test_both_situations_are_side_by_side_and_changes_are_those_of_one_update(run):
    found = situations(run)
    assert [list(by_situation) for by_situation in found.values()] == [[FLAT, POSITION]] * 3
    exact = found[ALONE]
    held = run["p_action_position"].isel(probe_half=0).sel(action="HOLD")
    np.testing.assert_allclose(exact[POSITION].isel(arm=0), 100 * held.isel(arm=0))
    labels = {
        "churn": ("churn per update, % of states", 100),
        "policy_kl": ("KL divergence per update, 0.001 nat", 1_000),
    }
    for variable, (label, scale) in labels.items():
        for situation, name in ((FLAT, variable), (POSITION, f"{variable}_position")):
            recorded, curve = scale * run[name].isel(arm=0).values, found[label][situation].isel(arm=0).values
            assert np.isnan(curve[:, [0, 2]]).all()  # none before the first, and no update between
            np.testing.assert_allclose(curve[:, [1, 3]], recorded[:, [1, 3]])
            np.testing.assert_allclose(curve[:, 4], recorded[:, 4] / 2)
    assert np.isnan(exact[POSITION].isel(arm=1, seed=2).values[3:]).all()  # it failed


def test_means_around_each_seeds_own_peak_by_hand(run):
    """Seed 0 has its peak at step 512, seed 1 at 1 024, seed 2 none; each mean over up to 1 100 steps."""
    table = situation_means(run, ("b", "absent", "a"), {"a": PEAK, "b": PEAK}, 1_100)
    assert table["arm"].tolist() == ["b"] * 6 + ["a"] * 6 and (table["seeds"] == 2).all()
    row = table[(table["measured"] == ALONE) & (table["situation"] == POSITION)].set_index("arm").loc["a"]
    curve = situations(run)[ALONE][POSITION].isel(arm=0).values
    before = [curve[0, [0, 1]].mean(), curve[1, [0, 1, 2, 3]].mean()]
    after = [curve[0, [2, 3]].mean(), curve[1, 4]]
    assert (row["before"], row["after"]) == pytest.approx((np.mean(before), np.mean(after)))
    assert row["difference"] == pytest.approx(np.mean(after) - np.mean(before))
    assert situation_means(run, ("a",), {"a": PEAK}, 600)["seeds"].tolist() == [1] * 6  # none after seed 1's


def test_a_panel_holds_the_median_of_each_situation_and_ends_at_zero(run):
    figure = situation_curves(run, {"a": "arm A", "absent": "x"}, "title")
    assert len(figure.axes) == 3 and figure.axes[0].get_title() == "arm A"
    flat, position = figure.axes[0].get_lines()
    exact = situations(run)[ALONE]
    np.testing.assert_allclose(flat.get_ydata(), exact[FLAT].isel(arm=0).median("seed"))
    np.testing.assert_allclose(position.get_ydata(), exact[POSITION].isel(arm=0).median("seed"))
    for axis in figure.axes:
        drawn = np.concatenate([line.get_ydata() for line in axis.get_lines()])
        assert axis.get_ylim()[0] == 0 and axis.get_ylim()[1] >= np.nanmax(drawn)
    aligned = situation_curves(run, {"a": "a"}, "title", {"a": PEAK})
    assert aligned.axes[-1].get_xlabel() == "steps since each seed's peak"


def test_an_environment_with_one_situation_has_nothing_side_by_side(simulate):
    run_dir = simulate(arms=("a",), num_seeds=2, steps=(0, 512))
    config = read_config(run_dir)
    described = Diagnostics.from_json(config["diagnostics"])
    assert described.probe_sets
    alone = BEFORE_DESCRIPTIONS.to_json() | {"variables": config["diagnostics"]["variables"]}
    for path in (run_dir / "diagnostics").glob("*.npz"):
        arrays = dict(np.load(path))
        np.savez(path, **{name: array for name, array in arrays.items() if "_position" not in name})
    replace_config(run_dir, config | {"diagnostics": alone})
    ds = load_run(run_dir)
    assert situations(ds) == {} and situation_curves(ds, {"a": "a"}, "title") is None
    assert situation_means(ds, ("a",), {"a": PEAK[:2]}, 600).empty and situation_curves(None, {}, "") is None
    assert situation_means(None, (), {}, 600).empty
    assert plot_situations([0, 1], {"x": {"y": {"a": np.zeros((1, 2))}}}, "title").axes
