"""What a person reads in the terminal when a run has ended: checkpoint table, dip table and declared claims."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_tables import declared_text
from momentum_jax.analysis.dips.definition import SMALLEST_DIP
from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.dips.thresholds import has_common_threshold
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.level import CONFIDENCE
from momentum_jax.analysis.metrics.derived_curves import curves_kept, failed_steps, healthy_seeds
from momentum_jax.analysis.metrics.frequent_actions import with_frequent_actions
from momentum_jax.analysis.metrics.metric_curves import decisions_in_words, dip_curves
from momentum_jax.analysis.report.formatting import (
    format_percent,
    format_ranges,
    format_steps,
    format_table,
    in_unit,
    short_steps,
    without_few_seeds,
)
from momentum_jax.analysis.report.run_tables import (
    checkpoint_table,
    dip_labels,
    dip_summary,
    dip_table,
    table_columns,
)
from momentum_jax.analysis.report.summary import horizon_in_words
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.run_directory import diagnostics_of, load_run


def summary(run_dir: str | Path) -> str:
    """Checkpoint table of each arm and the dip table of all, as plain text.

    Raises:
      RunDirectoryError: the run cannot be read.
    """
    run = with_frequent_actions(load_run(run_dir))
    with curves_kept(run):
        return _summary(run)


def _summary(run: xr.Dataset) -> str:
    diagnostics, parts = diagnostics_of(run), []
    for arm in run["arm"].values:
        parts.append(f"\n{arm}: median [min–max] over seeds, % of {decisions_in_words(diagnostics)}\n")
        parts.append(format_table(_checkpoints(checkpoint_table(run, arm), diagnostics)))
    last_step, early = int(run["env_steps"].values[-1]), early_steps(run)
    starts = [baseline for baseline in early.baselines if baseline < max(last_step, 1)]
    words = " or ".join("from the start (0)" if start == 0 else f"from step {format_steps(start)}" for start in starts)
    parts.append(f"\nDips of at least {_thresholds(diagnostics)} {horizon_in_words(run)}, {words}\n")
    dips = without_few_seeds(dip_summary(dip_table(run, baselines=starts)))
    landmark = "→".join(map(short_steps, early.landmarks))
    parts.append(format_table(_dips(dips, dip_labels(run), landmark)))
    parts.append(_legend(diagnostics, healthy_seeds(run), landmark))
    failed = int((failed_steps(run) >= 0).sum())
    if failed:
        parts.append(f"\n{failed} run(s) FAILED: a loss not finite or above divergence_limit; the report names them")
    parts.append(declared_text(run).rstrip())
    return "\n".join(parts).rstrip()


def _legend(diagnostics: Diagnostics, seeds: int, landmark: str) -> str:
    units = {curve.points for curve in dip_curves(diagnostics)}
    points = f", {units.pop()}" if len(units) == 1 else ", in the metric's unit"
    wilson, bca = (
        f", {format_percent(CONFIDENCE)} {kind} interval" if enough(seeds) else "" for kind in ("Wilson", "BCa")
    )
    few = "" if enough(seeds) else f" · {seeds} seeds: no interval and {NO_VERDICT}"
    depth = f"depth: median [quartiles]{points} · {landmark}: mean change in the worse direction{bca}"
    return f"prevalence{wilson} · {depth}{few}"


def _thresholds(diagnostics: Diagnostics) -> str:
    common = all(has_common_threshold(curve.metric) for curve in dip_curves(diagnostics))
    return f"{SMALLEST_DIP:g} points" if common else "the threshold beside the metric"


def _checkpoints(table: pd.DataFrame, diagnostics: Diagnostics) -> pd.DataFrame:
    rows = table.reset_index()
    columns = pd.DataFrame({"step": [format_steps(step) for step in rows["env_steps"]], "counted": rows["counted"]})
    for name in table_columns(diagnostics):
        metric = diagnostics.metric(name)
        label = f"{metric.label} %" if metric.is_percentage else in_unit(metric.label, metric.unit.removesuffix("1"))
        columns[label] = _ranges(rows, name, ("median", "min", "max"))
    return columns


def _dips(table: pd.DataFrame, labels: Mapping[str, str], landmark: str) -> pd.DataFrame:
    ends = zip(table["prevalence_pct_low"], table["prevalence_pct_high"], strict=True)
    prevalence = [f"{low:.0f}–{high:.0f}" if pd.notna(low) else "–" for low, high in ends]
    troughs = table["trough_step_median"]
    columns = {"arm": table["arm"]} if table["arm"].nunique() > 1 else {}
    columns |= {
        "metric": table["metric"].map(labels),
        "baseline": table["baseline"],
        "dips": table["dips"].astype(str) + "/" + table["seeds"].astype(str),
        "prevalence %": pd.Series(prevalence),
        "depth": _ranges(table, "depth", ("median", "q25", "q75")),
        "trough": troughs.map(lambda step: "–" if pd.isna(step) else format_steps(step)),
        "recovered": table["recovered"],
        landmark: _ranges(table, "landmark", ("mean", "low", "high")),
    }
    return pd.DataFrame(columns)


def _ranges(table: pd.DataFrame, name: str, parts: tuple[str, str, str]) -> pd.Series:
    middle, low, high = (table[f"{name}_{part}"] for part in parts)
    return pd.Series(format_ranges(middle, low, high))
