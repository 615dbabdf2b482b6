"""How deep a fall chance alone makes: thresholds from simulated nulls and from a control arm.

The maximum over many noisy checkpoints is large by chance. Under the null each checkpoint is its
true value plus noise with its own binomial standard deviation; the true curve is flat, or the
best never-falling one (isotonic). A drawdown of a rising curve is never larger than that of the
flat one with the same noise, so max D against the flat null holds the level for every rising curve
and decides. Max P does not: a late rise lifts the way back and makes a temporary dip out of a mere fall,
so that a temporary dip, too, has to reach the threshold of D. The isotonic null says how likely the
fall is if the fitted improvement is believed.
Consecutive decisions resemble each other, so counts vary more than binomial ones: the variance is
multiplied by a design effect (Kish 1965, Survey Sampling).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize

from momentum_jax.analysis.drawdowns import Drawdowns, drawdowns

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_BLOCK = 2_000_000  # simulated values at a time


class NoiseTest(NamedTuple):
    """One entry per curve, ``[...]``; points are percentage points."""

    drawdown: Floats  # largest D by the horizon
    temporary: Floats  # largest P by the horizon
    drawdown_threshold: Floats  # what max D exceeds by chance with probability alpha
    temporary_threshold: Floats  # the same of max P, under this very null only
    drawdown_p: Floats  # chance of such a max D under the null
    temporary_p: Floats
    exists: Flags  # max D exceeds its threshold
    comes_back: Flags  # max P exceeds the threshold of D: the dip was temporary


def largest_falls(
    env_steps: npt.ArrayLike, u: npt.ArrayLike, horizon: float = np.inf, baseline_step: float = 0
) -> Drawdowns:
    """Largest drawdown and temporary dip by the horizon.

    Args:
        env_steps: ``[K]``, increasing.
        u: ``[..., K]``, up is good; NaN is a checkpoint that is not there.
        horizon: environment step by which a trough must come.
        baseline_step: step from which running maxima count.

    Returns:
        ``[...]`` each; 0 for a curve without values.
    """
    steps = np.asarray(env_steps, np.float64)
    from_baseline = np.asarray(u, np.float64)[..., steps >= baseline_step]
    within = steps[steps >= baseline_step] <= horizon
    falls = drawdowns(from_baseline)
    known = within & ~np.isnan(from_baseline)
    return Drawdowns(*(np.where(known, fall, 0.0).max(axis=-1, initial=0.0) for fall in falls))


def null_quantiles(
    num_checkpoints: int, levels: Sequence[float] = (0.95, 0.99), draws: int = 100_000, seed: int = 0
) -> Drawdowns:
    """Quantiles of max D and max P of a flat curve with independent unit noise, ``[level]`` each, in sigma."""
    rng = np.random.default_rng(seed)
    maxima = []
    for size in _blocks(draws, num_checkpoints):
        falls = drawdowns(rng.standard_normal((size, num_checkpoints)))
        maxima.append(np.stack([fall.max(axis=-1) for fall in falls]))
    return Drawdowns(*np.quantile(np.concatenate(maxima, axis=1), levels, axis=1).T)


def binomial_sigma(successes: npt.ArrayLike, totals: npt.ArrayLike, design_effect: float = 1.0) -> Floats:
    """Standard deviation of a percentage of counts, in points.

    Args:
        successes: ``[...]``.
        totals: ``[...]``, decisions; NaN results where there were none.
        design_effect: variance over that of independent decisions.

    Returns:
        ``[...]``; ½ and 1 are added to the counts, so that 0 of 5 is not taken for certainty.
    """
    count, number = np.asarray(successes, np.float64), np.asarray(totals, np.float64)
    share = (count + 0.5) / (number + 1)
    variance = design_effect * share * (1 - share) / np.where(number > 0, number, np.nan)
    return 100 * np.sqrt(variance)


def design_effect(successes: npt.ArrayLike, totals: npt.ArrayLike) -> float:
    """How much more a windowed share varies than independent decisions would, at least 1.

    The share of each seed is compared with the line between its neighbouring windows, after the
    seeds' mean curve is taken out; the mean square over the binomial expectation is the effect.
    True wiggles of a seed's policy count as noise, so the effect is rather too large than too small.

    Args:
        successes: ``[seed, K]`` counts, all windows in order of time.
        totals: ``[seed, K]`` decisions.

    Returns:
        The effect; 1 with fewer than 2 seeds or 3 windows.
    """
    count, number = np.asarray(successes, np.float64), np.asarray(totals, np.float64)
    if len(count) < 2 or count.shape[-1] < 3:
        return 1.0
    share = np.where(number > 0, count / np.where(number > 0, number, 1), np.nan)
    variance = (binomial_sigma(count, number) / 100) ** 2
    bend = share[:, 1:-1] - 0.5 * (share[:, :-2] + share[:, 2:])
    expected = variance[:, 1:-1] + 0.25 * (variance[:, :-2] + variance[:, 2:])
    usable = np.isfinite(bend) & np.isfinite(expected)
    seeds = np.maximum(usable.sum(axis=0), 1)
    common = np.where(usable, bend, 0.0).sum(axis=0) / seeds
    # Taking out a mean of n seeds takes 1 / n of the variance.
    squares = np.where(usable, (bend - common) ** 2, 0.0) * seeds / np.maximum(seeds - 1, 1)
    shown = usable & (seeds > 1)
    total = np.where(shown, expected, 0.0).sum()
    return max(1.0, float(np.where(shown, squares, 0.0).sum() / total)) if total > 0 else 1.0


def isotonic_fit(u: npt.ArrayLike, sigma: npt.ArrayLike) -> Floats:
    """The never-falling curve ``[K]`` closest to ``u [K]`` in units of ``sigma [K]``; NaN stays NaN."""
    values, noise = np.asarray(u, np.float64), np.asarray(sigma, np.float64)
    known = np.isfinite(values) & np.isfinite(noise)
    fitted = np.full_like(values, np.nan)
    if known.any():
        weights = 1 / np.maximum(noise[known], 1e-9) ** 2
        fitted[known] = optimize.isotonic_regression(values[known], weights=weights).x
    return fitted


def judge_against_null(
    env_steps: npt.ArrayLike,
    u: npt.ArrayLike,
    sigma: npt.ArrayLike,
    null: npt.ArrayLike | None = None,
    horizon: float = 25_000,
    baseline_step: float = 0,
    alpha: float = 0.05,
    draws: int = 4_000,
    seed: int = 0,
) -> NoiseTest:
    """Tests each curve's largest falls against simulated noise.

    Args:
        env_steps: ``[K]``.
        u: ``[..., K]``, up is good.
        sigma: ``[..., K]`` standard deviations, as `binomial_sigma`.
        null: ``[..., K]`` true curve under the null, as `isotonic_fit`; None for a flat one.
        horizon: as in `find_dips`, like the next.
        baseline_step: step from which running maxima count.
        alpha: chance of finding a dip where there is none.
        draws: simulated curves for each curve.
        seed: of the simulation's own random stream; all curves see the same noise in sigma.
    """
    values = np.asarray(u, np.float64)
    noise = np.where(np.isnan(values), np.nan, sigma)
    truth = np.broadcast_to(np.zeros(1) if null is None else np.asarray(null, np.float64), values.shape)
    seen = largest_falls(env_steps, values, horizon, baseline_step)
    rows = zip(noise.reshape(-1, noise.shape[-1]), truth.reshape(-1, noise.shape[-1]), strict=True)
    results = []
    for index, (spread, curve) in enumerate(rows):
        rng = np.random.default_rng(seed)
        maxima = largest_falls(
            env_steps, curve + spread * rng.standard_normal((draws, len(spread))), horizon, baseline_step
        )
        results.append(
            [
                part
                for fall, observed in zip(maxima, seen, strict=True)
                for part in (np.quantile(fall, 1 - alpha), (1 + (fall >= observed.flat[index]).sum()) / (1 + draws))
            ]
        )
    d_limit, d_chance, p_limit, p_chance = (
        np.array(results).reshape(*values.shape[:-1], 4).transpose(-1, *range(values.ndim - 1))
    )
    exists, comes_back = seen.drawdown > d_limit, seen.temporary > d_limit
    return NoiseTest(seen.drawdown, seen.temporary, d_limit, p_limit, d_chance, p_chance, exists, comes_back)


class ControlTest(NamedTuple):
    """Falls of an arm's seeds against those of a control arm."""

    threshold: float  # points; NaN with too few control seeds for the level
    p_values: Floats  # [seed], chance of such a fall in the control, ties counted against
    control_seeds: int


def judge_against_control(falls: npt.ArrayLike, control_falls: npt.ArrayLike, alpha: float = 0.05) -> ControlTest:
    """Empirical null from a control arm (rewards permuted within each rollout, or learning rate 0).

    Args:
        falls: ``[seed]`` largest falls of the arm, from `largest_falls`.
        control_falls: ``[control seed]`` of the control, same curve, horizon and baseline; NaN is left out.
        alpha: level of the threshold: a new control seed exceeds it with at most that probability.
    """
    control = np.sort(np.asarray(control_falls, np.float64))
    control = control[~np.isnan(control)]
    seen = np.asarray(falls, np.float64)
    rank = int(np.ceil((len(control) + 1) * (1 - alpha) - 1e-9))
    threshold = float(control[rank - 1]) if rank <= len(control) else np.nan
    as_deep = (control[None, :] >= seen[..., None]).sum(axis=-1)
    p_values = np.where(np.isnan(seen), np.nan, (1 + as_deep) / (1 + len(control)))
    return ControlTest(threshold, p_values, len(control))


def _blocks(draws: int, width: int) -> list[int]:
    size = max(_BLOCK // width, 1)
    return [min(size, draws - start) for start in range(0, draws, size)]
