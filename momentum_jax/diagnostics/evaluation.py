"""Evaluation of a frozen policy: what is said of it in config.json, and its figures from whole episodes. No JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

EVALUATED_DIM = "evaluated"
SAMPLED, GREEDY = EVALUATED = ("sampled", "greedy")
"""How actions are chosen: drawn from the policy's probabilities, or the most probable one."""

EPISODE_DRAW = 2
"""Number of the way in which this program draws the evaluated episodes, see `Evaluation.draw`."""

DEFAULT_MAX_STEPS = 1_000
"""Steps after which an evaluated episode is cut off where neither the run nor the environment has a limit."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How every run's policy is evaluated at every checkpoint.

    Attributes:
      episodes: E of each of `EVALUATED`, each seed's own, with the same keys at every checkpoint and in every arm.
      max_steps: an episode that has not ended after so many steps is cut off.
      draw: number of the way in which the episodes are drawn: 1, of runs that do not say, the same for all seeds; 2
        each seed's own. Runs with other draws are neither compared nor gone on with.
    """

    episodes: int
    max_steps: int
    draw: int = 1


class Episodes(NamedTuple):
    """E episodes of each of `EVALUATED`; leaves [..., 2, E]."""

    returns: Any  # float32: undiscounted, of the steps up to its end or the limit
    lengths: Any  # int32, env steps
    cut_off: Any  # bool: the limit has ended it, and not the environment


def summarize(episodes: Episodes) -> dict[str, np.ndarray]:
    """Means over the episodes on the host, [..., 2] float64 by the variables' names.

    The standard error of the mean return is that of independent episodes, with E - 1 degrees of freedom; one episode
    has none (NaN).
    """
    returns = np.asarray(episodes.returns, np.float64)
    count = returns.shape[-1]
    unknown = np.full(returns.shape[:-1], np.nan)
    return {
        "eval_return": returns.mean(axis=-1),
        "eval_return_se": returns.std(axis=-1, ddof=1) / np.sqrt(count) if count > 1 else unknown,
        "eval_length": np.asarray(episodes.lengths, np.float64).mean(axis=-1),
        "eval_cut_off": np.asarray(episodes.cut_off, np.float64).mean(axis=-1),
    }
