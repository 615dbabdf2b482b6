"""The numbers of each seed of an environment, of the learner and of its control: what tables and figure show."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import optimize

from momentum_jax.analysis.dips.definition import DipOptions
from momentum_jax.analysis.dips.dips import Dips, find_dips
from momentum_jax.analysis.dips.drawdowns import largest_drawdown, reaches
from momentum_jax.analysis.dips.noise import draw_noise, judge_against_null
from momentum_jax.analysis.inference.intervals import Interval, mean_interval
from momentum_jax.analysis.metrics.derived_curves import failed_steps
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.diagnostics.evaluation import EPISODE_DRAW
from momentum_jax.run_directory import RunDirectoryError, diagnostics_of

from .claims import FINAL_SHARE, FLOOR, SMALLEST, SMALLEST_SHIFT
from .environments import ADDED, ENTRIES, Entry
from .parts import CONTROL, LEARNER, control_part

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_NULL_DRAWS = 50
_POOLED = 5  # neighbouring checkpoints, whose variances of an evaluation are averaged


class Arm(NamedTuple):
    """One arm of an environment; S seeds that did not fail, K checkpoints."""

    seeds: npt.NDArray[np.int64]  # [S]
    failed: int  # seeds that are left out
    rewards: Floats  # [S, K] evaluated returns as they stand
    errors_of_rewards: Floats  # [S, K] their standard errors as they stand
    reward_rate: Floats  # [S, K] reward per 1 000 steps of training since the checkpoint before; NaN at step 0
    returns: Floats  # [S, K] percent of the range above the learner's mean start
    errors: Floats  # [S, K] standard errors, likewise, pooled over neighbouring checkpoints
    greedy: Floats  # [S, K] returns of the greedy policy, likewise
    churn: Floats  # [S, K] percent of the probe states; NaN at step 0
    certainty: Floats  # [S, K] percent, probability of the actions that are most probable at the end
    dips: Flags  # [S] by the declared definition
    comes_back: Flags  # [S] of them those whose way back is beyond the noise, too
    fall: Floats  # [S] percent of the range, the clearest fall
    found: Dips  # onset, trough, depth and recovery of the largest fall
    depth: Floats  # [S] percent of the range, the largest fall by the horizon; a maximum, so noise makes some of it
    falls: Flags  # [S] whether it reaches the smallest that counts
    shifts: Flags  # [S] dips of the certainty
    shift: Floats  # [S] points


class Measured(NamedTuple):
    """An environment as it was run."""

    entry: Entry
    steps: npt.NDArray[np.int64]  # [K]
    range: float  # reward
    gain: Interval  # mean return at the end less that at the start, percent of the range
    learner: Arm
    control: Arm | None

    @property
    def early(self) -> npt.NDArray[np.bool_]:
        """``[K]`` by the horizon."""
        return self.steps <= self.entry.horizon

    @property
    def learned(self) -> bool:
        """Whether its population got better for certain, where anything can be learned."""
        return self.entry.learnable and self.gain.low > 0

    @property
    def judged(self) -> bool:
        """Whether its range means something: of a population that does not get better it is next to nothing."""
        return self.learned or not self.entry.learnable

    @property
    def declared(self) -> bool:
        """Whether it was declared before any result was seen."""
        return self.entry in ENTRIES

    @property
    def final(self) -> Floats:
        """``[S]`` the learner's mean return over the last checkpoints, percent of the range above its mean start."""
        return np.asarray(final_means(self.learner.returns))


@functools.lru_cache(maxsize=4)
def measured(market: Market) -> tuple[Measured, ...]:
    """Every environment that was run, in the declared order."""
    return tuple(_each(market))


def _each(market: Market) -> Iterator[Measured]:
    for entry in (*ENTRIES, *ADDED):
        ds, control = market.parts.get(entry.part), market.parts.get(control_part(entry))
        if ds is not None:
            _check_same_episodes(entry, ds, control)
            yield measure(entry, ds.sel(arm=LEARNER), None if control is None else control.sel(arm=CONTROL))


def _check_same_episodes(entry: Entry, ds: xr.Dataset, control: xr.Dataset | None) -> None:
    evaluations = [diagnostics_of(each).evaluation for each in (ds, control) if each is not None]
    if evaluations[0] != evaluations[-1]:
        raise RunDirectoryError(
            f"{entry.part} and {control_part(entry)} were evaluated on episodes that were drawn otherwise: "
            "condense both of the same version's runs"
        )


def has_own_episodes(market: Market, part: str) -> bool:
    """Whether each seed of a part was evaluated on episodes of its own, and not all on the same ones."""
    evaluation = diagnostics_of(market.parts[part]).evaluation
    return evaluation is not None and evaluation.draw == EPISODE_DRAW


def measure(entry: Entry, ds: xr.Dataset, control: xr.Dataset | None) -> Measured:
    """The numbers of one environment from its two runs, each of one arm."""
    returns = _healthy(ds)["eval_return"].transpose("seed", "checkpoint").values
    population = returns.mean(axis=0)
    start = float(population[0])
    width = entry.known_range or float(population.max() - start)
    scaled = 100 * (returns - start) / width if width > 0 else np.zeros_like(returns)
    return Measured(
        entry=entry,
        steps=ds["env_steps"].values,
        range=width,
        gain=gain_of(scaled),
        learner=_arm(entry, ds, start, width),
        control=None if control is None else _arm(entry, control, start, width),
    )


