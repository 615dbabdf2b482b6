"""The study of docs/extending.md, one folder outside the project: trained, condensed, and its page written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import experiments
from momentum_jax import run_directory
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.pages.condensed import LANDMARKS, read_condensed
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.analysis.report.formatting import format_ranges
from momentum_jax.cli import command_line, study_command
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import load_run
from momentum_jax.study import queue
from momentum_jax.training import runner
from tests.conftest import ROOT
from tests.project import extending_page

SECTION = extending_page.sections((ROOT / "docs" / "extending.md").read_text(encoding="utf-8"))["A study with a page"]
SMALL = "--num_steps=64 --minibatch_size=32 --num_epochs=1 --hidden_sizes=8"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SimpleNamespace:
    """The study's folder, its runs, and its page, which is the study's folder too."""
    root = tmp_path_factory.mktemp("users")
    study, runs = root / "small_steps", root / "runs" / "tiny"
    extending_page.write_files(SECTION, root)
    (_, *launch), (_, _, module, *make_page) = SECTION.commands
    assert module == "momentum_jax.study_page"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        words = [*launch, *SMALL.split()]
        command = command_line.parse(words, experiments.load, experiments.names(), None, experiments.load_study)
        assert isinstance(command, command_line.StudyCommand)
        quiet = partial(runner.train, say=lambda line: None)
        queue.carry_out(command.study, command.folder, command.parts, quiet, lambda line: None)
        assert study_command.main(make_page) == 0
    return SimpleNamespace(study=study, runs=runs, market=Market(study / "data" / "tiny"))


@pytest.fixture
def copy(made, tmp_path) -> Path:
    """A copy of the study's folder with its page, to change."""
    return shutil.copytree(made.study, tmp_path / "small_steps", ignore=shutil.ignore_patterns("__pycache__"))


def refused(capsys, *arguments: object) -> str:
    """What the command says on the one line with which it refuses."""
    assert study_command.main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_its_page_has_the_table_the_figure_a_number_and_the_verdict(made):
    text = (made.study / "README.md").read_text()
    table = pd.read_csv(made.study / "tables/tiny/differences.csv").set_index("arm")
    still = table.loc["still"]
    (shown,) = format_ranges(*([still[[name]] for name in ("difference", "difference_low", "difference_high")]))
    assert f"changes by {shown} points." in text
    verdict = pd.read_csv(made.study / "tables/tiny/verdicts.csv")["claim_verdict"].item()
    assert f"The claim is {verdict}." in text
    assert "| slow |" in text and "![tiny: Every seed of three arms](figures/tiny/every_seed.png)" in text
    assert (made.study / "figures/tiny/every_seed.png").stat().st_size > 10_000
    assert table["role"].to_dict() == {
        "slow": "confirmatory",
        "still": "exploratory",
        "permuted_rewards": "exploratory",
    }


def test_what_is_kept_gives_the_same_numbers(made):
    for part in ("main", "control"):
        whole, kept = load_run(made.runs / part), read_condensed(made.study / f"data/tiny/{part}.npz")
        before, after = derive_curves(whole), derive_curves(kept)
        for name in ("hold_pct", "strong_buy_pct", "weak_buy_pct", "hold_pct_cumulative", "good_buy_cumulative"):
            np.testing.assert_array_equal(before[name].values, after[name].values, err_msg=name)
        for name in ("p_hold", "p_buy_strong", "p_call"):
            np.testing.assert_allclose(before[name].values, after[name].values, atol=0.01, err_msg=name)
        at = np.isin(whole.env_steps.values, LANDMARKS)
        np.testing.assert_allclose(whole.entropy.values[..., at], kept.entropy.values[..., at], rtol=1e-6)
        assert np.isnan(kept.entropy.values[..., ~at]).all()
        assert kept.attrs["data_fingerprint"] == whole.attrs["data_fingerprint"]


def test_learning_rate_zero_stays_exactly_still_in_what_is_kept(made):
    assert (made.market.outcome("still").depth == 0).all()
    assert (made.market.outcome("usual").depth > 0).all()


def test_nothing_that_is_kept_names_a_folder_of_this_machine(made):
    for path in (made.study / "data").rglob("*.npz"):
        config = str(np.load(path)["config"])
        assert str(made.study.parent) not in config
        assert json.loads(config)["arms"]


