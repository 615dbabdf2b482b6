"""The reference learner's curves and ours: how they are read, compared and tabulated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial.distance import cdist

import momentum_jax
from experiments.early_dip.published import RUNS

STEPS = (5_000, 10_000, 25_000, 50_000, 100_000)
METRICS = ("HOLD %", "CALL %", "PUT %", "strong BUY %", "forced stops")
MARGIN_POINTS, MARGIN_STOPS = 3.0, 0.05
STRONG = slice(3, 5)
_PUBLISHED_COLUMNS = {"HOLD %": "hold_pct", "CALL %": "call_pct", "PUT %": "put_pct", "strong BUY %": "strong_buy_pct"}


def ours(run_dir: Path, steps: Sequence[int] = STEPS) -> np.ndarray:
    """[seed, checkpoint, metric] of a run at `steps`, cumulative."""
    run = momentum_jax.load_run(run_dir).isel(arm=0).drop_vars(["failed_step"])
    at = run.cumsum("checkpoint").isel(checkpoint=np.searchsorted(run.env_steps, steps))
    flat = at.flat_count.transpose("seed", "checkpoint", "setup_score", "action").values
    by_action, strong = flat.sum(axis=2), flat[:, :, STRONG].sum(axis=2)
    stops = at.forced_stop.transpose("seed", "checkpoint").values
    return _metrics(by_action[..., :3], strong.sum(axis=2), strong[..., 1:3].sum(axis=2), stops)


def reference(path: Path) -> np.ndarray:
    """[seed, checkpoint, metric] of the record, cumulative."""
    record = np.load(path)
    column = {str(name): record["cumulative"][..., index] for index, name in enumerate(record["columns"])}
    actions = np.stack([column["hold"], column["buy_call"], column["buy_put"]], axis=-1)
    return _metrics(actions, column["strong"], column["strong_buy"], column["forced_stop"])


def _metrics(actions: np.ndarray, strong: np.ndarray, strong_buy: np.ndarray, stops: np.ndarray) -> np.ndarray:
    shares = 100.0 * actions / actions.sum(axis=-1, keepdims=True)
    return np.concatenate([shares, (100.0 * strong_buy / strong)[..., None], stops[..., None]], axis=-1)


def compare(mine: np.ndarray, theirs: np.ndarray, steps: Sequence[int] = STEPS) -> pd.DataFrame:
    """One row for each of the checkpoints `steps` and each metric: the interval that decides it, what was published."""
    published = {point.env_steps: point.cumulative for point in RUNS["tune2"].points}
    rows = []
    for k, step in enumerate(steps):
        for m, metric in enumerate(METRICS):
            a, b = mine[:, k, m], theirs[:, k, m]
            interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.90)
            margin = MARGIN_STOPS * b.mean() if metric == "forced stops" else MARGIN_POINTS
            row: dict[str, Any] = {
                "step": step,
                "metric": metric,
                "ours": a.mean(),
                "ours sd": a.std(ddof=1),
                "reference": b.mean(),
                "reference sd": b.std(ddof=1),
                "difference": a.mean() - b.mean(),
                "low": interval.low,
                "high": interval.high,
                "margin": margin,
                "equivalent": bool(max(-interval.low, interval.high) <= margin),
                "KS p": stats.ks_2samp(a, b).pvalue,
            }
            if metric in _PUBLISHED_COLUMNS:
                row["published"] = published[step][_PUBLISHED_COLUMNS[metric]]
                row["percentile"] = stats.percentileofscore(a, row["published"], kind="mean")
            rows.append(row)
    return pd.DataFrame(rows)


def energy_p_value(mine: np.ndarray, theirs: np.ndarray, draws: int = 9_999, seed: int = 0) -> float:
    """Permutation p value of the energy distance between the standardised trajectories."""
    points = np.concatenate([mine, theirs]).reshape(len(mine) + len(theirs), -1)
    points = (points - points.mean(axis=0)) / points.std(axis=0, ddof=1)
    distance = cdist(points, points)
    first = np.arange(len(points)) < len(mine)
    rng = np.random.default_rng(seed)
    labels = np.stack([first, *(rng.permutation(first) for _ in range(draws))]).astype(float)
    a, b = labels / len(mine), (1.0 - labels) / len(theirs)

    def mean_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.einsum("di,ij,dj->d", x, distance, y, optimize=True)

    energy = 2 * mean_distance(a, b) - mean_distance(a, a) - mean_distance(b, b)
    return float(np.mean(energy >= energy[0] - 1e-12))


def markdown(table: pd.DataFrame) -> str:
    """The comparison as a Markdown table."""
    lines = [
        "| step | metric | here, mean ± sd | reference, mean ± sd | difference [90 %] | margin | KS p | published "
        "| its percentile here |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in table.to_dict("records"):
        known = not np.isnan(row.get("published", np.nan))
        place = f"{row['published']:.1f} | {row['percentile']:.0f}" if known else "– | –"
        lines.append(
            f"| {row['step']:,} | {row['metric']} | {row['ours']:.1f} ± {row['ours sd']:.1f} "
            f"| {row['reference']:.1f} ± {row['reference sd']:.1f} "
            f"| {row['difference']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}] | ±{row['margin']:.1f} "
            f"| {row['KS p']:.2f} | {place} |"
        )
    return "\n".join(lines) + "\n"
