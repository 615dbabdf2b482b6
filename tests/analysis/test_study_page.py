"""A study's page, from small real runs to figures and back from the condensed runs alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import experiments
from momentum_jax.analysis.inference.mean_power import seeds_for_mean_difference, smallest_mean_difference
from momentum_jax.analysis.metrics.curves import derive_curves
from momentum_jax.analysis.report.formatting import without_few_seeds
from momentum_jax.analysis.study import comparisons, figures, prospects, tables
from momentum_jax.analysis.study.condensed import LANDMARKS, read_condensed
from momentum_jax.analysis.study.market import Market, Outcome, paired
from momentum_jax.analysis.study.page import TABLES, numbers_of
from momentum_jax.cli import command_line, study_command
from momentum_jax.run_directory import load_run
from momentum_jax.study import queue
from momentum_jax.training import runner
from tests.conftest import ROOT

PARTS = "reproduction,main_causes,controls,dose,streams,full,rest"
SMALL = "--num_seeds=6 --timesteps=2048 --num_steps=64 --minibatch_size=32 --num_epochs=1 --hidden_sizes=8"
# Of the first 2 048 steps nothing was published, no published window ends there, 10 000 steps are not reached, and no
# difference is as large as a point.
EMPTY = {"published", "published_summary", "mechanism", "foretelling", "features", "undecided"}
QUOTED = ("tune2", "mended")  # "mended" is a row of other tables too
NOT_RUN = "random_episodes"  # a part with a figure of its own


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Parts of early_dip, trained small."""
    root = tmp_path_factory.mktemp("study") / "synthetic"
    line = f"launch.py --study=early_dip --parts={PARTS} --run_dir={root} {SMALL}"
    command = command_line.parse(line.split(), experiments.load, experiments.names(), None, experiments.load_study)
    assert isinstance(command, command_line.StudyCommand)
    quiet = partial(runner.train, say=lambda line: None)
    queue.carry_out(command.study, command.folder, command.parts, quiet, lambda line: None)
    return root


@pytest.fixture(scope="module")
def page(tmp_path_factory, folder) -> Path:
    """The page of every table and figure, made by the command."""
    root = tmp_path_factory.mktemp("page")
    marks = [f"{{{{synthetic/table/{name}}}}}" for name in TABLES]
    marks += [f"{{{{synthetic/figure/{name}}}}}" for name in figures.ALL]
    marks += [f"Depth of {arm}: {{{{synthetic/number/depths.depth.{arm}}}}}." for arm in QUOTED]
    marks += ["Verdict: {{synthetic/number/declared.claim_verdict.dip}}."]
    marks += ["Elsewhere: {{spy/table/causes}}"]
    (root / "README.template.md").write_text("\n\n".join(marks))
    assert study_command.main([str(root), "--condense", str(folder)]) == 0
    return root


def test_every_table_and_figure_of_what_was_run_is_in_the_page(page):
    text = (page / "README.md").read_text()
    filled = {path.stem for path in (page / "tables/synthetic").iterdir()}
    assert set(TABLES) - filled == EMPTY
    assert text.count("*not run*") == 2 + len(EMPTY)
    assert text.endswith("Elsewhere: *not run*")
    for name in figures.ALL.keys() - {NOT_RUN}:
        assert f"figures/synthetic/{name}.png" in text
        assert (page / "figures/synthetic" / f"{name}.png").stat().st_size > 10_000
    depths = pd.read_csv(page / "tables/synthetic/depths.csv").set_index("arm")
    for arm in QUOTED:
        depth = depths.loc[arm]
        shown = f"{depth['depth']:.2f} [{depth['depth_low']:.2f}, {depth['depth_high']:.2f}]"
        assert f"Depth of {arm}: {shown}." in text
    declared = pd.read_csv(page / "tables/synthetic/declared.csv").set_index("claim")
    assert f"Verdict: {declared.loc['dip', 'claim_verdict']}." in text


def test_what_is_kept_gives_the_same_numbers(page, folder):
    for part in PARTS.split(","):
        whole, kept = load_run(folder / part), read_condensed(page / "data/synthetic" / f"{part}.npz")
        before, after = derive_curves(whole), derive_curves(kept)
        for name in ("hold_pct", "strong_buy_pct", "weak_buy_pct", "hold_pct_cumulative", "good_buy_cumulative"):
            np.testing.assert_array_equal(before[name].values, after[name].values, err_msg=name)
        for name in ("p_hold", "p_buy_strong", "p_call"):
            np.testing.assert_allclose(before[name].values, after[name].values, atol=0.01, err_msg=name)
        at = np.isin(whole.env_steps.values, LANDMARKS)
        np.testing.assert_allclose(whole.entropy.values[..., at], kept.entropy.values[..., at], rtol=1e-6)
        assert np.isnan(kept.entropy.values[..., ~at]).all()
        assert kept.attrs["data_fingerprint"] == whole.attrs["data_fingerprint"]


