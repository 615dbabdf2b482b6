"""The report of a run: what was run, what was seen, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import xarray as xr

from momentum_jax.analysis.curves import failed_steps
from momentum_jax.analysis.figures import plot_hold, save_figure
from momentum_jax.analysis.formatting import format_steps, markdown_table
from momentum_jax.analysis.intervals import Interval
from momentum_jax.analysis.published import published_percentiles
from momentum_jax.analysis.tables import (
    DIP_METRICS,
    HORIZON,
    checkpoint_table,
    dip_summary,
    dip_table,
)
from momentum_jax.store import load_run, write_atomic

PUBLISHED_ARM = "tune2"
_FIGURE = "figures/hold_pct"
_LABELS = {metric.curve: metric.label for metric in DIP_METRICS}
_DIP_NOTE = """\
A dip is a fall of at least 5 points in the worse direction (HOLD up, BUY down) with its trough within the
first 25 000 steps, from initialisation (baseline 0) or from step 5 000. *Seeds* are the healthy ones with two
values or more in that stretch; prevalence has a 95 % Wilson interval.
Depth, area (points × 1 000 steps), trough and recovered fraction are medians over the seeds with a dip;
*recovered* counts those that came back by 90 % of the depth within the 25 000 steps, *censored* those that
had not by the end of the run. The landmark is the change from checkpoint 5 000 to checkpoint 10 000,
positive where it got worse: a mean over all healthy seeds with a 95 % BCa interval. It is fixed in advance,
whereas the depth is a maximum and overstates itself. Windowed percentages are counts, so part of their
depth is sampling noise; exact P(HOLD) has none, but the policy itself wiggles.
"""


def write_report(run_dir: str | Path) -> Path:
    """Writes ``report/`` of a run directory, finished or not, and overwrites an earlier one.

    Files: ``report.md``, ``dips.csv`` (one row per arm, metric, baseline and seed),
    ``figures/hold_pct.png`` and ``.svg``; each is written whole or not at all, report.md last.

    Args:
        run_dir: a run directory that has a checkpoint.

    Returns:
        The path of report.md.

    Raises:
        RunDirectoryError: the run cannot be read.
    """
    ds = load_run(run_dir)
    folder = Path(run_dir) / "report"
    dips = dip_table(ds)
    save_figure(plot_hold(ds), folder / _FIGURE)
    write_atomic(folder / "dips.csv", dips.to_csv(index=False).encode())
    sections = [_header(ds), _failures(ds), _checkpoints(ds), _figure(), _dips(ds, dips)]
    if PUBLISHED_ARM in ds["arm"].values:
        sections.append(_published(ds))
    path = folder / "report.md"
    write_atomic(path, "\n".join(sections).encode())
    return path


def _header(ds: xr.Dataset) -> str:
    config = json.loads(ds.attrs["config"])
    steps = ds["env_steps"].values
    missing = sorted(set(config["checkpoints"]) - set(steps.tolist()))
    versions = ", ".join(f"{name} {version}" for name, version in config.get("versions", {}).items())
    lines = [
        f"# {ds.attrs['experiment']}: {ds.attrs['run_name']}",
        "",
        f"- arms: {', '.join(ds['arm'].values)}",
        f"- seeds: {ds.sizes['seed']} per arm ({_seed_list(ds['seed'].values.tolist())})",
        f"- steps: {format_steps(steps[-1])} of {format_steps(config['timesteps'])} asked for, "
        f"{len(steps)} checkpoints",
        f"- data fingerprint: {ds.attrs['data_fingerprint'] or 'not recorded'}",
        f"- device: {config.get('device') or 'not recorded'}; versions: {versions or 'not recorded'}; "
        f"git commit: {config.get('git_commit') or 'not recorded'}",
    ]
    if missing:
        lines.append(f"- **unfinished**: {len(missing)} planned checkpoints are not there")
    return "\n".join(lines) + "\n"


def _seed_list(seeds: list[int]) -> str:
    consecutive = len(seeds) > 2 and seeds == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if consecutive else ", ".join(map(str, seeds))


def _failures(ds: xr.Dataset) -> str:
    failed = failed_steps(ds)
    lines = [
        f"- {arm}, seed {seed}: non-finite loss at step {format_steps(step)}"
        for arm in ds["arm"].values
        for seed, step in zip(ds["seed"].values, failed.sel(arm=arm).values, strict=True)
        if step >= 0
    ]
    if not lines:
        return "No seed failed.\n"
    head = (
        f"**{len(lines)} of {failed.size} runs failed.** Their curves end at that step; dip statistics leave them out."
    )
    return "\n".join([head, "", *lines, ""])


def _checkpoints(ds: xr.Dataset) -> str:
    parts = [
        "## Checkpoints",
        "",
        "Percent of the decisions taken while flat (strong: of those at setup scores from 3), over the seeds "
        "that had not failed by then. Cumulative counts start at step 0, windowed ones at the row before; "
        "exact are the probabilities on fixed probe states.",
        "",
    ]
    for arm in ds["arm"].values:
        parts += [f"### {arm}", "", markdown_table(checkpoint_table(ds, arm))]
    return "\n".join(parts)


def _figure() -> str:
    return f"## HOLD over training\n\n![HOLD of every seed]({_FIGURE}.png)\n"


def _dips(ds: xr.Dataset, dips: pd.DataFrame) -> str:
    summary = dip_summary(dips)
    shown = summary.assign(metric=summary["metric"].map(_LABELS))
    last = int(ds["env_steps"].values[-1])
    parts = ["## Dips", "", _DIP_NOTE]
    if last < HORIZON:
        parts += [f"**The run ends at step {format_steps(last)}**: later troughs are not counted yet.", ""]
    return "\n".join([*parts, markdown_table(shown), _verdicts(summary)])


def _verdicts(summary: pd.DataFrame) -> str:
    """One line per arm and HOLD curve on the claim that was made: HOLD rises from 5k to 10k."""
    lines = ["Claim: *HOLD is higher at 10 000 than at 5 000 steps*.", ""]
    once = summary[(summary["baseline"] == 0) & summary["metric"].isin(["hold_pct", "p_hold"])]
    for row in once.to_dict("records"):
        interval = Interval(*(row[f"landmark_{part}"] for part in ("mean", "low", "high", "flag")))
        lines.append(f"- {row['arm']}, {_LABELS[row['metric']]}: {_verdict(interval)}")
    return "\n".join(lines) + "\n"


def _verdict(change: Interval) -> str:
    """Supported, not supported or undecided, with the interval that decides it."""
    if change.flag == "no seeds":
        return "undecided, the run has no healthy seed with both steps"
    shown = f"mean change {change.estimate:+.1f} points, 95 % interval {change.low:+.1f} to {change.high:+.1f}"
    if change.flag:
        return f"**undecided** ({shown}, a point because of: {change.flag})"
    if change.low > 0:
        return f"**supported** ({shown})"
    return f"**not supported** ({shown})" if change.high < 0 else f"**undecided** ({shown})"


def _published(ds: xr.Dataset) -> str:
    table = published_percentiles(ds, PUBLISHED_ARM)
    parts = [f"## The published {PUBLISHED_ARM} among the seeds", ""]
    if table.empty:
        return "\n".join([*parts, "The run has none of the published steps.", ""])
    note = (
        "Percentile of the published number among the seeds of this arm that had not failed by then; "
        "0 or 100 means that it lies outside their range. The published run is a single one, on its own data."
    )
    return "\n".join([*parts, note, "", markdown_table(table)])
