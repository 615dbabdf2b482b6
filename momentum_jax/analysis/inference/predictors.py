"""What predicts the depth of a dip: features at a landmark step, tested on seeds held out.

Ridge regression on standardised features; a seed is predicted only by folds it is not in. R² is
against the mean of the training seeds, and beside it stands the trivial predictor, the first feature
alone (the curve itself): a feature set is worth something where it beats that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import stats

from momentum_jax.analysis.inference.intervals import Interval, interval_of_means, statistic_interval
from momentum_jax.analysis.inference.prediction_power import detectable_share
from momentum_jax.analysis.metrics.derived_curves import derive_curves, healthy
from momentum_jax.analysis.metrics.metric_curves import primary_curve
from momentum_jax.analysis.metrics.signal import sensitivity_curves
from momentum_jax.run_directory import diagnostics_of

Floats = npt.NDArray[np.float64]

FOLDS, REPEATS, RIDGE = 5, 20, 1.0
FEWEST_SEEDS = 2 * FOLDS
LEARNER_FEATURES = ("entropy", "approx_kl", "clip_fraction", "explained_variance", "value_loss", "advantage_std")


class HeldOutScore(NamedTuple):
    """How well one feature, or several together, predict an outcome on held-out seeds; NaN as in `Prediction`."""

    r2: Interval
    auroc: float


class Prediction(NamedTuple):
    """How well features predict an outcome on held-out seeds."""

    seeds: int
    r2: Interval  # 1 - squared error / that of the training mean; may be negative
    trivial_r2: Interval  # the first feature alone
    gain: Interval  # r2 - trivial_r2, seeds drawn together
    detectable_r2: float  # share of the variance that so many seeds find with 80 % power
    spearman: float  # rank correlation of outcome and out-of-fold prediction
    auroc: float  # of deep against shallow; NaN where one class is empty
    flag: str


def landmark_features(
    ds: xr.Dataset, step: int, learner: Sequence[str] = LEARNER_FEATURES
) -> tuple[tuple[str, ...], xr.DataArray]:
    """Features of every seed at a landmark step: the primary curve (the trivial one), the learner's health, d' and c.

    Args:
        ds: a loaded run.
        step: the landmark.
        learner: recorded variables among the features.

    Returns:
        Their names and ``[arm, seed, feature]``.

    Raises:
        ValueError: the run has no such checkpoint.
    """
    found = np.flatnonzero(ds["env_steps"].values == step)
    if not len(found):
        raise ValueError(f"the run has no checkpoint at step {step}: choose from {ds['env_steps'].values.tolist()}")
    primary, at_step = primary_curve(diagnostics_of(ds)).name, {"checkpoint": found[:1]}
    # Of this checkpoint alone, which does not know of a loss that was too large before it.
    signal = sensitivity_curves(ds.isel(at_step)).where(healthy(ds).isel(at_step))
    parts = {primary: derive_curves(ds)[primary].isel(at_step)} | {name: ds[name].isel(at_step) for name in learner}
    parts |= {name: signal[name] for name in ("d_prime_exact", "criterion_exact") if name in signal}
    columns = [part.transpose("arm", "seed", "checkpoint").values[..., 0] for part in parts.values()]
    values = xr.DataArray(np.stack(columns, axis=-1), dims=("arm", "seed", "feature"))
    return tuple(parts), values.assign_coords(arm=ds["arm"], seed=ds["seed"], feature=list(parts))


def predict(
    features: npt.ArrayLike, outcome: npt.ArrayLike, deep: npt.ArrayLike | None = None, seed: int = 0
) -> Prediction:
    """Tests features on seeds held out.

    Args:
        features: ``[seed, feature]``, the trivial predictor first.
        outcome: ``[seed]``, e.g. depth. Seeds with a NaN anywhere are left out.
        deep: ``[seed]`` bool, the class for AUROC; by default above the median outcome.
        seed: of the folds and the bootstrap.

    Returns:
        NaN and flagged with fewer than ten seeds, or a constant outcome.
    """
    x, y = np.asarray(features, np.float64), np.asarray(outcome, np.float64)
    known = ~np.isnan(y) & ~np.isnan(x).any(axis=1)
    x, y = x[known], y[known]
    flag = _unpredictable(y)
    if flag:
        nothing = Interval(np.nan, np.nan, np.nan, flag)
        return Prediction(len(y), nothing, nothing, nothing, np.nan, np.nan, np.nan, flag)
    classes = y > np.median(y) if deep is None else np.asarray(deep, bool)[known]
    predicted, base = out_of_fold(x, y, seed)
    trivial, _ = out_of_fold(x[:, :1], y, seed)
    errors = [(y - guess) ** 2 for guess in (predicted, trivial, base)]
    return Prediction(
        len(y),
        interval_of_means((errors[0], errors[2]), _r2, seed=seed),
        interval_of_means((errors[1], errors[2]), _r2, seed=seed),
        interval_of_means(errors, _gain, seed=seed),
        detectable_share(len(y), x.shape[1]),
        float(_spearman(y, predicted)),
        auroc(predicted, classes),
        "",
    )


def predict_alone(features: npt.ArrayLike, outcome: npt.ArrayLike, seed: int = 0) -> list[HeldOutScore]:
    """Each of the features ``[seed, feature]`` by itself, tested as `predict` tests all of them together."""
    return [held_out_score(feature[:, None], outcome, seed) for feature in np.asarray(features, np.float64).T]


def held_out_score(features: npt.ArrayLike, outcome: npt.ArrayLike, seed: int = 0) -> HeldOutScore:
    """The features ``[seed, feature]`` together, tested as by `predict`, which costs a multiple of this."""
    x, y = np.asarray(features, np.float64), np.asarray(outcome, np.float64)
    known = ~np.isnan(y) & ~np.isnan(x).any(axis=1)
    x, y = x[known], y[known]
    flag = _unpredictable(y)
    if flag:
        return HeldOutScore(Interval(np.nan, np.nan, np.nan, flag), np.nan)
    predicted, base = out_of_fold(x, y, seed)
    r2 = interval_of_means(((y - predicted) ** 2, (y - base) ** 2), _r2, seed=seed)
    return HeldOutScore(r2, auroc(predicted, y > np.median(y)))


def held_out_r2(features: npt.ArrayLike, outcome: npt.ArrayLike, seed: int = 0) -> Interval:
    """R² of the features together on held-out seeds, with the interval that `predict` gives it; nothing else."""
    x, y = np.asarray(features, np.float64), np.asarray(outcome, np.float64)
    predicted, base = out_of_fold(x, y, seed)
    return interval_of_means(((y - predicted) ** 2, (y - base) ** 2), _r2, seed=seed)


def _unpredictable(outcome: Floats) -> str:
    """Why nothing can be said of a prediction; empty where something can."""
    if len(outcome) < FEWEST_SEEDS:
        return f"fewer than {FEWEST_SEEDS} seeds"
    return "constant outcome" if np.ptp(outcome) == 0 else ""


def out_of_fold(features: Floats, outcome: Floats, seed: int = 0) -> tuple[Floats, Floats]:
    """Predictions of held-out seeds, and the training means they compete with, both ``[seed]``; means over repeats."""
    rng = np.random.default_rng(seed)
    predicted, base = np.zeros((2, len(outcome)))
    for _ in range(REPEATS):
        for held_out in np.array_split(rng.permutation(len(outcome)), FOLDS):
            training = np.delete(np.arange(len(outcome)), held_out)
            predicted[held_out] += _ridge(features[training], outcome[training], features[held_out])
            base[held_out] += outcome[training].mean()
    return predicted / REPEATS, base / REPEATS


def auroc(scores: npt.ArrayLike, positive: npt.ArrayLike) -> float:
    """Chance that a positive seed scores above a negative one, ties half; NaN where one class is empty."""
    values, classes = np.asarray(scores, np.float64), np.asarray(positive, bool)
    above, below = values[classes], values[~classes]
    if not len(above) or not len(below):
        return np.nan
    return float(stats.mannwhitneyu(above, below).statistic / (len(above) * len(below)))


def rank_correlation(outcome: npt.ArrayLike, feature: npt.ArrayLike, seed: int = 0) -> Interval:
    """Spearman's correlation of two numbers ``[seed]`` with its 95 % interval; pairs with a NaN are left out."""
    y, x = np.asarray(outcome, np.float64), np.asarray(feature, np.float64)
    known = ~np.isnan(y) & ~np.isnan(x)
    y, x = y[known], x[known]
    if len(y) < FEWEST_SEEDS or np.ptp(y) == 0 or np.ptp(x) == 0:
        return Interval(np.nan, np.nan, np.nan, f"fewer than {FEWEST_SEEDS} seeds, or a constant")
    return statistic_interval((y, x), _spearman, draws=1_999, seed=seed)


def _ridge(training: Floats, outcome: Floats, held_out: Floats) -> Floats:
    mean, spread = training.mean(axis=0), training.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    x = (training - mean) / spread
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (outcome - outcome.mean()))
    return (held_out - mean) / spread @ weights + outcome.mean()


def _r2(error: Floats, base: Floats) -> Floats:
    return 1 - error / base


def _gain(error: Floats, trivial: Floats, base: Floats) -> Floats:
    return _r2(error, base) - _r2(trivial, base)


def _spearman(outcome: Floats, predicted: Floats) -> Floats:
    a, b = (stats.rankdata(values, axis=-1) for values in (outcome, predicted))
    a, b = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (a, b))
    return (a * b).mean(axis=-1) / (a.std(axis=-1) * b.std(axis=-1))