def test_the_page_is_remade_without_the_runs_and_without_jax_to_the_same_bytes(made, copy):
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file() and path.suffix != ".py"}
    for path in (copy / "tables", copy / "figures"):
        shutil.rmtree(path)
    program = (
        "import sys; from momentum_jax.study_page import main; sys.exit(main(sys.argv[1:]) or 'jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(copy)], cwd=ROOT).returncode == 0
    for path, content in before.items():
        assert path.read_bytes() == content, path


def test_the_page_may_lie_elsewhere_and_its_own_templates_count(made, tmp_path):
    page = tmp_path / "page"
    shutil.copytree(made.study / "data", page / "data")
    assert study_command.main([str(page), f"--study={made.study}"]) == 0
    assert (page / "README.md").read_text() == (made.study / "README.md").read_text()
    (page / "short.template.md").write_text('{{ tiny.number("verdicts.claim_verdict.slow") }}\n')
    (page / "README.md").unlink()
    assert study_command.main([str(page), f"--study={made.study}"]) == 0
    assert not (page / "README.md").exists() and (page / "short.md").read_text().endswith("\n")


def test_a_mistaken_template_is_refused_in_one_line_with_its_place(copy, capsys):
    template = copy / "README.template.md"
    template.write_text('First line.\n{{ tiny.table("difference") }}\n')
    error = refused(capsys, copy)
    assert "README.template.md, line 2: table 'difference' is unknown: choose one of differences, verdicts" in error
    assert "did you mean differences?" in error
    template.write_text('\n\n{{ tiny.number("differences.difference.none") }}')
    error = refused(capsys, copy)
    assert "line 3: tables/tiny/differences.csv has no row 'none': choose one of slow, still" in error
    assert "--partial" in error
    assert study_command.main([str(copy), "--partial"]) == 0
    assert (copy / "README.md").read_text() == "\n\n*not run*"


def test_a_study_without_templates_tables_or_figures_is_refused(copy, capsys):
    (copy / "README.template.md").unlink()
    assert "no README.template.md to fill" in refused(capsys, copy)
    (copy / "page.py").write_text("TABLES = {'x': 3}\n")
    assert "page.py: TABLES['x'] is no function of a market" in refused(capsys, copy)
    (copy / "page.py").write_text("")
    assert "page.py has neither TABLES nor FIGURES" in refused(capsys, copy)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("return 1 / 0", "tiny, table x: ZeroDivisionError: division by zero (page.py line 2)"),
        ("return 3", "TABLES['x'] returns int, expected a pandas DataFrame"),
        ("import nothing_here", "ModuleNotFoundError: No module named 'nothing_here' (page.py line 2)"),
    ],
)
def test_a_mistake_in_its_tables_is_one_line_with_the_place(copy, capsys, code, words):
    (copy / "page.py").write_text(f"def x(market):\n    {code}\nTABLES = {{'x': x}}\n")
    assert words in refused(capsys, copy)


def declared_otherwise(copy: Path, **changes: object) -> Path:
    path = copy / "data/tiny/study.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path.parent


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parts": ["first", "control"]}, ["it has no part main", "has no part first, only main, control"]),
        ({"name": "mine"}, ["is of study 'mine', and the page of 'small_steps'", "--study"]),
    ],
)
def test_data_of_another_study_are_refused_by_name_and_not_called_not_run(copy, capsys, changes, words):
    data, before = declared_otherwise(copy, **changes), (copy / "README.md").read_text()
    for arguments in ((copy,), (copy, "--condense", data)):
        error = refused(capsys, *arguments)
        assert all(word in error for word in words), error
    assert (copy / "README.md").read_text() == before


def test_data_without_the_reference_arm_or_damaged_are_refused(copy, capsys):
    data = copy / "data/tiny"
    shutil.copy(data / "control.npz", data / "main.npz")
    assert "tiny/main.npz: no arm 'usual', which tables compare with, among still" in refused(capsys, copy)
    (data / "main.npz").write_bytes((data / "control.npz").read_bytes()[:2_000])
    assert "main.npz" in refused(capsys, copy)
    (data / "study.json").write_text("{")
    assert "study.json: damaged" in refused(capsys, copy)


def test_whose_page_it_is_has_to_be_told_where_nothing_says_so(made, tmp_path, capsys):
    assert "it has no data/<market> yet: give --study, or --condense" in refused(capsys, tmp_path)
    shutil.copytree(made.study / "data", tmp_path / "data")
    error = refused(capsys, tmp_path)
    assert "is of study 'small_steps', and none is shipped under that name: give --study=FOLDER" in error


