"""How deep a fall chance alone makes: thresholds from a simulated null and from a control arm.

The maximum over many noisy checkpoints is large by chance. Under the null the true curve never falls, and each
checkpoint is its true value plus noise with its own standard deviation (`design_effect.binomial_sigma`). A fall between
two checkpoints is measured in standard deviations of their difference, and the largest of them decides.

A flat true curve makes the largest falls, but few curves are flat, and where a curve rose for certain no noise makes
a fall. So the null is the rising curve that is worst for the test among those that the data allow: a simultaneous band
at a tenth of the level says how much any rising curve must have risen between two checkpoints, and the noise has to
overcome that (two-step test of moment inequalities: Romano, Shaikh and Wolf 2014, Econometrica 82). A late rise lifts
the way back and makes a temporary dip out of a mere fall, so a temporary dip has to reach the same threshold on both
sides of its trough.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_jax.analysis.dips.drawdowns import reaches
from momentum_jax.analysis.inference.level import LEVEL
from momentum_jax.analysis.inference.single_precision import unit_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Singles = npt.NDArray[np.float32]

_BAND_SHARE = 0.1  # of the level, spent on how much the curve rose
_CERTAIN = 1e30  # deviations: no noise undoes such a rise, and more would be infinite in single precision
_BLOCK = 32  # seeds at a time: their simulated noise stays in the cache


class NoiseTest(NamedTuple):
    """One entry per curve, ``[...]``; points are percentage points. NaN and False where sigma is not known."""

    fall: Floats  # the clearest fall by the horizon, points
    by_chance: Floats  # what a fall between these two checkpoints has to exceed, points
    exists: Flags  # it does
    comes_back: Flags  # and so does a rise after it: the dip was temporary
    limit: Floats  # what any fall has to exceed, in standard deviations of the difference of its two values


def draw_noise(
    num_checkpoints: int,
    freedom: float = np.inf,
    block: int = 1,
    draws: int = 1_000,
    seed: int = 0,
    correlation: float = 0.0,
    tails: float = np.inf,
) -> Singles:
    """Noise in standard deviations ``[checkpoint, draws]``, drawn once for all curves.

    Args:
        num_checkpoints: K.
        freedom: degrees of freedom of the standard deviations' estimate; infinite where they are known.
        block: checkpoints in a row that share an estimate.
        draws: simulated curves.
        seed: of the simulation's own random stream.
        correlation: of neighbouring checkpoints; further apart it is a power of this.
        tails: degrees of freedom of Student's t, above 2, scaled to a variance of 1; infinite of normal noise.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((num_checkpoints, draws))
    if np.isfinite(tails):
        noise *= np.sqrt((tails - 2) / rng.chisquare(tails, noise.shape))
    for k in range(1, num_checkpoints if correlation else 0):
        noise[k] = correlation * noise[k - 1] + np.sqrt(1 - correlation**2) * noise[k]
    if np.isfinite(freedom):
        shared = freedom / rng.chisquare(freedom, (-(-num_checkpoints // block), draws))
        noise *= np.sqrt(np.repeat(shared, block, axis=0)[:num_checkpoints])
    return noise.astype(np.float32)


def judge_against_null(
    env_steps: npt.ArrayLike,
    u: npt.ArrayLike,
    sigma: npt.ArrayLike,
    noise: Singles | None = None,
    horizon: float = np.inf,
    baseline_step: float = 0,
    alpha: float = LEVEL,
) -> NoiseTest:
    """Tests each curve's clearest fall against simulated noise.

    Args:
        env_steps: ``[K]``.
        u: ``[..., K]``, up is good.
        sigma: ``[..., K]`` standard deviations, as `binomial_sigma`.
        noise: ``[K, draws]`` as `draw_noise` makes it; known standard deviations by default.
        horizon: last step at which a fall counts.
        baseline_step: step from which falls count.
        alpha: chance of finding a dip where there is none.
    """
    steps, values = np.asarray(env_steps, np.float64), np.asarray(u, np.float64)
    lead, width = values.shape[:-1], values.shape[-1]
    drawn = draw_noise(width) if noise is None else noise
    from_baseline = steps >= baseline_step
    rows = values.reshape(-1, width)[:, from_baseline]
    spread = np.broadcast_to(np.asarray(sigma, np.float64), values.shape).reshape(-1, width)[:, from_baseline]
    within = int((steps[from_baseline] <= horizon).sum())
    parts = [
        _judge_block(rows[first : first + _BLOCK], spread[first : first + _BLOCK], drawn[from_baseline], within, alpha)
        for first in range(0, len(rows), _BLOCK)
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.empty(0)] * 5
    fall, by_chance, exists, back, limit = (column.reshape(lead) for column in columns)
    return NoiseTest(fall, by_chance, exists.astype(bool), back.astype(bool), limit)


def chance_of_so_many(exceed: int, seeds: int, alpha: float = LEVEL) -> float:
    """Chance that so many seeds or more exceed what each does with probability alpha; NaN without seeds."""
    return float(stats.binom.sf(exceed - 1, seeds, alpha)) if seeds else np.nan


def _judge_block(u: Floats, sigma: Floats, noise: Singles, within: int, alpha: float) -> NoiseTest:
    """The test of a block of curves ``[seed, K]``, `within` of whose checkpoints lie within the horizon."""
    if within == 0:  # the run ends before the baseline
        unknown, no = np.full(len(u), np.nan), np.zeros(len(u), bool)
        return NoiseTest(unknown, unknown, no, no, unknown)
    known = np.isfinite(u) & np.isfinite(sigma) & (sigma > 0)
    u, sigma = np.where(known, u, 0.0), np.where(known, sigma, 0.0)
    apart = np.sqrt(sigma[:, :, None] ** 2 + sigma[:, None, :] ** 2)
    pairs = known[:, :, None] & known[:, None, :]
    falls = np.where(pairs, (u[:, :, None] - u[:, None, :]) / np.where(pairs, apart, 1.0), -np.inf)
    earlier = np.triu(np.ones(falls.shape[1:], bool), 1)
    down = np.where(earlier, falls, -np.inf)[:, :, :within]
    limit = _threshold(u[:, :within], sigma[:, :within], known[:, :within], noise[:within], alpha)
    place = down.reshape(len(u), -1).argmax(axis=1)
    first, last = np.divmod(place, within)
    row = np.arange(len(u))
    testable = (known[:, :within].sum(axis=1) > 1) & np.isfinite(limit)
    fall = np.where(testable, np.maximum(u[row, first] - u[row, last], 0.0), np.nan)
    by_chance = np.where(testable, limit * apart[row, first, last], np.nan)
    # The way back: a later checkpoint, in the whole run, that lies as clearly above the trough.
    up = np.where(earlier.T, falls, -np.inf).max(axis=1, initial=-np.inf)[:, :within]
    temporary = np.minimum(down.max(axis=1, initial=-np.inf), up).max(axis=1, initial=-np.inf)
    exists, comes_back = testable & (fall > by_chance), testable & (temporary > limit)
    return NoiseTest(fall, by_chance, exists, comes_back, np.where(testable, limit, np.nan))


def _threshold(u: Floats, sigma: Floats, known: Flags, noise: Singles, alpha: float) -> Floats:
    """``[seed]``: what the largest fall of the worst rising curve exceeds with probability alpha, in deviations."""
    if noise.shape[0] < 2:
        return np.full(len(u), np.nan)
    unit = unit_of(sigma, axis=1)[:, None]
    u, sigma = u / unit, sigma / unit
    spent = alpha * _BAND_SHARE
    reach = np.quantile(np.abs(noise).max(axis=0), 1 - spent)
    low, high = u - reach * sigma, u + reach * sigma
    weight, risen = (np.zeros((len(noise), len(noise), len(u)), np.float32) for _ in range(2))
    for k in range(1, len(noise)):
        pair = known[:, :k] & known[:, k : k + 1]
        apart = np.sqrt(np.where(pair, sigma[:, :k] ** 2 + sigma[:, k : k + 1] ** 2, np.inf))
        weight[:k, k] = (1 / apart).T
        risen[:k, k] = np.where(pair, np.clip(low[:, k : k + 1] - high[:, :k], 0.0, _CERTAIN), 0.0).T
    scaled = [(noise[k][:, None] * sigma[:, k]).astype(np.float32) for k in range(len(noise))]
    largest, work = np.zeros((2, noise.shape[1], len(u)), np.float32)
    rose = np.asarray(risen.any(axis=-1))
    for k in range(1, len(noise)):
        for j in range(k):
            np.subtract(scaled[j], scaled[k], out=work)
            if rose[j, k]:
                work -= risen[j, k]
            work *= weight[j, k]
            np.maximum(largest, work, out=largest)
    return np.quantile(largest, 1 - (alpha - spent), axis=0).astype(np.float64)


class ControlTest(NamedTuple):
    """Falls of an arm's seeds against those of a control arm."""

    threshold: float  # points; NaN with too few control seeds for the level
    p_values: Floats  # [seed], chance of such a fall in the control, ties counted against
    control_seeds: int


def judge_against_control(falls: npt.ArrayLike, control_falls: npt.ArrayLike, alpha: float = LEVEL) -> ControlTest:
    """Empirical null from a control arm (rewards permuted within each rollout, or learning rate 0).

    Args:
        falls: ``[seed]`` depths of the arm, from `largest_drawdown`.
        control_falls: ``[control seed]`` of the control, same curve, horizon and baseline; NaN is left out.
        alpha: level of the threshold: a new control seed exceeds it with at most that probability.
    """
    control = np.sort(np.asarray(control_falls, np.float64))
    control = control[~np.isnan(control)]
    seen = np.asarray(falls, np.float64)
    rank = int(np.ceil((len(control) + 1) * (1 - alpha) - 1e-9))
    threshold = float(control[rank - 1]) if rank <= len(control) else np.nan
    as_deep = reaches(control[None, :], seen[..., None]).sum(axis=-1)
    p_values = np.where(np.isnan(seen), np.nan, (1 + as_deep) / (1 + len(control)))
    return ControlTest(threshold, p_values, len(control))
