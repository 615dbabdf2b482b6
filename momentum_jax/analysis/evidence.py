"""How sure a run is: dips against simulated noise, arms compared on the same seeds, what foretells the depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.curves import derive_curves, healthy
from momentum_jax.analysis.drawdowns import largest_drawdown, reaches
from momentum_jax.analysis.inference.multiplicity import holm
from momentum_jax.analysis.inference.paired import compare_means, compare_shares
from momentum_jax.analysis.inference.predictors import Prediction, foretell, landmark_features
from momentum_jax.analysis.intervals import Interval
from momentum_jax.analysis.noise import NoiseTest, binomial_sigma, design_effect, judge_against_null
from momentum_jax.analysis.tables import BASELINES, HORIZON, THRESHOLD
from momentum_jax.diagnostics.variables import STRONG_SCORE

Floats = npt.NDArray[np.float64]

PRIMARY = "p_hold"
_LANDMARKS = (2_000, 5_000)
_NOISE_COLUMNS = ["arm", "metric", "baseline", "design_effect", "fall", "by_chance", "exceed", "seeds"]
_BUYS = ["BUY_CALL", "BUY_PUT"]


def noise_table(ds: xr.Dataset, draws: int = 1_000) -> pd.DataFrame:
    """Windowed falls of every healthy seed against a flat curve with the counts' own noise.

    Args:
        ds: a loaded run, or several joined.
        draws: simulated curves for each seed.

    Returns:
        One row per arm with a healthy seed, metric and baseline: ``design_effect`` (variance of the counts over that
        of independent decisions), means over seeds of the largest ``fall`` and of what chance makes in 5 % of flat
        curves (``by_chance``), and how many ``seeds`` ``exceed`` it; in points.
    """
    rows = []
    for arm in ds["arm"].values:
        for metric, (successes, totals, sign) in _counted(ds.sel(arm=arm)).items():
            effect = design_effect(successes[:, 1:], totals[:, 1:])
            for baseline in BASELINES if len(totals) else ():
                test = _against_noise(ds, successes, totals, sign, effect, baseline, draws)
                rows.append(
                    {
                        "arm": arm,
                        "metric": metric,
                        "baseline": baseline,
                        "design_effect": effect,
                        "fall": float(test.drawdown.mean()),
                        "by_chance": float(test.drawdown_threshold.mean()),
                        "exceed": int(test.exists.sum()),
                        "seeds": len(test.drawdown),
                    }
                )
    return pd.DataFrame(rows, columns=_NOISE_COLUMNS)


def _counted(run: xr.Dataset) -> dict[str, tuple[Floats, Floats, int]]:
    """By metric: counts and decisions ``[healthy seed, K]``, and +1 where more is good, else -1."""
    alive = healthy(run).all("checkpoint").values
    counts = run["flat_count"].transpose("seed", "checkpoint", "setup_score", "action")[alive]
    strong = counts.sel(setup_score=counts["setup_score"] >= STRONG_SCORE).sum("setup_score")
    every = counts.sum("setup_score")
    return {
        "windowed HOLD %": (every.sel(action="HOLD").values, every.sum("action").values, -1),
        "windowed strong-setup BUY %": (strong.sel(action=_BUYS).sum("action").values, strong.sum("action").values, 1),
    }


def _against_noise(
    ds: xr.Dataset, successes: Floats, totals: Floats, sign: int, effect: float, baseline: int, draws: int
) -> NoiseTest:
    share = 100 * successes / np.where(totals > 0, totals, np.nan)
    sigma = binomial_sigma(successes, totals, effect)
    steps = ds["env_steps"].values
    return judge_against_null(steps, sign * share, sigma, horizon=HORIZON, baseline_step=baseline, draws=draws)


def comparison_table(ds: xr.Dataset) -> pd.DataFrame:
    """Every arm against the first on the same seeds, on exact P(HOLD); empty with one arm.

    Returns:
        One row per arm and number: ``difference`` with its 95 % interval (means: BCa; shares: Newcombe), ``p_value``
        (sign-flip permutation; exact McNemar), ``p_holm`` over all rows, and the pairing ``correlation``.
    """
    hold = derive_curves(ds)[PRIMARY].transpose("arm", "seed", "checkpoint").values
    steps, arms = ds["env_steps"].values, [str(arm) for arm in ds["arm"].values]
    alive = healthy(ds).all("checkpoint").transpose("arm", "seed").values
    falls = np.where(alive, largest_drawdown(steps, hold, -1, HORIZON).depth, np.nan)
    dips = np.where(np.isnan(falls), np.nan, reaches(falls, THRESHOLD))
    last = np.where(alive, hold[..., -1], np.nan)
    rows: list[dict[str, Any]] = []
    for index in range(1, len(arms)):
        for number, values in (("largest rise within the horizon, points", falls), ("at the end, %", last)):
            means = compare_means(values[index], values[0])
            rows.append(_row(arms, index, number, means.difference, means.p_value, means.correlation, means.pairs))
        shares = compare_shares(dips[index], dips[0])
        estimate, low, high, flag = shares.difference
        scaled = Interval(100 * estimate, 100 * low, 100 * high, flag)
        number = f"seeds that rise by {THRESHOLD:g} points, %"
        rows.append(_row(arms, index, number, scaled, shares.p_value, shares.correlation, shares.pairs))
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p_value"])) if rows else table


def _row(
    arms: list[str], index: int, number: str, difference: Interval, p_value: float, correlation: float, pairs: int
) -> dict[str, Any]:
    return {
        "arm": arms[index],
        "minus": arms[0],
        "exact_p_hold": number,
        "pairs": pairs,
        "difference": difference.estimate,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "p_value": p_value,
        "correlation": correlation,
    }


def foretelling_table(ds: xr.Dataset) -> pd.DataFrame:
    """What is known at 2 000 and 5 000 steps about the rise of exact P(HOLD) that follows, on held-out seeds.

    Returns:
        One row per arm and landmark that the run has: out-of-fold ``r2`` of all features, ``hold_r2`` of P(HOLD) alone
        and their ``gain``, each with its 95 % interval; ``spearman`` and ``auroc``. NaN with fewer than ten seeds.
    """
    steps = ds["env_steps"].values
    hold = derive_curves(ds)[PRIMARY].transpose("arm", "seed", "checkpoint").values
    rows = []
    for landmark in (step for step in _LANDMARKS if step in steps and step < steps[-1]):
        _, features = landmark_features(ds, landmark)
        for index, arm in enumerate(ds["arm"].values):
            outcome = largest_drawdown(steps, hold[index], -1, HORIZON, landmark).depth
            found = foretell(features.values[index], outcome)
            rows.append({"arm": arm, "known_at_step": landmark} | prediction_columns(found))
    return pd.DataFrame(rows)


def prediction_columns(found: Prediction) -> dict[str, Any]:
    """A prediction as columns: seeds, the R² with their intervals, rank correlation and AUROC."""
    row: dict[str, Any] = {"seeds": found.seeds}
    for name, interval in (("r2", found.r2), ("hold_r2", found.trivial_r2), ("gain", found.gain)):
        row |= {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return row | {"spearman": found.spearman.estimate, "auroc": found.auroc}