def test_learning_rate_zero_stays_exactly_still_in_what_is_kept(page):
    market = Market(page / "data/synthetic")
    assert (market.outcome("learning_rate_0").depth == 0).all()
    assert (market.outcome("tune2").depth > 0).all()


def test_the_page_is_remade_without_the_runs_to_the_same_bytes(page, tmp_path):
    copy = tmp_path / "page"
    copy.mkdir()
    shutil.copytree(page / "data", copy / "data")
    shutil.copy(page / "README.template.md", copy)
    assert study_command.main([str(copy)]) == 0
    made = sorted(path.relative_to(page) for path in page.rglob("*") if path.is_file())
    assert made == sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file())
    for path in made:
        assert (page / path).read_bytes() == (copy / path).read_bytes(), path


def test_doses_take_the_arms_of_other_parts_that_differ_in_nothing_else(page):
    by_trim = comparisons.dosed(Market(page / "data/synthetic"))
    doses = [0.02, 0.04, 0.06, 0.08, 0.10, 0.12]
    # The baseline and tune1 have these doses too, but other rewards.
    assert {trim: list(by_dose) for trim, by_dose in by_trim.items()} == {"trap": doses, "mended": doses}


def test_what_is_left_is_compared_with_the_arm_without_the_trap(page):
    market = Market(page / "data/synthetic")
    table = comparisons.rest(market).set_index("arm")
    names = [f"trim+{name}" for name in ("put_sign", "put_setup", "hold_tax_in_position", "graded_loss_tiers")]
    assert list(table.index[:4]) == names
    depths = [market.outcome(arm).depth.mean() for arm in ("trim+put_setup", "trim_reduces_cost")]
    assert table.loc["trim+put_setup", "difference"] == pytest.approx(depths[0] - depths[1])
    assert set(table["role"]) == {"exploratory"}


def test_a_depth_that_follows_from_p_hold_at_5000_steps_is_foretold_there_and_not_before(page):
    market = Market(page / "data/synthetic")
    ds = market.parts["streams"].isel(checkpoint=[0, 2, 2, 2, 2])
    steps = [0, 2_000, 3_000, 5_000, 10_000]
    ds = ds.assign_coords(env_steps=("checkpoint", steps))
    early = np.random.default_rng(0).uniform(0, 0.1, (2, 6, 1))
    hold = 0.3 + np.concatenate([np.zeros((2, 6, 3)), early, 2 * early], axis=-1)
    probability = xr.zeros_like(ds["p_action"]).transpose("arm", "seed", "checkpoint", ...).copy()
    probability[:2, ..., 0] = hold[..., None, None]
    probability[:2, ..., 1] = 1 - hold[..., None, None]
    market.parts = {"streams": ds.assign(p_action=probability)}
    market.main = None
    table = prospects.foretelling(market).set_index(["outcome", "known_at_step"])
    assert table["seeds"].eq(12).all()
    assert table.loc[("depth_at_10k", 5_000), "hold_r2"] > 0.9
    assert table.loc[("depth_at_10k", 2_000), "hold_r2"] < 0.1
    features = prospects.features(market).set_index("feature")
    assert features.loc["p_hold", "at_5000"] == pytest.approx(1)
    assert np.isnan(features.loc["p_hold", "at_2000"])  # the same in every seed


def test_an_arm_is_undecided_until_its_interval_leaves_0_or_keeps_within_a_point(page):
    market = Market(page / "data/synthetic")
    reference = market.outcome("tune2")
    spread = np.linspace(-1, 1, len(reference.seeds))

    def outcome(part, arm, difference):
        return reference._replace(part=part, arm=arm, depth=reference.depth + difference, confirmatory=False)

    arms = {"small": 0.01 * spread, "wide": 20 * spread, "apart": 9 + spread}
    market.outcomes = [reference, *(outcome("switches", arm, values) for arm, values in arms.items())]
    table = comparisons.undecided(market)
    assert table["arm"].tolist() == ["wide"]
    needed = table["seeds_of_a_new_study"].item()
    sd = np.std(20 * spread, ddof=1)
    assert smallest_mean_difference(sd / np.sqrt(2), needed, 0.0, alpha=0.05 / 3) <= 1.0


def test_an_arm_of_the_design_with_nothing_redrawn_is_tune2_itself(page):
    market = Market(page / "data/synthetic")
    np.testing.assert_array_equal(market.outcome("A").depth, market.outcome("tune2").depth)
    shares = tables.streams(market)
    assert shares["stream"].tolist() == ["init", "action", "minibatch"]
    assert (shares["flag"] == "fewer than 128 pairs").all()


def test_nothing_that_is_kept_names_a_folder_of_this_machine(page, folder):
    for path in (page / "data").rglob("*.npz"):
        config = str(np.load(path)["config"])
        assert str(folder.parent) not in config
        assert json.loads(config)["arms"]


