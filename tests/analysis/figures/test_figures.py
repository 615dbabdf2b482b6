"""The figures: what is drawn where, degenerate data, and no global state."""

from __future__ import annotations

import json

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.dips.evidence import gather
from momentum_jax.analysis.figures import canvas, gallery, plot_primary, save_figure
from momentum_jax.analysis.figures.depth import plot_depths
from momentum_jax.analysis.figures.depth_predictors import plot_predictors
from momentum_jax.analysis.figures.dose_prevalence import plot_dose
from momentum_jax.analysis.figures.drawdown_heatmap import plot_drawdowns
from momentum_jax.analysis.figures.pairs import plot_pairs
from momentum_jax.analysis.figures.recovery_curves import plot_recovery
from momentum_jax.analysis.figures.seed_curves import plot_curves
from momentum_jax.analysis.inference.recovery import recovery_sensitivity
from momentum_jax.analysis.report.run_tables import dip_table
from momentum_jax.run_directory import load_run

STEPS = np.array([0, 1_000, 5_000, 10_000])
NO_DIPS = recovery_sensitivity(STEPS, [], [], 10_000)


def texts(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_figure_draws_every_seed_and_the_published_points(simulate):
    ds = load_run(simulate(arms=("tune2", "b", "c", "d"), num_seeds=3, failed={(0, 1): 15_000}))
    figure = plot_primary(ds)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == 8
    assert shown[0].get_title() == "tune2 (1 of 3 seeds failed)"
    seeds, lines = shown[0].collections[0], shown[0].get_lines()
    assert (len(seeds.get_paths()), len(lines)) == (3, 1 + 1)
    np.testing.assert_allclose(lines[-1].get_ydata(), [54.87, 69.25, 45.28, 27.79, 6.38], atol=0.01)
    assert shown[0].get_xlim() == (0, 100_000)


@pytest.mark.parametrize(("arms", "seeds"), [(("a",), 1), (("a", "b"), 4), (tuple("abcdefgh"), 2)])
@pytest.mark.filterwarnings("error")
def test_every_run_has_its_gallery(simulate, arms, seeds):
    ds = load_run(simulate(arms=arms, num_seeds=seeds))
    names = [picture.name for picture in gallery(ds, dip_table(ds), gather(ds, draws=50))]
    middle = ["pairs"] if len(arms) > 1 else []
    expected = ["curves", "drawdowns", "depths", *middle, "recovery", "onset", "predictors", "situations"]
    assert names == ["hold_pct", *(f"{number}_{name}" for number, name in enumerate(expected, start=1))]


@pytest.mark.filterwarnings("error")
def test_a_gallery_of_almost_nothing_is_drawn(simulate, tmp_path):
    ds = load_run(simulate(arms=("a", "b"), num_seeds=1, steps=(0, 1_000), failed={(0, 0): 0, (1, 0): 0}))
    names = set()
    for picture in gallery(ds, dip_table(ds), gather(ds, draws=50)):
        save_figure(picture.figure, tmp_path / picture.name)
        names.add(picture.name)
    drawn = {path.stem for path in tmp_path.glob("*.png") if path.stat().st_size > 5_000}
    assert drawn == names and "1_curves" in drawn


@pytest.mark.parametrize("num_seeds", [2, 3, 8])
def test_a_curve_panel_holds_the_seeds_the_median_and_the_band_of_enough_seeds(num_seeds):
    curves = {"a": np.array([[10.0, 20, 30, 40], [20, 30, 40, 50], [0, 10, 20, 30]] * 3)[:num_seeds]}
    figure = plot_curves(STEPS, {"HOLD %": curves}, "title")
    axis = figure.axes[0]
    assert len(axis.collections[0].get_paths()) == num_seeds and len(axis.get_lines()) == 1
    np.testing.assert_allclose(axis.get_lines()[0].get_ydata(), np.median(curves["a"], axis=0))
    drawn = [path for collection in axis.collections[1:] for path in collection.get_paths() if len(path.vertices)]
    assert bool(drawn) == (num_seeds == 8)
    assert any("no band" in text.get_text() for text in figure.legends[0].get_texts()) == (num_seeds < 8)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_seeds_in_one_collection_look_as_lines_of_their_own_do(logarithmic):
    values = np.random.default_rng(0).normal(50, 9, (40, len(STEPS)))
    values[3, 1], values[4, 2:], values[5], values[6] = np.nan, np.nan, np.nan, np.inf
    values[7, 0], values[8] = 300, 60  # the highest value, and a curve that is level
    drawn, limits = [], []
    for together in (True, False):
        figure = canvas.new_figure(4, 3)
        axis = figure.subplots()
        axis.fill_between(STEPS, 40, 60, color="black")
        if together:
            canvas.seed_lines(axis, STEPS, values, least_alpha=0.06)
        else:
            axis.plot(STEPS, values.T, color=canvas.SEED, linewidth=0.8, alpha=6 / 40)
        if logarithmic:
            canvas.log_steps(axis, STEPS)
        figure.canvas.draw()
        drawn.append(np.asarray(figure.canvas.buffer_rgba()))
        limits.append((axis.get_xlim(), axis.get_ylim()))
    assert limits[0] == limits[1]
    np.testing.assert_array_equal(*drawn)


def test_the_heat_map_is_sorted_by_onset_with_the_seeds_without_a_dip_last():
    drawdown = {"a": np.array([[0.0, 1, 1, 1], [0, 2, 2, 2], [0, 3, 3, 3]])}
    axis = plot_drawdowns(STEPS, drawdown, {"a": np.array([np.nan, 5_000, 0])}, "title").axes[0]
    np.testing.assert_allclose(axis.collections[0].get_array()[:, 1], [3, 2, 1])
    np.testing.assert_allclose(axis.get_lines()[0].get_xdata(), [0.5, 2.5])


def test_depths_are_drawn_with_the_threshold_and_the_null():
    depths = {"exact": {"a": np.array([4.0, 6, np.nan]), "b": np.array([np.nan])}}
    figure = plot_depths(depths, 5, "title", null_limits={"exact": {"a": 9.5}})
    axis = figure.axes[0]
    assert axis.patches[0].get_width() == pytest.approx(9.5)
    assert any(np.all(np.asarray(line.get_xdata()) == 5) for line in axis.get_lines())
    assert texts(axis) == [" no seed"]


def test_the_dose_is_in_order_with_its_counts():
    dipped = [np.array([True, True]), np.array([False, True]), np.array([], bool)]
    returns = [np.array([1.0, 2]), np.array([3.0, 4]), np.array([])]
    above, below = plot_dose("ppo.ent_coef", [0.1, 0.02, 0.08], dipped, returns, "title").axes
    assert texts(above) == ["1/2", "0/0", "2/2"]
    assert [label.get_text() for label in below.get_xticklabels()] == ["0.02", "0.08", "0.1"]


def test_pairs_are_drawn_only_where_both_arms_have_a_value():
    left, right = np.array([1.0, 2, np.nan, 4]), np.array([2.0, 1, 3, np.nan])
    axis = plot_pairs({("a", "b"): {"depth": (left, right)}}, "title").axes[0]
    np.testing.assert_allclose(axis.get_lines()[-1].get_ydata(), [1.5, 1.5])
    assert "mean change +0.0" in axis.get_title()
    empty = plot_pairs({("a", "b"): {"depth": (left[:1], np.array([np.nan]))}}, "title").axes[0]
    assert "no seed has a value" in texts(empty)[0]


def test_recovery_counts_those_at_risk():
    back = np.array([1_000.0, np.nan, 4_000])
    ends = np.array([1_000, 2_000, 4_000])  # each seed's own
    figure = plot_recovery({"a": recovery_sensitivity(STEPS, np.zeros(3), back, ends), "b": NO_DIPS}, "title")
    curve, table = figure.axes
    np.testing.assert_allclose(curve.get_lines()[0].get_ydata(), [100, 200 / 3, 200 / 3, 0])
    np.testing.assert_allclose(curve.get_lines()[1].get_xdata(), [0, 0, 1_000, 2_000])  # at the checkpoints before
    np.testing.assert_allclose(curve.get_lines()[2].get_xdata(), [0, 1_000, 2_000, 5_000])
    np.testing.assert_allclose(curve.get_lines()[3].get_xydata(), [[2_000, 200 / 3]])  # where the run ended first
    assert curve.get_legend().get_texts()[0].get_text() == "a, half back after 4k"
    counts = dict(zip(table.get_xticks(), texts(table), strict=True))
    assert counts[0] == "3" and counts[2_000] == "2" and counts[4_000] == "1"


def test_predictors_that_cannot_be_measured_say_so():
    frame = pd.DataFrame({"predictor": ["entropy"], "r2": [0.2], "r2_low": [0.1], "r2_high": [0.3], "auroc": [np.nan]})
    split = {"a": (np.zeros(3), np.ones(3))}
    left, middle, right = plot_predictors(frame, STEPS[1:], split, "title").axes
    assert not texts(left) and "not measurable" in texts(middle)[0]
    assert len(right.get_lines()) == 3
    empty = plot_predictors(pd.DataFrame(), STEPS[1:], split, "title").axes
    assert all("not measurable" in texts(axis)[0] for axis in empty[:2])


def test_figures_leave_no_global_state_and_repeat_themselves(simulate, tmp_path):
    ds = load_run(simulate(steps=(0, 1_000, 5_000), num_seeds=2))
    before = dict(mpl.rcParams)
    paths = save_figure(plot_primary(ds), tmp_path / "one")
    again = save_figure(plot_primary(ds), tmp_path / "two")
    assert dict(mpl.rcParams) == before
    assert [path.suffix for path in paths] == [".png", ".svg"]
    for first, second in zip(paths, again, strict=True):
        assert first.read_bytes() == second.read_bytes() and first.stat().st_size > 5_000


def test_every_axis_of_steps_begins_at_0_and_ends_with_the_data(simulate):
    ds = load_run(simulate(arms=("a", "b"), num_seeds=7, steps=(0, 1_000, 3_000, 7_000)))
    last = 7_000
    for picture in gallery(ds, dip_table(ds), gather(ds, draws=50)):
        for axis in (axis for axis in picture.figure.axes if axis.get_xscale() == "symlog"):
            first = 1_000 if "predictors" in picture.name else 0  # the split begins with the first window
            assert axis.get_xlim() == (first, last), picture.name
            assert axis.get_xticks()[0] == first
        if "curves" in picture.name or "hold" in picture.name:
            exact = picture.figure.axes[0 if "curves" in picture.name else 2]
            assert np.isfinite(exact.get_lines()[0].get_ydata()[0]) and exact.get_lines()[0].get_xdata()[0] == 0


def test_a_row_of_the_heat_map_is_named_by_its_seed():
    drawdown = {"a": np.array([[0.0, 1, 1, 1], [0, 2, 2, 2], [0, 3, 3, 3]])}
    onset = {"a": np.array([np.nan, 5_000, 0])}
    axis = plot_drawdowns(STEPS, drawdown, onset, "title", seeds=[40, 41, 42]).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["42", "41", "40"]
    assert (axis.get_xlim(), axis.get_ylim()) == ((0, 4), (3, 0))


def test_every_pair_of_arms_has_a_row(simulate):
    ds = load_run(simulate(arms=("a", "b", "c"), num_seeds=3))
    (pairs,) = [p for p in gallery(ds, dip_table(ds), gather(ds, draws=50)) if p.name.endswith("pairs")]
    ticks = [[label.get_text() for label in axis.get_xticklabels()] for axis in pairs.figure.axes]
    assert ticks[::3] == [["a", "b"], ["a", "c"], ["b", "c"]]


@pytest.mark.parametrize(
    ("market", "env", "drawn"),
    [
        ({}, {}, True),
        ({"data_source": "csv"}, {"symbol": "SPY"}, True),
        ({"data_source": "synthetic"}, {}, False),
        ({"data_source": "csv"}, {"symbol": "QQQ"}, False),
    ],
)
def test_published_points_are_drawn_on_their_own_arm_and_market_only(simulate, market, env, drawn):
    ds = load_run(simulate(arms=("tune3", "tune2"), num_seeds=2))
    config = json.loads(ds.attrs["config"])
    config["data"] |= env
    axes = plot_primary(ds.assign_attrs(config=json.dumps(config | {"market": market}))).axes
    markers = [sum(line.get_marker() == "o" for line in axis.get_lines()) for axis in axes]
    assert markers == [0, int(drawn), 0, 0]
    config["arms"][1]["ppo"]["ent_coef"] = 0.1  # called tune2, but not as it was published
    changed = plot_primary(ds.assign_attrs(config=json.dumps(config))).axes
    assert not any(line.get_marker() == "o" for axis in changed for line in axis.get_lines())


def test_the_layout_holds_where_every_dip_recovered():
    back = np.array([1_000.0, 2_000, 4_000])
    figure = plot_recovery({"a": recovery_sensitivity(STEPS, np.zeros(3), back, 10_000)}, "title")
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().height > 0.4
