"""Skill or bias, policy or visits: what a change of a share of the decisions is made of.

Signal detection (Green and Swets 1966; counts with ½ and 1 added: Hautus 1995, Behavior Research
Methods 27): the contexts of an environment's `Contrast` are the signal, its actions the response.

    d' = z(response at the signal) - z(response elsewhere)        c = -½ (z(at the signal) + z(elsewhere))

Fewer responses with d' rising are a shift of the criterion c, not a loss of skill. The split of a rate's
change into what the policy does in a context and which contexts are visited is that of Kitagawa
(1955), JASA 50, and Oaxaca (1973).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import stats

from momentum_jax.analysis.metrics.derived_curves import expected_counts, healthy
from momentum_jax.diagnostics.description import Contrast, Diagnostics, Share
from momentum_jax.run_directory import diagnostics_of

Floats = npt.NDArray[np.float64]

_CLIP = 1e-4
_RUN_DIMS = ("arm", "seed", "checkpoint")


class Sensitivity(NamedTuple):
    """Signal detection's two numbers, in standard deviations."""

    d_prime: Floats
    criterion: Floats


class RateChange(NamedTuple):
    """The change of a rate from each window to the next, in points; the two parts add up to it."""

    policy: Floats  # by other shares of the action in the same contexts
    visits: Floats  # by other contexts visited


def from_rates(signal: npt.ArrayLike, elsewhere: npt.ArrayLike) -> Sensitivity:
    """d' and c from exact probabilities ``[...]`` of a response, clipped to [1e-4, 1 - 1e-4]."""
    rates = (np.clip(np.asarray(rate, np.float64), _CLIP, 1 - _CLIP) for rate in (signal, elsewhere))
    hit, false = map(stats.norm.ppf, rates)
    return Sensitivity(hit - false, -0.5 * (hit + false))


def from_counts(
    responses: npt.ArrayLike, decisions: npt.ArrayLike, false_responses: npt.ArrayLike, other_decisions: npt.ArrayLike
) -> Sensitivity:
    """d' and c from counts ``[...]`` at the signal, then elsewhere; NaN where one of both has no decision."""
    counts = [np.asarray(count, np.float64) for count in (responses, decisions, false_responses, other_decisions)]
    hit, false = (stats.norm.ppf((number + 0.5) / (total + 1)) for number, total in (counts[:2], counts[2:]))
    known = (counts[1] > 0) & (counts[3] > 0)
    return Sensitivity(np.where(known, hit - false, np.nan), np.where(known, -0.5 * (hit + false), np.nan))


def sensitivity_curves(ds: xr.Dataset) -> xr.Dataset:
    """d' and c of every seed over training.

    Args:
        ds: a loaded run.

    Returns:
        ``d_prime, criterion`` from the windowed counts and ``d_prime_exact, criterion_exact`` from the
        probe states, each ``[arm, seed, checkpoint]``; NaN from the step a seed failed. Without variables where the
        environment has no contrast.
    """
    diagnostics = diagnostics_of(ds)
    contrast = diagnostics.contrast
    if contrast is None:
        return xr.Dataset()
    expected = expected_counts(ds)[diagnostics.decisions].sum("probe_half", skipna=False)
    sampled = from_counts(*_responses(ds[diagnostics.decisions], diagnostics, contrast))
    hits, signal, false, elsewhere = _responses(expected, diagnostics, contrast)
    with np.errstate(invalid="ignore", divide="ignore"):
        exact = from_rates(hits / signal, false / elsewhere)
    names = {"d_prime": sampled.d_prime, "criterion": sampled.criterion}
    names |= {"d_prime_exact": exact.d_prime, "criterion_exact": exact.criterion}
    units = {"units": "standard deviations"}
    curves = xr.Dataset({name: (_RUN_DIMS, values, units) for name, values in names.items()})
    named = curves.assign_coords({name: ds[name] for name in ("arm", "seed", "env_steps")})
    return named.where(healthy(ds))


def _responses(count: xr.DataArray, diagnostics: Diagnostics, contrast: Contrast) -> list[Floats]:
    """Responses and decisions at the signal, then elsewhere, ``[arm, seed, checkpoint]`` each."""
    ordered = count.transpose(*_RUN_DIMS, diagnostics.context, "action")
    at_signal = np.isin(ordered[diagnostics.context].values, contrast.contexts)
    result = []
    for chosen in (at_signal, ~at_signal):
        by_action = ordered.isel({diagnostics.context: chosen}).sum(diagnostics.context, skipna=False)
        responses = by_action.sel(action=list(contrast.actions)).sum("action", skipna=False)
        result += [responses, by_action.sum("action", skipna=False)]
    return [array.values.astype(np.float64) for array in result]


def is_split(diagnostics: Diagnostics) -> bool:
    """Whether the primary metric is a share of decisions in several contexts, so that its changes have two parts."""
    derived = diagnostics.metric(diagnostics.primary).derived
    return isinstance(derived, Share) and len(derived.contexts or diagnostics.contexts) > 1


def split_rate_change(ds: xr.Dataset) -> RateChange:
    """Change of the windowed primary metric between checkpoints, split into a policy part and a visit part.

    With w the share of decisions by context and r the rate of the metric's actions there, both counted in a window:
    policy = Σ w̄ Δr, visits = Σ r̄ Δw, bars being means of the two windows.

    Args:
        ds: a loaded run of an environment that `is_split`.

    Returns:
        Parts ``[arm, seed, K - 1]``; NaN where a window is empty.
    """
    diagnostics = diagnostics_of(ds)
    derived = diagnostics.metric(diagnostics.primary).derived
    if not isinstance(derived, Share):
        raise TypeError(f"metric {diagnostics.primary} is no share of decisions, so its changes have no such parts")
    counts = ds[diagnostics.decisions].where(healthy(ds)).transpose(*_RUN_DIMS, diagnostics.context, "action")
    if derived.contexts:
        counts = counts.sel({diagnostics.context: list(derived.contexts)})
    decisions = counts.sum("action", skipna=False).values
    chosen = counts.sel(action=list(derived.actions)).sum("action", skipna=False).values
    total = decisions.sum(axis=-1, keepdims=True)
    share = decisions / np.where(total > 0, total, np.nan)
    # A context that was not visited has no rate; it weighs nothing, and takes the seed's other window's.
    rate = chosen / np.where(decisions > 0, decisions, np.nan)
    before, after = rate[..., :-1, :], rate[..., 1:, :]
    before, after = np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)
    before, after = np.nan_to_num(before), np.nan_to_num(after)
    policy = ((after - before) * (share[..., 1:, :] + share[..., :-1, :]) / 2).sum(axis=-1)
    visits = ((share[..., 1:, :] - share[..., :-1, :]) * (after + before) / 2).sum(axis=-1)
    return RateChange(100 * policy, 100 * visits)
