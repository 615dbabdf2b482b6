"""Every example of `docs/extending.md` is carried out from the page, at tiny size."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import momentum_jax
from momentum_jax.run_directory import read_config
from tests.cli.launch_fixture import launch  # noqa: F401 (fixture)
from tests.conftest import ROOT
from tests.project import extending_page
from tests.quick_programs import compiled_quickly

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = extending_page.sections(PAGE)
TINY = ["--timesteps=128", "--checkpoints=64", "--num_seeds=2", "--num_steps=64", "--minibatch_size=32"]
TINY += ["--num_epochs=1", "--hidden_sizes=8"]


@pytest.fixture
def follow(launch, tmp_path, monkeypatch):  # noqa: F811
    """Writes a section's files into an empty folder and launches its commands there, in this process."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def to_end(title: str, reports: bool = False) -> list[Path]:
        section = SECTIONS[title]
        extending_page.write_files(section, tmp_path)
        run_dirs = []
        for program, script, *words in section.commands:
            assert (program, script) == ("python", "launch.py")
            with compiled_quickly():
                ended = launch(*words, *TINY, trains=True, reports=reports)
            assert ended.code == 0, ended.err
            (run_dir,) = (Path(word.partition("=")[2]) for word in words if word.startswith("--run_dir="))
            run_dirs.append(run_dir)
        assert run_dirs and not section.changes
        return run_dirs

    return to_end


def test_an_experiment(follow):
    (run_dir,) = follow("An experiment")
    run = momentum_jax.load_run(run_dir)
    assert run.arm.values.tolist() == ["usual", "warm"]
    assert read_config(run_dir)["claims"][0]["name"] == "shallower"
    # The critic learns in both, the policy in one.
    last = run.p_action.isel(checkpoint=-1)
    assert not last.sel(arm="usual").equals(last.sel(arm="warm"))


def test_an_environment(follow):
    (run_dir,) = follow("An environment", reports=True)
    run = momentum_jax.load_run(run_dir)
    assert run.action.values.tolist() == ["LEFT", "RIGHT", "WAIT"] and run.half.values.tolist() == ["left", "right"]
    assert run.moves.sum(["half", "action"]).values.ravel().tolist() == [0, 64, 64] * 2
    assert 0 < run.bumps.sum() < run.moves.sel(action=["LEFT", "RIGHT"]).sum()
    report = (run_dir / "report" / "report.md").read_text()
    assert "RIGHT" in report and "bumps" in report and "HOLD" not in report


@pytest.mark.parametrize(
    ("title", "layer"), [("A network", "policy_gates_0"), ("A network that remembers", "memory/hn")]
)
def test_a_network(follow, title, layer, tmp_path, monkeypatch):
    run_dir = tmp_path / follow(title)[0]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (arm,) = momentum_jax.load_run(run_dir).arm.values
    arrays = momentum_jax.load_policies(run_dir, arm)
    assert arrays[f"{layer}/kernel"].shape[0] == 2  # seeds
    assert momentum_jax.load_policy(run_dir, arm=arm, seed=1).network.hidden_sizes == (8,)


def test_an_optimiser(follow):
    (run_dir,) = follow("An optimiser")
    (arm,) = momentum_jax.load_run(run_dir).arm.values
    bias = momentum_jax.load_policies(run_dir, arm)["policy/dense_1/bias"]
    steps = bias / 3e-5  # from zero, by one learning rate at each of four gradients
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert 0 < np.abs(steps).max() < 4.5


@pytest.fixture(scope="module")
def changed(tmp_path_factory) -> Path:
    """A copy of the project with every change that the page makes to the package."""
    root = tmp_path_factory.mktemp("copy") / "project"
    for name in ("momentum_jax", "experiments"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "launch.py", root)
    for section in SECTIONS.values():
        extending_page.apply_changes(section, root)
    return root


def test_the_changes_of_the_page_fit_the_package(changed):
    """As they are made, see `extending_page.apply_changes`."""
    names = {block.name for section in SECTIONS.values() for block in section.changes}
    assert len(names) >= 3
    for name in names:
        assert (changed / name).read_text(encoding="utf-8") != (ROOT / name).read_text(encoding="utf-8")
        ast.parse((changed / name).read_text(encoding="utf-8"))


READ = """
import json, sys, warnings
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as told:
    import momentum_jax
    from momentum_jax.run_directory.joining import join_runs
    new, old = (momentum_jax.load_run(path) for path in sys.argv[1:])
    both = join_runs([new, old], ["new", "old"])
found = new.position_hold
print(json.dumps({
    "dims": found.dims, "name": found.attrs["long_name"], "counts": found.values.ravel().tolist(),
    "old": "position_hold" in old, "arms": both.arm.values.tolist(), "warned": [str(one.message) for one in told],
}))
"""


@pytest.mark.slow
def test_a_switch_and_a_variable_in_a_copy_of_the_package(changed, launch, tmp_path):  # noqa: F811
    """One run of both: an added switch changes rewards alone, an added row is counted beside the others."""
    words: list[str] = []
    for title in ("A fault switch or a reward weight", "A diagnostics variable"):
        ((_, script, *more),) = SECTIONS[title].commands
        words += [word for word in more if not word.startswith("--run_dir=") and word not in words]
    command = [sys.executable, script, *words, *TINY, "--run_dir=runs/new"]
    done = subprocess.run(command, cwd=changed, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run_dir = changed / "runs" / "new"
    (arm,) = read_config(run_dir)["arms"]
    assert arm["env"]["hold_tax_at_strong_setup"] is True
    # The package as it is trained the same, but for the rewards.
    assert launch("--experiment=tune2", *TINY, f"--run_dir={tmp_path / 'old'}", trains=True).code == 0
    old, new = momentum_jax.load_run(tmp_path / "old"), momentum_jax.load_run(run_dir)
    first = {"checkpoint": 1}
    assert old.flat_count.isel(first).equals(new.flat_count.isel(first))
    taxed = -0.0005 * old.missed_opportunity.isel(first)
    difference = (new.reward_sum - old.reward_sum).isel(first)
    assert difference.values.ravel() == pytest.approx(taxed.values.ravel(), abs=2e-6) and (taxed < 0).any()
    found = read(changed, run_dir, tmp_path / "old")
    assert (found["dims"], found["name"]) == (["arm", "seed", "checkpoint"], "holds of an open position")
    assert found["counts"][0] == 0 and 0 < sum(found["counts"]) < 2 * 128
    # The changed package reads the older run, with the table that it carries.
    assert not found["old"] and not found["warned"] and len(found["arms"]) == 2


def read(root: Path, *run_dirs: Path) -> dict:
    command = [sys.executable, "-c", READ, *map(str, run_dirs)]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_the_table_has_what_each_task_costs():
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert {title: (int(files), int(lines)) for title, files, lines in rows} == {
        title: section.cost for title, section in SECTIONS.items() if section.blocks
    }