def gain_of(returns: Floats) -> Interval:
    """The mean over seeds of the end less the start of ``[S, K]``."""
    return mean_interval(final_means(returns) - returns[:, 0])


def final_means(values: Floats) -> Floats:
    """``[...]``: the mean of the last tenth of the checkpoints of ``[..., K]``."""
    return values[..., -max(round(FINAL_SHARE * values.shape[-1]), 1) :].mean(axis=-1)


def _healthy(ds: xr.Dataset) -> xr.Dataset:
    failed = failed_steps(ds.expand_dims("arm")).isel(arm=0)
    return ds.isel(seed=np.flatnonzero(failed.values < 0))


def _arm(entry: Entry, ds: xr.Dataset, start: float, width: float) -> Arm:
    known, steps = _healthy(ds), ds["env_steps"].values
    curve = {name: known[name].transpose("seed", "checkpoint").values for name in known.data_vars}
    width = width if width > 0 else np.inf
    returns = 100 * (curve["eval_return"] - start) / width
    errors = _pooled(100 * curve["eval_return_se"] / width)
    noise = draw_noise(len(steps), freedom=_POOLED * (entry.eval_episodes - 1), block=_POOLED)
    test = judge_against_null(steps, returns, np.hypot(errors, FLOOR), noise, horizon=entry.horizon)
    dips = test.exists & (test.fall >= SMALLEST)
    depth = largest_drawdown(steps, returns, +1, entry.horizon).depth
    certainty = 100 * curve["final_action_probability"]
    shift = largest_drawdown(steps, certainty, +1, entry.horizon).depth
    return Arm(
        seeds=known["seed"].values,
        failed=ds.sizes["seed"] - known.sizes["seed"],
        rewards=curve["eval_return"],
        errors_of_rewards=curve["eval_return_se"],
        reward_rate=curve["reward_rate"],
        returns=returns,
        errors=errors,
        greedy=100 * (curve["eval_return_greedy"] - start) / width,
        churn=100 * curve["churn"],
        certainty=certainty,
        dips=dips,
        comes_back=dips & test.comes_back,
        fall=test.fall,
        found=find_dips(steps, returns, +1, DipOptions(horizon=entry.horizon, threshold=SMALLEST)),
        depth=depth,
        falls=reaches(depth, SMALLEST),
        shifts=shift >= SMALLEST_SHIFT,
        shift=shift,
    )


def _pooled(errors: Floats) -> Floats:
    """Root of the mean square over `_POOLED` neighbouring checkpoints, of fewer at the ends."""
    kernel = np.ones(_POOLED)
    sums = np.apply_along_axis(np.convolve, -1, errors**2, kernel, "same")
    return np.asarray(np.sqrt(sums / np.convolve(np.ones(errors.shape[-1]), kernel, "same")))


def greedy_falls(one: Measured, arm: Arm) -> Flags:
    """``[S]`` whether the return of the most probable actions falls so far, noise and all."""
    return reaches(largest_drawdown(one.steps, arm.greedy, +1, one.entry.horizon).depth, SMALLEST)


def depths_by_noise(one: Measured) -> Floats:
    """``[draws, S]`` depths that noise alone makes of curves that never fall."""
    noisy = rising_with_noise(one, draws=_NULL_DRAWS)
    return largest_drawdown(one.steps, noisy, +1, one.entry.horizon).depth


def rising_with_noise(one: Measured, draws: int, seed: int = 0) -> Floats:
    """``[draws, S, K]``: each seed's rising fit of its returns, with noise of its own standard errors."""
    rng, arm = np.random.default_rng(seed), one.learner
    rising = np.stack([optimize.isotonic_regression(row).x for row in arm.returns])
    return np.asarray(rising + arm.errors * rng.standard_normal((draws, *rising.shape)))


def keep(ds: xr.Dataset) -> xr.Dataset:
    """What the page keeps of a run: returns with their errors, churn, how sure of its final actions the policy is, and
    the training's own reward per 1 000 steps of each window.

    Sure of its final actions: the probability, averaged over the recorded probe states, of the action that is most
    probable there at the run's last checkpoint.
    """
    windows = np.diff(ds["env_steps"].values.astype(float), prepend=np.nan)
    probability = ds["probe_probability"].transpose("arm", "seed", "checkpoint", "probe_state", "action").load()
    last = probability.isel(checkpoint=-1).argmax("action")
    kept = {
        "eval_return": ds["eval_return"].sel(evaluated="sampled", drop=True),
        "eval_return_se": ds["eval_return_se"].sel(evaluated="sampled", drop=True),
        "eval_return_greedy": ds["eval_return"].sel(evaluated="greedy", drop=True),
        "churn": ds["churn"],
        "reward_rate": 1_000 * ds["reward_sum"] / xr.DataArray(windows, dims="checkpoint"),
        "final_action_probability": probability.isel(action=last.drop_vars("checkpoint", errors="ignore")).mean(
            "probe_state"
        ),
    }
    known = {name: values.drop_vars("action", errors="ignore").astype(np.float16) for name, values in kept.items()}
    return xr.Dataset({name: values.assign_attrs(ds[_SOURCE.get(name, name)].attrs) for name, values in known.items()})


_SOURCE = {
    "eval_return_greedy": "eval_return",
    "reward_rate": "reward_sum",
    "final_action_probability": "probe_probability",
}
