"""A run that is still going: re-read as its checkpoints are finished."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.export.tensorboard import write_events
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.metrics.frequent_actions import with_frequent_actions
from momentum_jax.analysis.metrics.metric_curves import primary_curve
from momentum_jax.analysis.report.build import write_report
from momentum_jax.analysis.report.formatting import format_ranges, format_steps, with_unit
from momentum_jax.analysis.report.run_tables import dip_summary, dip_table
from momentum_jax.run_directory import complete_steps, diagnostics_of, load_run, read_config

_REDRAW_SECONDS = 60.0


def watch(
    run_dir: str | Path,
    interval: float = 5.0,
    say: Callable[[str], None] = print,
    tensorboard: str | Path | None = None,
    folder: str | Path | None = None,
    timeout: float = float("inf"),
) -> None:
    """Says where the run stands at each finished checkpoint, until every planned one is there.

    The report (and the event files) are drawn again at most once a minute, and at the end.
    A checkpoint is a file put in place whole, so that nothing half-written is ever read.

    Args:
        run_dir: of a run that goes on, or is finished.
        interval: seconds between two looks at the folder.
        say: receives each line.
        tensorboard: folder for event files, none by default.
        folder: of the report, see `write_report`.
        timeout: seconds after which to stop, whether or not the run has ended.

    Raises:
        RunDirectoryError: no run directory, or a file in it is damaged.
    """
    planned = set(read_config(run_dir)["checkpoints"])
    seen: set[int] = set()
    drawn = -np.inf
    end = time.monotonic() + timeout
    while True:
        found = set(complete_steps(run_dir))
        finished = planned <= found
        if found - seen:
            say(status(with_frequent_actions(load_run(run_dir))))
        last = finished or time.monotonic() >= end
        due = time.monotonic() - drawn >= _REDRAW_SECONDS
        if found and (last or (due and found - seen)):
            if tensorboard is not None:
                write_events(load_run(run_dir), tensorboard)
            say(f"report: {write_report(run_dir, folder)}")
            drawn = time.monotonic()
        seen = found
        if last:
            return
        time.sleep(interval)


def status(ds: xr.Dataset) -> str:
    """One line per arm: the step, the primary curve as median and quartiles over seeds, and the dips so far."""
    curves, primary = derive_curves(ds), primary_curve(diagnostics_of(ds))
    summary = dip_summary(dip_table(ds, baselines=[0]))
    dips = summary[summary["metric"] == primary.name].set_index("arm")
    lines = []
    for arm in ds["arm"].values:
        last = curves[primary.name].sel(arm=arm).isel(checkpoint=-1).values
        known = last[~np.isnan(last)]
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else (np.nan,) * 3
        written = format_ranges(*(pd.Series([value]) for value in (middle, low, high)))[0]
        value = with_unit(written, primary.unit)
        lines.append(
            f"step {format_steps(ds['env_steps'].values[-1])} · {arm}: {primary.symbol} {value} · "
            f"dips {dips.loc[arm, 'dips']}/{dips.loc[arm, 'seeds']} · failed {dips.loc[arm, 'failed']}"
        )
    return "\n".join(lines)
