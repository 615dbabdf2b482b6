"""The report of one or several runs: report.md, report.html, figures and the table of dips."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from momentum_jax.analysis.dips.evidence import gather
from momentum_jax.analysis.figures import gallery, save_figure
from momentum_jax.analysis.metrics.derived_curves import curves_kept
from momentum_jax.analysis.metrics.frequent_actions import with_frequent_actions
from momentum_jax.analysis.report.document import Image
from momentum_jax.analysis.report.html_page import to_page
from momentum_jax.analysis.report.rendering import to_markdown
from momentum_jax.analysis.report.run_tables import dip_table, excursion_table
from momentum_jax.analysis.report.sections import report_sections
from momentum_jax.run_directory import write_atomic
from momentum_jax.run_directory.joining import load_runs


def write_report(run_dirs: str | Path | Sequence[str | Path], folder: str | Path | None = None) -> Path:
    """Writes the report of a run, finished or not, or of several joined; an earlier one is overwritten.

    Files: ``report.md``, ``report.html`` (one file that needs no other), ``dips.csv`` (one row
    per arm, metric, baseline and seed), ``excursions.csv`` (one per excursion) and ``figures/*.png,
    *.svg``; each is written whole or not at all, report.md last.

    Args:
        run_dirs: a run directory that has a checkpoint, or several; see `load_runs`.
        folder: where to; ``report`` in the run directory by default, and for several
            ``report/with_<names of the others>`` in the first.

    Returns:
        The path of report.md.

    Raises:
        RunDirectoryError: a run cannot be read, or several cannot be compared.
    """
    paths = [run_dirs] if isinstance(run_dirs, str | Path) else list(run_dirs)
    ds = with_frequent_actions(load_runs(paths))
    target = Path(folder) if folder is not None else report_folder(paths)
    with curves_kept(ds):
        return _write(ds, target, command(paths, folder))


def _write(ds: xr.Dataset, target: Path, made_by: str) -> Path:
    dips = dip_table(ds)
    images = []
    evidence = gather(ds)
    for picture in gallery(ds, dips, evidence):
        save_figure(picture.figure, target / "figures" / picture.name)
        images.append(Image(picture.name, picture.caption))
    write_atomic(target / "dips.csv", dips.to_csv(index=False).encode())
    write_atomic(target / "excursions.csv", excursion_table(ds).to_csv(index=False).encode())
    sections = report_sections(ds, dips, evidence, images, made_by)
    title = f"{ds.attrs['experiment']}: {ds.attrs['run_name']}"
    write_atomic(target / "report.html", to_page(title, ds, dips, sections, target / "figures").encode())
    path = target / "report.md"
    write_atomic(path, to_markdown(title, sections).encode())
    return path


def command(run_dirs: Sequence[str | Path], folder: str | Path | None = None) -> str:
    """The command line that makes the report of these runs again."""
    out = ["--out", str(folder)] if folder is not None and Path(folder) != report_folder(run_dirs) else []
    return shlex.join(["python", "-m", "momentum_jax.report", *map(str, run_dirs), *out])


def report_folder(run_dirs: Sequence[str | Path]) -> Path:
    """Where the report of these runs lies by default."""
    folder = Path(run_dirs[0]) / "report"
    others = [Path(path).resolve().name for path in run_dirs[1:]]
    return folder / f"with_{'_'.join(others)}" if others else folder
