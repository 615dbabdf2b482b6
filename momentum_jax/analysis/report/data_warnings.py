"""How good a run's data are, and what a reader has to be warned of."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.metrics.derived_curves import derive_curves, divergence_limit, failed_steps
from momentum_jax.analysis.metrics.metric_curves import decisions_in_words, exact_share
from momentum_jax.analysis.report.document import literal
from momentum_jax.analysis.report.formatting import format_steps
from momentum_jax.diagnostics.evaluation import SAMPLED
from momentum_jax.run_directory import diagnostics_of

_FEW_SEEDS = 16
_FEW_DECISIONS = 100
_HALVES_APART = 2.0


def quality_table(ds: xr.Dataset) -> pd.DataFrame:
    """One row per arm.

    Returns:
        Columns ``arm, seeds, failed``; ``empty_windows``: windows of a seed without a decision that is
        counted; ``fewest_decisions`` in a window that has one; ``missing_learner_means``: windows whose
        learner numbers are absent though an update was made; ``probe_states`` of both halves;
        ``halves_apart``: mean absolute difference of `exact_share` between the probe halves, points; NaN where the
        environment has none.
    """
    diagnostics, failed = diagnostics_of(ds), failed_steps(ds)
    table = ds[diagnostics.decisions]
    decisions = table.sum([diagnostics.context, "action"]).isel(checkpoint=slice(1, None))
    updated = xr.DataArray(np.diff(ds["update"].values) > 0, dims="checkpoint")
    absent = ds["entropy"].isel(checkpoint=slice(1, None)).drop_vars(["env_steps", "update"]).isnull() & updated
    apart = _halves_apart(ds)
    rows = []
    for arm in ds["arm"].values:
        count = decisions.sel(arm=arm).values
        rows.append(
            {
                "arm": str(arm),
                "seeds": ds.sizes["seed"],
                "failed": int((failed.sel(arm=arm) >= 0).sum()),
                "empty_windows": int((count == 0).sum()),
                "fewest_decisions": int(count[count > 0].min()) if (count > 0).any() else 0,
                "missing_learner_means": int(absent.sel(arm=arm).sum()),
                "probe_states": int(ds["probe_count"].sel(arm=arm).isel(seed=0, checkpoint=0).sum()),
                "halves_apart": np.nan if apart is None else float(apart.sel(arm=arm).mean()),
            }
        )
    return pd.DataFrame(rows)


def _halves_apart(ds: xr.Dataset) -> xr.DataArray | None:
    """``[arm, seed, checkpoint]`` points."""
    share = exact_share(diagnostics_of(ds))
    if share is None:
        return None
    halves = derive_curves(ds)[f"{share.exact_name}_half"]
    first, second = (halves.isel(probe_half=half, drop=True) for half in (0, 1))
    return abs(first - second)


def warnings_of(ds: xr.Dataset, quality: pd.DataFrame) -> list[str]:
    """What limits the conclusions, one line each; the list may be empty."""
    left_out = [literal(line) for line in json.loads(ds.attrs.get("left_out", "[]"))]
    lines = _failures(ds) + left_out + _coverage(ds) + list(_cut_off(ds))
    not_recorded = json.loads(ds.attrs.get("not_recorded", "[]"))
    if not_recorded:
        lines.append(f"not recorded by the version that wrote the run: {', '.join(not_recorded)}")
    decisions = decisions_in_words(diagnostics_of(ds))
    for row in quality.to_dict("records"):
        arm = literal(row["arm"])
        if 0 < row["fewest_decisions"] < _FEW_DECISIONS:
            lines.append(
                f"{arm}: a window holds only {row['fewest_decisions']} {decisions}; "
                "its sampled percentages scatter by points"
            )
        if row["empty_windows"]:
            lines.append(f"{arm}: {row['empty_windows']} windows of a seed hold no {decisions} and are left out")
        if row["halves_apart"] > _HALVES_APART:
            lines.append(
                f"{arm}: the probe halves differ by {row['halves_apart']:.1f} points on average; "
                "the choice of probe states matters"
            )
    return lines


def _cut_off(ds: xr.Dataset) -> Iterator[str]:
    """Arms some of whose evaluated episodes ended at the evaluation's own limit, where they are not windows of data."""
    evaluation = diagnostics_of(ds).evaluation
    if evaluation is None or "evaluation" in json.loads(ds.attrs["config"])["data"]:
        return
    for arm in ds["arm"].values:
        share = float(ds["eval_cut_off"].sel(arm=arm, evaluated=SAMPLED).mean("seed").max())
        if share > 0:
            yield (
                f"{literal(arm)}: up to {100 * share:.0f} % of a checkpoint's sampled episodes were cut off at "
                f"{evaluation.max_steps:,} steps; their returns hold the steps until then (--eval_max_steps)"
            )


def _failures(ds: xr.Dataset) -> list[str]:
    failed = failed_steps(ds)
    lines = [
        f"{literal(arm)}, seed {seed}: {_reason(ds.sel(arm=arm, seed=seed), step)} at step {format_steps(step)}"
        for arm in ds["arm"].values
        for seed, step in zip(ds["seed"].values, failed.sel(arm=arm).values, strict=True)
        if step >= 0
    ]
    if not lines:
        return []
    head = (
        f"**{len(lines)} of {failed.size} runs failed.** Their curves end at that step; dip statistics leave them out."
    )
    return [head, *lines]


def _reason(run: xr.Dataset, step: int) -> str:
    """Why a run failed at `step`: by its parameters, or by the loss of the window in which it failed."""
    after = run.isel(checkpoint=run["env_steps"].values >= step)
    lost = after["p_action"].isel(checkpoint=slice(-1, None)).isnull().all()
    if lost or not np.isfinite(after["value_loss"].values[:1]).all():
        return "non-finite loss"
    return f"value loss above {divergence_limit(run):g}"


def _coverage(ds: xr.Dataset) -> list[str]:
    config = json.loads(ds.attrs["config"])
    steps = ds["env_steps"].values
    missing = set(config["checkpoints"]) - set(steps.tolist())
    lines = []
    if missing:
        lines.append(f"**unfinished**: {len(missing)} planned checkpoints are not there")
    if steps[-1] < early_steps(ds).horizon:
        lines.append(f"**The run ends at step {format_steps(steps[-1])}**: later troughs are not counted yet.")
    if not enough(ds.sizes["seed"]):
        lines.append(f"only {ds.sizes['seed']} seeds: no interval and {NO_VERDICT}")
    elif ds.sizes["seed"] < _FEW_SEEDS:
        lines.append(
            f"only {ds.sizes['seed']} seeds: intervals are wide, and an interval of fewer than {_FEW_SEEDS} "
            "is itself unsure"
        )
    if not ds.attrs["data_fingerprint"]:
        lines.append("no data fingerprint was recorded, so other runs cannot be compared safely")
    return lines
