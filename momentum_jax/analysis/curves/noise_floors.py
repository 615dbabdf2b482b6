"""What a fall has to exceed to be more than the noise of its curve."""

from __future__ import annotations

import numpy as np

from momentum_jax.analysis.curves.choices import Choices
from momentum_jax.analysis.curves.curve_set import CurveSet, Flags, Floats, first_place
from momentum_jax.analysis.curves.seed_dips import at_steps
from momentum_jax.analysis.dips.dips import Dips
from momentum_jax.analysis.dips.noise import draw_noise, judge_against_null
from momentum_jax.analysis.dips.noise_estimate import NO_NEIGHBOURS, estimated
from momentum_jax.analysis.dips.noise_sources import NoiseLevel, from_counts, from_replicates, from_standard_errors
from momentum_jax.fields import ConfigError

NOISE_DRAWS = 1_000
MOST_CHECKPOINTS = 1_000  # every two of them are compared in every simulated curve
_ROUNDED = 0.006  # by which a share may differ from its counts: two digits are enough
_MEAN_ROUNDED = 1e-3  # of the values' range, by which a value may differ from the mean of its replicates


def noise_levels(curves: CurveSet, choices: Choices) -> list[NoiseLevel] | None:
    """Noise of each arm's values; None where they are taken as exact.

    Raises:
        ConfigError: the noise cannot be known.
    """
    if choices.noise == "exact":
        return None
    number = len(curves.steps)
    if number > MOST_CHECKPOINTS:
        raise ConfigError(
            f"noise={choices.noise!r}: found {number:,} checkpoints, expected at most {MOST_CHECKPOINTS:,} to judge "
            f"falls against noise; read files with --align=bins:200 (means within 200 equal windows), pass one in "
            f"{-(-number // MOST_CHECKPOINTS)} values of an array, or noise='exact'"
        )
    levels = [_noise_level(curves, choices, arm) for arm in range(len(curves.arms))]
    for arm, level in enumerate(levels):
        lost = np.isnan(level.sigma) & curves.known[arm]
        if lost.all(where=curves.known[arm]):
            advice = "pass noise='exact' to take the values as they are"
            if level.flag == NO_NEIGHBOURS:
                fewest = int(curves.known[arm][curves.ran[arm]].sum(axis=-1).min())
                advice = f"read means in windows that hold a value of each seed, as align='bins:{fewest}' does where "
                advice += "values lie evenly, or pass their standard errors"
            raise ConfigError(
                f"noise={choices.noise!r}: arm {curves.arms[arm]!r} has {level.flag or 'none beside its values'}, "
                f"expected enough to know its noise; {advice}"
            )
    return levels


def _own_steps(curves: CurveSet, choices: Choices, arm: int) -> Flags:
    """``[K]`` at which an arm is judged.

    Noise is estimated from neighbouring values, and correlated between them: neighbours are those that the arm has,
    where another arm was measured more often.
    """
    if choices.noise != "estimated":
        return np.ones(len(curves.steps), bool)
    return np.asarray(curves.known[arm].any(axis=0))


def _noise_level(curves: CurveSet, choices: Choices, arm: int) -> NoiseLevel:
    """Of the seeds that the arm has run; the others have NaN."""
    ran, wide = curves.ran[arm], np.full(curves.values[arm].shape, np.nan)
    level, whole = _of_seeds(curves, choices, arm, ran), 1.0
    if choices.noise == "counts" and curves.successes is not None and curves.totals is not None:
        whole = _whole(curves, curves.successes, curves.totals) / 100
    wide[np.ix_(ran, _own_steps(curves, choices, arm))] = whole * level.sigma
    freedom, block = np.full(len(ran), np.nan), np.ones(len(ran), np.int64)
    freedom[ran], block[ran] = level.freedom, level.block
    return level._replace(sigma=wide, freedom=freedom, block=block)


def _of_seeds(curves: CurveSet, choices: Choices, arm: int, ran: Flags) -> NoiseLevel:
    if choices.noise == "counts" and curves.successes is not None and curves.totals is not None:
        return from_counts(curves.steps, curves.successes[arm][ran], curves.totals[arm][ran], choices.horizon.step)
    if choices.noise == "standard_errors" and curves.standard_errors is not None:
        return from_standard_errors(curves.standard_errors[arm][ran])
    if choices.noise == "replicates" and curves.replicates is not None:
        _check_means(curves, curves.replicates)
        return from_replicates(curves.replicates[arm][ran])
    own = _own_steps(curves, choices, arm)
    return estimated(curves.steps[own], curves.values[arm][ran][:, own])