def test_a_mark_that_nothing_fills_is_refused_in_one_line(page, tmp_path, capsys):
    copy = tmp_path / "page"
    shutil.copytree(page / "data", copy / "data")
    (copy / "README.template.md").write_text("{{synthetic/table/cause}}")
    assert study_command.main([str(copy)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "{{synthetic/table/cause}} is unknown" in error
    assert "causes" in error
    (copy / "README.template.md").write_text("{{synthetic/number/depths.depth.nothing}}")
    assert study_command.main([str(copy)]) == 2
    assert "--partial" in capsys.readouterr().err
    assert study_command.main([str(copy), "--partial"]) == 0
    assert (copy / "README.md").read_text() == "*not run*"
    (copy / "README.template.md").unlink()
    assert study_command.main([str(copy)]) == 2
    assert "no README.template.md to fill" in capsys.readouterr().err


def another_study(page, copy, **changes) -> Path:
    shutil.copytree(page, copy)
    path = copy / "data/synthetic/study.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "mine"} | changes))
    return copy


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (["first", "second"], ["no part reproduction, main_causes", "reads its part first, second"]),
        (["reproduction", "main_causes", "controls", "dosage"], ["reads its part dosage"]),
        (["reproduction"], ["no part main_causes"]),
    ],
)
def test_a_study_with_other_parts_is_refused_by_name_and_not_called_not_run(page, tmp_path, capsys, parts, words):
    copy = another_study(page, tmp_path / "page", parts=parts, added=[])
    before = (copy / "README.md").read_text()
    assert study_command.main([str(copy)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "study 'mine'" in error and all(word in error for word in words)
    assert (copy / "README.md").read_text() == before
    assert study_command.main([str(copy), "--condense", str(copy / "data/synthetic")]) == 2
    assert "study 'mine'" in capsys.readouterr().err


def test_a_study_without_the_arm_that_tables_compare_with_is_refused(page, tmp_path, capsys):
    copy = another_study(page, tmp_path / "page")
    data = copy / "data/synthetic"
    shutil.copy(data / "main_causes.npz", data / "reproduction.npz")
    assert study_command.main([str(copy)]) == 2
    assert "reproduction.npz: no arm 'tune2'" in capsys.readouterr().err


def test_damaged_data_are_refused_in_one_line(page, tmp_path, capsys):
    copy = tmp_path / "page"
    shutil.copytree(page, copy)
    path = copy / "data/synthetic/dose.npz"
    path.write_bytes(path.read_bytes()[:2_000])
    assert study_command.main([str(copy)]) == 2
    assert "dose.npz" in capsys.readouterr().err


def test_the_page_is_made_without_jax(page):
    program = (
        "import sys; from momentum_jax.study_page import main; sys.exit(main(sys.argv[1:]) or 'jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(page)], cwd=ROOT).returncode == 0


def test_seeds_are_paired_by_number():
    def outcome(seeds, depth):
        values = np.array(depth, float)
        return Outcome("p", "a", True, np.array(seeds), *[values] * 5)

    a, b = paired(outcome([0, 1, 2, 3], [0, 10, 20, 30]), outcome([2, 3, 4], [1, 2, 3]))
    assert (a.tolist(), b.tolist()) == ([20, 30], [1, 2])


def test_numbers_for_prose_carry_their_intervals():
    table = pd.DataFrame(
        [
            {"part": "x", "arm": "a", "depth": 36.84, "depth_low": 35.9, "depth_high": 37.7, "pairs": 12},
            {"part": "y", "arm": "a", "depth": 0.5, "depth_low": 0.25, "depth_high": 0.75, "pairs": 12},
        ]
    )
    table["claim_verdict"] = ["supported", "undecided"]
    found = numbers_of(table, ("part", "arm"))
    assert (found["claim_verdict.a"], found["claim_verdict.y"]) == ("supported", "undecided")
    assert found["depth.a"] == found["depth.x-a"] == "36.8 [35.9, 37.7]"
    assert found["depth.y-a"] == "0.5 [0.2, 0.8]"
    flagged = numbers_of(table.assign(flag=["", "total above 1"]), ("part", "arm"))
    assert (flagged["depth.x-a"], flagged["depth.y-a"]) == ("36.8 [35.9, 37.7]", "0.5 [0.2, 0.8] (total above 1)")


def test_prose_gives_no_interval_of_few_seeds():
    table = pd.DataFrame({"arm": ["few", "many"], "pairs": [5, 6], "depth": [36.8, 36.8]})
    table = table.assign(depth_low=35.9, depth_high=37.7)
    found = numbers_of(without_few_seeds(table), ("arm",))
    assert (found["depth.few"], found["depth.many"]) == ("36.8", "36.8 [35.9, 37.7]")


def test_the_seeds_needed_are_the_fewest_that_find_the_difference():
    needed = seeds_for_mean_difference(-3.0, spread=6.0, correlation=0.4)
    assert needed is not None
    assert smallest_mean_difference(6.0, needed, 0.4) <= 3.0 < smallest_mean_difference(6.0, needed - 1, 0.4)
    assert seeds_for_mean_difference(1e-3, spread=6.0) is None
