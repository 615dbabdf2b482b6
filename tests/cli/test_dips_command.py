"""`python -m momentum_jax.dips`: the answer first, and one line and exit code 2 for what it refuses."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.page.plain_text import terminal_text
from momentum_jax.cli import dips_command
from momentum_jax.dips import DipAnalysis, analyze
from tests.conftest import ROOT

SEEDS, STEPS = 12, np.arange(1, 41) * 500


def table(seeds: int = SEEDS) -> pd.DataFrame:
    """Curves that rise to 100; every second one falls by 60 on the way."""
    key = np.random.default_rng(3)
    rows = []
    for seed in range(seeds):
        fall = 60 * (seed % 2) * np.exp(-(((STEPS - 6_000) / 1_500) ** 2))
        value = 100 * (1 - np.exp(-STEPS / 1_500)) - fall + key.standard_normal(len(STEPS))
        rows.append(pd.DataFrame({"seed": seed, "step": STEPS, "value": value.round(4)}))
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def curves(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("curves") / "runs.csv"
    table().to_csv(path, index=False)
    return path


def refused(capsys, *arguments: object) -> str:
    assert dips_command.main([str(argument) for argument in arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("momentum_jax.dips: ") and shown.err.count("\n") == 1
    return shown.err


def test_the_answer_comes_first_and_what_was_derived_is_said(curves, capsys):
    assert dips_command.main([str(curves), "--good=up", "--horizon=50%"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    answer = analyze(table(), good="up", horizon="50%").answer
    assert shown.startswith(answer) and answer.startswith("6 of 12 seeds (50 %, 95 % interval ")
    assert "Read from tidy CSV: value, 12 seeds, 40 steps from 500 to 20 000." in shown
    assert "No threshold was given: 5 % of the range was taken." in shown
    assert "horizon was given" not in shown
    assert "dips dip, % [low, high]" in shown and "6/12 50.0 [" in shown


def test_json_is_all_that_is_printed(curves, capsys):
    assert dips_command.main(["--json", "--good", "up", str(curves), "--allow-missing"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"].startswith("momentum_jax.dips/") and len(found["seeds"]) == SEEDS


def test_the_page_is_made_again_by_its_own_command(curves, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dips_command.main([str(curves), "--good=up", "--output=page"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "page: page/report.html"
    names = {"report.md", "report.html", "analysis.json", "seeds.csv", "figures"}
    assert {path.name for path in Path("page").iterdir()} == names
    before = Path("page/report.md").read_text(encoding="utf-8")
    command = shlex.split(re.search(r"made again by: (python .*)", before.replace("\\", ""))[1])
    assert command[:3] == ["python", "-m", "momentum_jax.dips"]
    Path("page/report.md").unlink()
    assert dips_command.main(command[3:]) == 0
    assert Path("page/report.md").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--good=upp"], "--good is 'upp': give --good=up or --good=down"),
        ([], "--good is missing: give --good=up or --good=down"),
        (["--good=up,down"], "--good is 'up,down': give"),
        (["--good=up", "--horizn=3"], "'--horizn=3' is no flag; did you mean --horizon?"),
        (["--good=up", "--horizon=0%"], "--horizon=0%: expected a share of the run"),
        (["--good=up", "--noise=counts"], "--noise=counts: the curves have no successes and no totals"),
        (["--good=up", "--threshold=control"], "--threshold=control: expected the control arm as well"),
        (["--good=up", "--reference=ppo"], "--reference=ppo: expected one of the arms: all"),
        (["--good=up", "--level=high"], "argument --level: invalid float value: 'high'"),
        (["--good=up", "--align=nearest"], "--align='nearest': expected previous, linear or bins:N"),
        (["--good=up", "--output="], "output='' is no path that can be printed"),
        (["--good=up", "--value=valeu"], "no column 'valeu' (--value); found seed, step, value; did you mean value?"),
    ],
)
def test_what_cannot_be_asked_costs_one_line(curves, capsys, arguments, words):
    assert words in refused(capsys, curves, *arguments)


def test_a_run_directory_says_itself_which_way_is_good(simulate, capsys):
    run = simulate(num_seeds=6)
    assert dips_command.main([str(run), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["choices"]["good"] == "down"
    assert "no direction was given: the source says of p_hold that down is good" in found["notes"]
    assert "the curves themselves say that down is good: leave it out" in refused(capsys, run, "--good=up")
    message = refused(capsys, run, "--value=weak_buy_pct")
    assert "--good is missing: give --good=up or --good=down" in message
    assert "of weak_buy_pct the run says that neither is good" in message
    assert dips_command.main([str(run), "--json", "--value=weak_buy_pct", "--good=down"]) == 0


def test_no_file_and_no_such_file_cost_one_line(tmp_path, capsys):
    assert "the following arguments are required: FILE; --help shows all flags" in refused(capsys, "--good=up")
    assert f"{tmp_path}/runs.csv: no such file or folder, expected a table" in refused(
        capsys, tmp_path / "runs.csv", "--good=up"
    )


def test_one_seed_is_refused(tmp_path, capsys):
    table(1).to_csv(tmp_path / "one.csv", index=False)
    assert "one.csv: found one seed, expected two or more" in refused(capsys, tmp_path / "one.csv", "--good=up")


def test_few_seeds_have_numbers_and_no_verdict(tmp_path, capsys):
    table(4).to_csv(tmp_path / "few.csv", index=False)
    assert dips_command.main([str(tmp_path / "few.csv"), "--good=up"]) == 0
    shown = capsys.readouterr().out
    assert "no verdict below 6 seeds" in shown and "2/4" in shown and " 50.0 [" not in shown


def test_the_document_shows_what_its_own_program_prints(tmp_path, capsys, monkeypatch):
    """docs/dips.md: the program that makes the curves, the command, and the answer."""
    page = (ROOT / "docs" / "dips.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    command, printed = re.search(
        r"```\n\$ (python -m momentum_jax\.dips runs.csv.*?)\n(.*?)```", page, re.DOTALL
    ).groups()
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    analyses: list[DipAnalysis] = []

    def kept(result: DipAnalysis, *about: object) -> str:
        analyses.append(result)
        return terminal_text(result, *about)

    monkeypatch.setattr(dips_command, "terminal_text", kept)
    assert dips_command.main(shlex.split(command)[3:]) == 0
    assert capsys.readouterr().out.startswith(printed.rstrip())
    found = analyses[0].seeds.astype({"seed": int}).set_index(["arm", "seed"])["is_dip"]
    known = pd.read_csv("runs.csv").groupby(["arm", "seed"])["truth"].first()
    dipped = known.groupby("arm").sum()
    truth = f"The true numbers are {dipped['baseline']} seeds in baseline and {dipped['annealed']} in annealed: "
    assert truth + "the falls of four seeds are within their noise" in page
    assert (known & ~found).sum() == 4 and not (found & ~known).any()