def _whole(curves: CurveSet, successes: Floats, totals: Floats) -> float:
    """What a share of 1 is in the values: 100 of percentages, 1 of fractions.

    Raises:
        ConfigError: the values are neither.
    """
    share = np.where(totals > 0, successes / np.where(totals > 0, totals, 1), np.nan)
    wrong = {whole: np.abs(curves.values - whole * share) > whole * _ROUNDED for whole in (100.0, 1.0)}
    for whole, differs in wrong.items():
        if not differs.any():
            return whole
    place = first_place(wrong[100.0] & wrong[1.0]) or first_place(wrong[100.0]) or (0, 0, 0)
    counts = f"{successes[place]:g} of {totals[place]:g}"
    raise ConfigError(
        f"counts of {curves.place_in_words(place)}: found {counts} with the value {curves.values[place]:g}, expected "
        "values that are percentages of the counts, or fractions; pass noise='estimated' for others"
    )


def _check_means(curves: CurveSet, replicates: Floats) -> None:
    """Refuses replicates whose mean is another number than the value."""
    number = np.count_nonzero(~np.isnan(replicates), axis=2)
    mean = np.where(number > 0, np.nansum(replicates, axis=2) / np.maximum(number, 1), np.nan)
    spread = float(np.nanmax(curves.values) - np.nanmin(curves.values))
    place = first_place(np.abs(curves.values - mean) > _MEAN_ROUNDED * spread)
    if place is not None:
        raise ConfigError(
            f"replicates of {curves.place_in_words(place)}: found the mean {mean[place]:g} and the value "
            f"{curves.values[place]:g}, expected the same; pass the means as values, or noise='estimated'"
        )


def noise_known(
    curves: CurveSet, choices: Choices, levels: list[NoiseLevel] | None, dips: Dips, floors: Floats
) -> Flags:
    """Seeds whose fall, or whose lack of one, can be compared with their noise, ``[arm, seed]``.

    That of two values or more between baseline and horizon is known, and that of both ends of the largest fall. The
    others are no evidence of either: a share of seeds leaves them out, also where they never fall, since a share of
    the others that fall would be too small.

    Args:
        curves: of all arms.
        choices: horizon and baseline.
        levels: noise of each arm; None where it is exact, and so known of all.
        dips: onset of each seed's largest fall, whatever its depth.
        floors: as `noise_floors` gives them.
    """
    if levels is None:
        return np.ones(dips.depth.shape, bool)
    inside = (curves.steps >= choices.baseline.step) & (curves.steps <= choices.horizon.step)
    sigma = np.stack([level.sigma for level in levels])
    two_or_more = (curves.known & ~np.isnan(sigma) & inside).sum(axis=-1) > 1
    return np.asarray(two_or_more & (np.isnan(dips.onset_step) | ~np.isnan(floors)))


def noise_floors(
    curves: CurveSet, choices: Choices, levels: list[NoiseLevel] | None, dips: Dips, draws: int = NOISE_DRAWS
) -> Floats:
    """Depth that each seed's fall has to exceed to be more than noise, ``[arm, seed]``.

    A curve that never falls has a fall beyond its floor with a chance of at most ``1 - level``.

    Args:
        curves: of all arms.
        choices: direction, horizon, baseline, level.
        levels: noise of each arm; None where it is exact.
        dips: onset and trough of each seed's largest fall, whatever its depth.
        draws: simulated curves.

    Returns:
        0 of exact values; NaN of a seed that never falls, and of one whose noise is not known.
    """
    floors = np.zeros(dips.depth.shape)
    for arm, level in enumerate(levels or []):
        limit = _limits(curves, choices, level, arm, draws)
        ends = [at_steps(level.sigma, curves.steps, step[arm]) for step in (dips.onset_step, dips.trough_step)]
        known = ~np.isnan(level.sigma)
        exact = known.any(axis=-1) & (np.where(known, level.sigma, 0.0) == 0).all(axis=-1)
        floors[arm] = np.where(exact, 0.0, limit * np.hypot(*ends))
    return np.where(np.isnan(dips.onset_step), np.nan, floors)


def _limits(curves: CurveSet, choices: Choices, level: NoiseLevel, arm: int, draws: int) -> Floats:
    """What any fall of each seed ``[seed]`` has to exceed, in standard deviations of the difference of its values.

    Noise is drawn once for all seeds whose own is equally sure.
    """
    own = _own_steps(curves, choices, arm)
    values = choices.sign * curves.values[arm][:, own]
    freedom, block = (np.broadcast_to(of_seeds, len(values)) for of_seeds in (level.freedom, level.block))
    limits = np.full(len(values), np.nan)
    for each in np.unique(freedom[~np.isnan(freedom)]):
        rows, estimate = freedom == each, (float(each), int(block[freedom == each].max()), draws)
        noise = draw_noise(int(own.sum()), *estimate, correlation=level.correlation, tails=level.tails)
        ends = (choices.horizon.step, choices.baseline.step, choices.alpha)
        sigma = level.sigma[:, own][rows]
        limits[rows] = judge_against_null(curves.steps[own], values[rows], sigma, noise, *ends).limit
    return limits
