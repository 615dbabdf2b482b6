"""The report: its files, what it says about failures, and what it does not import."""

from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.figures import plot_hold, save_figure
from momentum_jax.analysis.intervals import Interval
from momentum_jax.analysis.report import _verdict, write_report
from momentum_jax.store import RunDirectoryError, load_run


def test_report_of_a_run_with_a_failed_seed(simulate):
    run_dir = simulate(failed={(0, 3): 15_000})
    path = write_report(run_dir)
    text = path.read_text()
    assert path == run_dir / "report" / "report.md"
    assert "**1 of 12 runs failed.**" in text and "tune2, seed 3: non-finite loss at step 15 000" in text
    assert "sha256:0123456789abcdef" in text and "6 per arm (0 to 5)" in text
    assert "![HOLD of every seed](figures/hold_pct.png)" in text
    assert "## The published tune2 among the seeds" in text
    assert "nan" not in text.lower().replace("finance", "") and "unfinished" not in text
    files = {str(file.relative_to(path.parent)) for file in path.parent.rglob("*") if file.is_file()}
    assert files == {"report.md", "dips.csv", "figures/hold_pct.png", "figures/hold_pct.svg"}
    assert len(pd.read_csv(path.parent / "dips.csv")) == 2 * 3 * 2 * 6


def test_report_of_an_unfinished_run_of_another_arm(simulate):
    text = write_report(simulate(arms=("other",), steps=(0, 1_000))).read_text()
    assert "**unfinished**" in text and "published tune2 among" not in text
    assert "**The run ends at step 1 000**" in text and "No seed failed." in text


def test_report_where_only_checkpoint_0_is_there(simulate):
    text = write_report(simulate(steps=(0,))).read_text()
    assert "undecided, the run has no healthy seed" in text and "none of the published steps" in text


def test_a_report_can_be_written_again(simulate):
    run_dir = simulate(steps=(0, 1_000, 5_000))
    first = write_report(run_dir).read_bytes()
    assert write_report(run_dir).read_bytes() == first


def test_no_report_without_a_run(tmp_path):
    with pytest.raises(RunDirectoryError, match=r"config\.json: not found"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (Interval(3, 1, 5), "**supported**"),
        (Interval(3, -1, 5), "**undecided**"),
        (Interval(-3, -5, -1), "**not supported**"),
        (Interval(3, 3, 3, "one seed"), "**undecided**"),
        (Interval(np.nan, np.nan, np.nan, "no seeds"), "undecided"),
    ],
)
def test_the_interval_decides(change, word):
    assert _verdict(change).startswith(word)


def test_figure_draws_every_seed_and_the_published_points(simulate):
    ds = load_run(simulate(arms=("tune2", "b", "c", "d"), num_seeds=3, failed={(0, 1): 15_000}))
    figure = plot_hold(ds)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == 8
    assert shown[0].get_title() == "tune2 (1 of 3 seeds failed)"
    lines = shown[0].get_lines()
    assert len(lines) == 3 + 1 + 1
    np.testing.assert_allclose(lines[-1].get_ydata(), [54.87, 69.25, 45.28, 27.79, 6.38], atol=0.01)
    assert shown[0].get_xlim() == (1_000, 100_000)


def test_figures_leave_no_global_state_and_repeat_themselves(simulate, tmp_path):
    ds = load_run(simulate(steps=(0, 1_000, 5_000), num_seeds=2))
    before = dict(mpl.rcParams)
    paths = save_figure(plot_hold(ds), tmp_path / "one")
    again = save_figure(plot_hold(ds), tmp_path / "two")
    assert dict(mpl.rcParams) == before
    assert [path.suffix for path in paths] == [".png", ".svg"]
    for first, second in zip(paths, again, strict=True):
        assert first.read_bytes() == second.read_bytes() and first.stat().st_size > 5_000


def test_neither_store_nor_report_imports_jax():
    code = (
        "import sys, momentum_jax.store, momentum_jax.analysis.report;"
        "print([name for name in ('jax', 'jaxlib', 'matplotlib.pyplot') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
