"""The report: its files, its order, what it says about failures, and what it does not import."""

from __future__ import annotations

import re
import subprocess
import sys

import pandas as pd
import pytest

from momentum_jax.analysis.report.build import write_report
from momentum_jax.run_directory import RunDirectoryError

FIGURES = {"hold_pct", "1_curves", "2_drawdowns", "3_depths", "4_pairs", "5_recovery", "6_onset", "7_predictors"}
FIGURES |= {"8_situations"}  # where decisions in two situations are counted


@pytest.mark.slow
def test_report_of_a_run_with_a_failed_seed_and_once_more(simulate):
    run_dir = simulate(failed={(0, 3): 15_000})
    path = write_report(run_dir)
    text = path.read_text()
    assert path == run_dir / "report" / "report.md"
    assert "**1 of 12 runs failed.**" in text and "tune2, seed 3: non-finite loss at step 15 000" in text
    assert "sha256:0123456789abcdef" in text and "6 per arm (0 to 5)" in text
    assert "## The published tune2 among the seeds" in text
    assert "nan" not in text.lower().replace("finance", "") and "unfinished" not in text
    files = {str(file.relative_to(path.parent)) for file in path.parent.rglob("*") if file.is_file()}
    drawn = {f"figures/{name}{suffix}" for name in FIGURES for suffix in (".png", ".svg")}
    assert files == {"report.md", "report.html", "dips.csv", "excursions.csv"} | drawn
    assert len(pd.read_csv(path.parent / "dips.csv")) == 2 * 3 * 2 * 6
    before = {file: (path.parent / file).read_bytes() for file in files}
    write_report(run_dir)
    assert {file: (path.parent / file).read_bytes() for file in files} == before


def test_the_summary_comes_first_and_the_warnings_last(simulate, one_figure):
    text = write_report(simulate()).read_text()
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    expected = ["Summary", "Figures", "Dips", "Evidence", "Checkpoints", "The published tune2 among the seeds"]
    assert titles == [*expected, "Configuration", "Data quality", "Warnings"]
    summary = text.partition("## Summary")[2].partition("## ")[0]
    assert 3 <= sum(line.startswith("- ") for line in summary.splitlines()) <= 6


def test_report_of_an_unfinished_run_of_another_arm(simulate, one_figure):
    text = write_report(simulate(arms=("other",), steps=(0, 1_000))).read_text()
    assert "**unfinished**" in text and "published tune2 among" not in text
    assert "**The run ends at step 1 000**" in text and "No seed failed" not in text


def test_report_where_only_checkpoint_0_is_there(simulate):
    text = write_report(simulate(steps=(0,))).read_text()
    assert "undecided, the run has no healthy seed" in text and "none of the published steps" in text
    assert "nothing can be said" in text


@pytest.mark.parametrize("failed", [{}, {(0, seed): 0 for seed in range(2)}])
def test_report_of_two_seeds_where_all_may_have_failed_at_once(simulate, failed):
    assert "## Warnings" in write_report(simulate(arms=("tune2",), num_seeds=2, failed=failed)).read_text()


def test_no_report_without_a_run(tmp_path):
    with pytest.raises(RunDirectoryError, match=r"config\.json: not found"):
        write_report(tmp_path)


def test_neither_store_nor_report_imports_jax():
    code = (
        "import sys, momentum_jax.run_directory, momentum_jax.analysis.report.build, momentum_jax.report;"
        "print([name for name in ('jax', 'jaxlib', 'matplotlib.pyplot') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
