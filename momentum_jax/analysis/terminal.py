"""What a person reads in the terminal when a run has ended: the checkpoint table and the dip table, narrow enough."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from momentum_jax.analysis.curves import failed_steps
from momentum_jax.analysis.formatting import format_ranges, format_steps, format_table
from momentum_jax.analysis.tables import DIP_METRICS, checkpoint_table, dip_summary, dip_table
from momentum_jax.store import load_run

_PERCENTAGES = {"hold_pct": "HOLD %", "call_pct": "CALL %", "put_pct": "PUT %", "strong_buy_pct": "strong BUY %"}
_LABELS = {metric.curve: metric.label for metric in DIP_METRICS}


def summary(run_dir: str | Path) -> str:
    """Checkpoint table of each arm and the dip table of all, as plain text.

    Raises:
      RunDirectoryError: the run cannot be read.
    """
    run = load_run(run_dir)
    parts = []
    for arm in run["arm"].values:
        parts.append(f"\n{arm}: median [min–max] over seeds, percent of decisions while flat\n")
        parts.append(format_table(_checkpoints(checkpoint_table(run, arm))))
    parts.append("\nDips of at least 5 points within 25 000 steps, from the start (0) or from step 5 000\n")
    parts.append(format_table(_dips(dip_summary(dip_table(run)))))
    parts.append(
        "prevalence: 95 % Wilson interval · depth: median [quartiles], points · "
        "5k→10k: mean change in the worse direction, 95 % BCa interval"
    )
    failed = int((failed_steps(run) >= 0).sum())
    if failed:
        parts.append(f"\n{failed} run(s) FAILED with a loss that is not finite; the report names them")
    return "\n".join(parts)


def _checkpoints(table: pd.DataFrame) -> pd.DataFrame:
    rows = table.reset_index()
    shown = pd.DataFrame({"step": [format_steps(step) for step in rows["env_steps"]], "counted": rows["counted"]})
    for name, label in _PERCENTAGES.items():
        shown[label] = _ranges(rows, name, ("median", "min", "max"))
    return shown


def _dips(table: pd.DataFrame) -> pd.DataFrame:
    prevalence = zip(table["prevalence_pct_low"], table["prevalence_pct_high"], strict=True)
    troughs = table["trough_step_median"]
    columns = {"arm": table["arm"]} if table["arm"].nunique() > 1 else {}
    columns |= {
        "metric": table["metric"].map(_LABELS),
        "baseline": table["baseline"],
        "dips": table["dips"].astype(str) + "/" + table["seeds"].astype(str),
        "prevalence %": pd.Series([f"{low:.0f}–{high:.0f}" for low, high in prevalence]),
        "depth": _ranges(table, "depth", ("median", "q25", "q75")),
        "trough": troughs.map(lambda step: "–" if pd.isna(step) else format_steps(step)),
        "recovered": table["recovered"],
        "5k→10k": _ranges(table, "landmark", ("mean", "low", "high")),
    }
    return pd.DataFrame(columns)


def _ranges(table: pd.DataFrame, name: str, parts: tuple[str, str, str]) -> pd.Series:
    middle, low, high = (table[f"{name}_{part}"] for part in parts)
    return pd.Series(format_ranges(middle, low, high))
