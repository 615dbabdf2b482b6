"""Analyse the dips of any learning curves: the whole chain from curves to an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.curves.answer import answer, details
from momentum_jax.analysis.curves.by_step import step_table
from momentum_jax.analysis.curves.caveats import caveats
from momentum_jax.analysis.curves.choices import Choices, choose
from momentum_jax.analysis.curves.comparison import comparison_table
from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.dip_result import DipResult
from momentum_jax.analysis.curves.inputs import Curves, to_curve_set, with_standard_errors
from momentum_jax.analysis.curves.noise_floors import noise_floors, noise_known, noise_levels
from momentum_jax.analysis.curves.population import population_table
from momentum_jax.analysis.curves.sample_size import sample_size_table
from momentum_jax.analysis.curves.seed_dips import dips_of, seed_table, smallest_fall
from momentum_jax.analysis.curves.sensitivity import sensitivity_table
from momentum_jax.analysis.curves.written_numbers import is_number, points_of
from momentum_jax.analysis.dips.dips import Dips
from momentum_jax.analysis.dips.drawdowns import ROUNDING
from momentum_jax.analysis.dips.noise import judge_against_control
from momentum_jax.analysis.dips.noise_sources import NoiseLevel
from momentum_jax.fields import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class DipAnalysis(DipResult):
    """The numbers of an analysis, with their picture and their page."""

    def plot(self) -> Figure:
        """Curves of every arm with medians and bands, and how far seeds fall; `Figure.savefig` writes it."""
        # Imported when something is drawn: loading Matplotlib takes longer than most analyses.
        from momentum_jax.analysis.curves.page.pictures import overview

        return overview(self)

    def write_page(
        self, folder: str | Path, source: str = "arrays", notes: Sequence[str] = (), command: str = ""
    ) -> Path:
        """Writes report.md, report.html, figures, analysis.json and seeds.csv; see `curves.page.page.write_page`.

        Args:
            folder: made where it is missing; an earlier page there is overwritten.
            source: what the curves were read from, for the page.
            notes: what was derived in reading them, a sentence each.
            command: that makes the page again.

        Returns:
            The path of report.md.
        """
        from momentum_jax.analysis.curves.page.page import write_page

        return write_page(self, folder, source, notes, command)


def analyze(
    curves: Curves,
    *,
    good: str | Mapping[str, str] | None = None,
    steps: npt.ArrayLike | None = None,
    arms: Sequence[str] | None = None,
    seeds: Sequence[object] | None = None,
    horizon: float | str | None = None,
    threshold: float | str | None = None,
    noise: str | npt.ArrayLike | None = None,
    baseline: float | str | None = None,
    reference: str | None = None,
    window: float | str | None = None,
    level: float = 0.95,
    allow_missing: bool = False,
) -> DipAnalysis:
    """Looks for early dips in learning curves of any source.

    Args:
        curves: an array ``[seed, K]``, ``[arm, seed, K]`` or ``[K]`` (one seed); a DataArray with dimensions ``seed``,
            one of steps, and maybe ``arm``; a tidy DataFrame with columns ``seed, step, value`` and maybe ``arm,
            value_se, successes, totals``; a mapping from arm to any of these; or a `CurveSet`, which may carry
            standard errors, counts or replicates.
        good: ``"up"`` or ``"down"``, the direction in which the values improve; may be left out of curves that say it.
        steps: ``[K]`` of an array, strictly increasing; numbered from 0 where there are none.
        arms: names of an array's arms.
        seeds: labels of an array's seeds; a label stands for the same seed in every arm.
        horizon: step by which a trough must come, or a share of the run (``"25%"``, 0.25); the first quarter if None.
        threshold: smallest depth that counts, in the values' unit; ``"5%"`` of the range of all values (the same as
            None), ``"5% of mean"`` of the range of the arms' mean curves, ``"noise"`` for any fall beyond its noise
            floor, ``"control"`` or ``"control:ARM"`` for the depth that the control arm (`reference`, or ARM) exceeds
            with a chance of at most ``1 - level``.
        noise: ``"exact"``, ``"counts"``, ``"standard_errors"``, ``"replicates"`` or ``"estimated"``, see
            `momentum_jax.analysis.dips.noise_sources`; a number or an array of the values' shape, which are standard
            errors; what the curves carry, else ``"estimated"``, if None.
        baseline: step from which falls count, or a share of the run; the first step if None.
        reference: arm that the answer describes and the others are compared with; the first if None.
        window: steps within which the largest fall is called forgetting, or a share of the run; a tenth if None.
        level: confidence of intervals and bands; a curve that never falls exceeds its noise floor with a chance of at
            most ``1 - level``.
        allow_missing: whether seeds may lack values (NaN, shorter curves, absent rows).

    Returns:
        The answer and the tables.

    Raises:
        ConfigError: the curves or a choice cannot be, in one line.
    """
    found = to_curve_set(curves, steps=steps, arms=arms, seeds=seeds, allow_missing=allow_missing)
    if noise is not None and (not isinstance(noise, str) or is_number(noise)):
        found, noise = with_standard_errors(found, noise), "standard_errors"
    given: dict[str, Any] = {
        "horizon": horizon,
        "threshold": threshold,
        "noise": noise,
        "baseline": baseline,
        "window": window,
    }
    choices = choose(found, good=good, reference=reference, level=level, **given)
    return _analyzed(found, choices, numbered=steps is None and not isinstance(curves, CurveSet))


def _analyzed(curves: CurveSet, choices: Choices, numbered: bool) -> DipAnalysis:
    """The tables; `numbered` says that there were no steps."""
    any_fall = dips_of(curves, choices, 0.0)
    choices = _with_control(curves, choices, any_fall)
    levels = noise_levels(curves, choices)
    floors = noise_floors(curves, choices, levels, any_fall)
    known = noise_known(curves, choices, levels, any_fall, floors)
    seeds = seed_table(curves, choices, dips_of(curves, choices, choices.threshold.value), floors, known)
    return DipAnalysis(
        answer=answer(curves, choices, seeds),
        details=tuple(details(curves, choices, seeds)),
        caveats=tuple(caveats(curves, choices, seeds)),
        curves=curves,
        choices=choices,
        seeds=seeds,
        population=population_table(curves, choices, seeds),
        by_step=step_table(curves, choices),
        comparison=comparison_table(curves, choices, seeds),
        sensitivity=sensitivity_table(curves, choices, levels, any_fall, floors),
        sample_size=sample_size_table(curves, choices, seeds),
        notes=tuple(_notes(curves, choices, levels, numbered)),
    )


def _with_control(curves: CurveSet, choices: Choices, any_fall: Dips) -> Choices:
    """The threshold that a control arm gives, where it is the control's to give."""
    if not choices.threshold.control:
        return choices
    depths = any_fall.depth[curves.arms.index(choices.threshold.control)]
    found = judge_against_control(depths, depths, choices.alpha)
    if np.isnan(found.threshold):
        least = int(np.ceil(1 / choices.alpha - 1e-9)) - 1
        raise ConfigError(
            f"threshold: the control arm {choices.threshold.control!r} has {found.control_seeds} seeds, expected "
            f"{least} or more at level {choices.level:g}"
        )
    of_control = f"{choices.level:.4g} quantile of the control {choices.threshold.control}"
    words = f"more than {points_of(found.threshold, curves)} ({of_control})"
    # A depth that just reaches a threshold counts; one that the control reaches as well must not.
    beyond = (1 + 2 * ROUNDING) * found.threshold + smallest_fall(curves.values)
    return replace(choices, threshold=choices.threshold._replace(value=beyond, words=words))


def _notes(curves: CurveSet, choices: Choices, levels: list[NoiseLevel] | None, numbered: bool) -> Iterator[str]:
    """What had to be taken for granted."""
    yield from choices.derived
    if numbered and np.array_equal(curves.steps, np.arange(len(curves.steps))):
        yield "no steps were given: checkpoints are numbered from 0"
    if choices.horizon.step > curves.steps[-1]:
        yield f"the run ends at step {curves.steps[-1]:g}, before the horizon"
    for arm, level in zip(curves.arms, levels or [], strict=False):
        if level.flag:
            yield f"noise of {arm}: {level.flag}, so the counts are taken to be independent"
    missing = int((~curves.known & curves.ran[:, :, None]).sum())
    if missing:
        yield f"{missing} values are missing and were left out"
