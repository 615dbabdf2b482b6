"""Skill or bias, policy or visits: what a change of the BUY or HOLD rate is made of.

Signal detection (Green and Swets 1966; counts with ½ and 1 added: Hautus 1995, Behavior Research
Methods 27): a strong setup is the signal, a BUY the response.

    d' = z(p_buy_strong) - z(p_buy_weak)        c = -½ (z(p_buy_strong) + z(p_buy_weak))

HOLD up with d' rising is a shift of the criterion c, not a loss of skill. The split of a rate's
change into what the policy does in a state and which states are visited is that of Kitagawa
(1955), JASA 50, and Oaxaca (1973).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import stats

from momentum_jax.analysis.metrics.curves import healthy
from momentum_jax.env.momentum_diagnostics import STRONG_SCORE

_CLIP = 1e-4
_BUYS = ["BUY_CALL", "BUY_PUT"]


class Sensitivity(NamedTuple):
    """Signal detection's two numbers, in standard deviations."""

    d_prime: npt.NDArray[np.float64]
    criterion: npt.NDArray[np.float64]


class RateChange(NamedTuple):
    """The change of a rate between two checkpoints, in points; the three parts add up to `total`."""

    total: xr.DataArray  # change of the sampled windowed rate
    policy: xr.DataArray  # by other probabilities at the same setup scores
    visits: xr.DataArray  # by other setup scores met while flat
    rest: xr.DataArray  # other states within a score, policy within a window, sampling noise


def from_rates(strong: npt.ArrayLike, weak: npt.ArrayLike) -> Sensitivity:
    """d' and c from exact probabilities ``[...]``, clipped to [1e-4, 1 - 1e-4]."""
    signal, noise = (stats.norm.ppf(np.clip(np.asarray(rate, np.float64), _CLIP, 1 - _CLIP)) for rate in (strong, weak))
    return Sensitivity(signal - noise, -0.5 * (signal + noise))


def from_counts(
    strong_buys: npt.ArrayLike, strong: npt.ArrayLike, weak_buys: npt.ArrayLike, weak: npt.ArrayLike
) -> Sensitivity:
    """d' and c from counts ``[...]`` of buys and decisions at strong and weak setups; NaN where one has no decision."""
    counts = [np.asarray(count, np.float64) for count in (strong_buys, strong, weak_buys, weak)]
    signal, noise = (stats.norm.ppf((hits + 0.5) / (number + 1)) for hits, number in (counts[:2], counts[2:]))
    met = (counts[1] > 0) & (counts[3] > 0)
    return Sensitivity(np.where(met, signal - noise, np.nan), np.where(met, -0.5 * (signal + noise), np.nan))


def sensitivity_curves(ds: xr.Dataset) -> xr.Dataset:
    """d' and c of every seed over training.

    Args:
        ds: a loaded run.

    Returns:
        ``d_prime, criterion`` from the windowed counts and ``d_prime_exact, criterion_exact`` from the
        probe states, each ``[arm, seed, checkpoint]``; NaN from the step a seed failed.
    """
    expected = xr.where(ds["probe_count"] > 0, ds["p_action"] * ds["probe_count"], 0.0).sum("probe_half", skipna=False)
    sampled = from_counts(*_buys_and_decisions(ds["flat_count"]))
    buys, strong, weak_buys, weak = _buys_and_decisions(expected)
    with np.errstate(invalid="ignore", divide="ignore"):
        exact = from_rates(buys / strong, weak_buys / weak)
    dims = ("arm", "seed", "checkpoint")
    names = {"d_prime": sampled.d_prime, "criterion": sampled.criterion}
    names |= {"d_prime_exact": exact.d_prime, "criterion_exact": exact.criterion}
    curves = xr.Dataset({name: (dims, values, {"units": "standard deviations"}) for name, values in names.items()})
    named = curves.assign_coords({name: ds[name] for name in ("arm", "seed", "env_steps")})
    return named.where(healthy(ds))


def _buys_and_decisions(count: xr.DataArray) -> list[npt.NDArray[np.float64]]:
    """Buys and decisions at strong, then at weak setups, ``[arm, seed, checkpoint]`` each."""
    ordered = count.transpose("arm", "seed", "checkpoint", "setup_score", "action")
    parts = [ordered.sel(setup_score=slice(STRONG_SCORE, None)), ordered.sel(setup_score=slice(None, STRONG_SCORE - 1))]
    result = []
    for part in parts:
        by_action = part.sum("setup_score", skipna=False)
        result += [by_action.sel(action=_BUYS).sum("action", skipna=False), by_action.sum("action", skipna=False)]
    return [array.values.astype(np.float64) for array in result]


def split_rate_change(ds: xr.Dataset, first: int, second: int, actions: tuple[str, ...] = ("HOLD",)) -> RateChange:
    """Splits the change of a visited-state rate between two checkpoints.

    With w the share of flat decisions by setup score in the window that ends at a checkpoint and p the
    probe states' probability at that score: policy = Σ w̄ Δp, visits = Σ p̄ Δw, bars being means of the two.

    Args:
        ds: a loaded run.
        first: env steps of the earlier checkpoint.
        second: env steps of the later one.
        actions: whose rate; HOLD, or both buys.

    Returns:
        Parts ``[arm, seed]``; NaN where a window has no flat decision, or a visited score no probe states.

    Raises:
        ValueError: the run has no such checkpoint.
    """
    steps = ds["env_steps"].values
    missing = [step for step in (first, second) if step not in steps]
    if missing:
        raise ValueError(f"the run has no checkpoint at step {missing[0]}: choose from {steps.tolist()}")
    at = [int(np.flatnonzero(steps == step)[0]) for step in (first, second)]
    count = ds["flat_count"].where(healthy(ds)).isel(checkpoint=at).drop_vars(["env_steps", "update"])
    decisions = count.sum("action", skipna=False)
    every = decisions.sum("setup_score", skipna=False)
    visited = decisions / every.where(every > 0)
    chosen = count.sel(action=list(actions)).sum(["action", "setup_score"], skipna=False)
    rate = 100 * chosen / every.where(every > 0)
    probes, states = (
        ds[name].isel(checkpoint=at).drop_vars(["env_steps", "update"]) for name in ("p_action", "probe_count")
    )
    expected = xr.where(states > 0, probes.sel(action=list(actions)).sum("action", skipna=False) * states, 0.0)
    number = states.sum("probe_half")
    policy = 100 * expected.sum("probe_half", skipna=False) / number.where(number > 0)
    # A score without probe states has no probability: it matters only where it is visited.
    policy = policy.where((number > 0) | (visited.max("checkpoint") > 0), 0.0)
    by_policy = (visited.mean("checkpoint", skipna=False) * _change(policy)).sum("setup_score", skipna=False)
    by_visits = (policy.mean("checkpoint", skipna=False) * _change(visited)).sum("setup_score", skipna=False)
    total = _change(rate)
    return RateChange(total, by_policy, by_visits, total - by_policy - by_visits)


def _change(array: xr.DataArray) -> xr.DataArray:
    return array.isel(checkpoint=1) - array.isel(checkpoint=0)