def test_a_folder_is_asked_for_as_a_study_with_its_parts(made, tmp_path, monkeypatch):
    words = rf"use --study={made.study}, with --parts for some of main, control$"
    with pytest.raises(ConfigError, match=words):
        experiments.load(str(made.study))
    with pytest.raises(ConfigError, match=r"that folder has no __init__\.py"):
        experiments.load_study(str(tmp_path))
    assert experiments.load_study(f"{made.study}/").name == "small_steps"
    monkeypatch.chdir(made.study.parent)
    with pytest.raises(ConfigError, match=r"a folder of your own has a slash, --study=\./small_steps$"):
        experiments.load_study("small_steps")
    assert experiments.load_study("./small_steps").name == "small_steps"


def test_a_table_and_a_figure_that_the_data_no_longer_give_are_removed(copy):
    with (copy / "page.py").open("a") as page:
        page.write("TABLES['verdicts'] = lambda market: differences(market)[:0]\n")
        page.write("FIGURES['every_seed'] = lambda market: None\n")
    (copy / "README.template.md").write_text('{{ tiny.table("verdicts") }} {{ tiny.figure("every_seed") }}')
    own = copy / "tables/tiny/mine.csv"
    own.write_text("not made by the page\n")
    assert study_command.main([str(copy)]) == 0
    assert (copy / "README.md").read_text() == "*not run* *not run*"
    left = {path.name for folder in ("tables", "figures") for path in (copy / folder / "tiny").iterdir()}
    assert left == {"differences.csv", "mine.csv"}


OUTER = """
from momentum_jax.config import Arm, Experiment
from momentum_jax.study import Study

STUDY = Study(
    name="outer", question="?", primary="exact P(HOLD)", beside="", horizon=25_000, threshold=5.0,
    parts=(Experiment(name="outer.main", description="", arms=(Arm(name="usual"),)),), confirmatory=(),
)
"""


@pytest.fixture
def outer(made, tmp_path) -> Path:
    """A study that reports the other one too and has no data of its own."""
    shutil.copytree(made.study, tmp_path / "small_steps", ignore=shutil.ignore_patterns("data", "__pycache__"))
    study = tmp_path / "outer"
    study.mkdir()
    (study / "__init__.py").write_text(OUTER)
    (study / "page.py").write_text("TABLES = {'mine': lambda market: None}\nALSO = ('../small_steps',)\n")
    (study / "README.template.md").write_text(
        '{{ small_steps.tiny.table("differences") }}\n{{ small_steps.tiny.figure("every_seed") }}\n'
        '{{ small_steps.tiny.number("differences.difference.slow") }}\n'
    )
    return study


def test_a_page_reports_a_further_study_and_says_so_where_that_was_not_run(made, outer, capsys):
    assert study_command.main([str(outer)]) == 0
    assert (outer / "README.md").read_text() == "*not run*\n*not run*\n*not run*\n"
    assert study_command.main([str(outer), "--condense", str(made.runs)]) == 0
    assert (outer / "data/small_steps/tiny/main.npz").is_file()
    table, figure, number = (outer / "README.md").read_text().rsplit("\n", 3)[:3]
    assert (outer / "tables/small_steps/tiny/differences.csv").is_file() and "| slow |" in table
    assert figure == "![tiny: Every seed of three arms](figures/small_steps/tiny/every_seed.png)"
    assert number in (made.study / "README.md").read_text() and "[" in number
    assert (outer / figure.partition("(")[2].rstrip(")")).is_file()
    # Once a market was run a mistyped one is a mistake, and not a market that was not run.
    (outer / "README.template.md").write_text('{{ small_steps.tinny.table("differences") }}\n')
    error = refused(capsys, outer)
    assert "line 1: 'small_steps.tinny' is no market of data/: there are tiny" in error
    # Of a third study it takes nothing.
    declaration = made.runs.parent / "third"
    declaration.mkdir(exist_ok=True)
    (declaration / "study.json").write_text(json.dumps({"name": "third", "parts": [], "added": []}))
    assert "is of study 'third', and the page of 'outer'" in refused(capsys, outer, "--condense", declaration)


def test_a_part_that_has_not_finished_is_condensed_only_where_that_is_asked_for(made, copy, tmp_path, capsys):
    runs = shutil.copytree(made.runs, tmp_path / "tiny")
    run_dir = next(path for path in sorted(runs.iterdir()) if path.is_dir())
    run_directory.replace_config(run_dir, run_directory.read_config(run_dir) | {"finished": None})
    kept = copy / "data" / "tiny" / f"{run_dir.name}.npz"
    kept.unlink()
    study_command.main([str(copy), "--condense", str(runs), "--partial"])
    assert f"{run_dir}: not finished, left out" in capsys.readouterr().out and not kept.exists()
    assert study_command.main([str(copy), "--condense", str(runs), "--unfinished"]) == 0
    assert kept.exists()
