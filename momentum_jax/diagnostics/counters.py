"""Counts what happened between two checkpoints, for all runs at once, on the host.

Records arrive one update at a time; checkpoints fall where they like, also inside a rollout. Step t of environment m
is environment step t·num_envs + m + 1 of the run, which is the C order of a record's [T, M] arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from momentum_jax.diagnostics import events
from momentum_jax.diagnostics.variables import ACTIONS, HEALTH_METRICS, SETUP_SCORES

_TRIMS, _EXIT = (3, 4), 5


class Steps(NamedTuple):
    """Consecutive environment steps of R runs, [R, n] each, in the order in which they were taken."""

    event: np.ndarray  # int32, see `events`
    reward: np.ndarray
    trade_return: np.ndarray
    episode_return: np.ndarray  # return of the episode that ended at the step, NaN elsewhere

    def between(self, start: int, stop: int) -> Steps:
        return Steps(*(array[:, start:stop] for array in self))


class EpisodeReturns:
    """Returns of episodes that stretch over many updates, summed in float64.

    Attributes:
      so_far: [R, M] returns of the episodes that are going on.
    """

    def __init__(self, num_runs: int, num_envs: int):
        self.so_far = np.zeros((num_runs, num_envs))

    def finished(self, reward: np.ndarray, event: np.ndarray) -> np.ndarray:
        """Returns [R, T, M] of the episodes that end at each step, NaN elsewhere; inputs [R, T, M]."""
        ended = events.flag(event, "episode_end")
        total = self.so_far[:, None] + np.cumsum(reward, axis=1, dtype=np.float64)
        at_ends = np.maximum.accumulate(np.where(ended, np.arange(reward.shape[1])[None, :, None], -1), axis=1)
        # Total at the last end up to and including each step, 0 before the first.
        banked = np.where(at_ends >= 0, np.take_along_axis(total, np.maximum(at_ends, 0), axis=1), 0.0)
        before = np.concatenate([np.zeros_like(banked[:, :1]), banked[:, :-1]], axis=1)
        self.so_far = total[:, -1] - banked[:, -1]
        return np.where(ended, total - before, np.nan)


class WindowCounters:
    """Counts since the last checkpoint; `take` returns them and starts anew.

    Attributes:
      counts: by variable, integers [R, ...].
      sums: float64 [R] by name: rewards, returns, and the learner's metrics.
      updates: by metric, the updates [R] whose value was known.
    """

    def __init__(self, num_runs: int):
        self._num_runs = num_runs
        self.counts: dict[str, np.ndarray]
        self.sums: dict[str, np.ndarray]
        self.updates: dict[str, np.ndarray]
        self._reset()

    def add_steps(self, steps: Steps) -> None:
        word = steps.event
        flat = events.flag(word, "is_flat")
        free = ~flat & ~events.flag(word, "forced_stop")
        action = events.action(word)
        closed = events.flag(word, "trade_closed")
        ended = events.flag(word, "episode_end")
        counts, sums = self.counts, self.sums
        counts["flat_count"] += self._by_score_and_action(word, flat)
        for name in ("good_buy", "missed_opportunity", "bad_chase", "low_advantage", "forced_stop"):
            counts[name] += events.flag(word, name).sum(axis=1)
        counts["trim"] += (free & np.isin(action, _TRIMS)).sum(axis=1)
        counts["exit"] += (free & (action == _EXIT)).sum(axis=1)
        counts["trade_count"] += closed.sum(axis=1)
        counts["win_count"] += (closed & (steps.trade_return > 0)).sum(axis=1)
        counts["episode_count"] += ended.sum(axis=1)
        sums["trade_return_sum"] += np.where(closed, steps.trade_return, 0.0).sum(axis=1, dtype=np.float64)
        worst = np.where(closed, steps.trade_return, np.inf).min(axis=1, initial=np.inf)
        sums["worst_trade"] = np.minimum(sums["worst_trade"], worst)
        sums["reward_sum"] += steps.reward.sum(axis=1, dtype=np.float64)
        sums["episode_return"] += np.where(ended, steps.episode_return, 0.0).sum(axis=1)

    def add_update(self, metrics: dict[str, np.ndarray]) -> None:
        """Learner metrics [R] of one update, by name; a value that is NaN takes no part in the window's mean."""
        for name in HEALTH_METRICS:
            value = metrics[name].astype(np.float64)
            known = ~np.isnan(value)
            self.sums[name] += np.where(known, value, 0.0)
            self.updates[name] += known

    def take(self) -> dict[str, np.ndarray]:
        """The window's variables, leading axis R. Means over nothing are NaN."""
        counts, sums = self.counts, self.sums
        taken = counts | {name: sums[name] for name in ("trade_return_sum", "reward_sum")}
        taken["worst_trade"] = np.where(np.isinf(sums["worst_trade"]), np.nan, sums["worst_trade"])
        taken["episode_return"] = _mean(sums["episode_return"], counts["episode_count"])
        taken |= {name: _mean(sums[name], self.updates[name]) for name in HEALTH_METRICS}
        self._reset()
        return taken

    def _reset(self) -> None:
        def zeros() -> np.ndarray:
            return np.zeros(self._num_runs, np.int64)

        counted = ("good_buy", "missed_opportunity", "bad_chase", "low_advantage", "forced_stop", "trim", "exit")
        self.counts = {name: zeros() for name in (*counted, "trade_count", "win_count", "episode_count")}
        self.counts["flat_count"] = np.zeros((self._num_runs, len(SETUP_SCORES), len(ACTIONS)), np.int64)
        summed = ("trade_return_sum", "reward_sum", "episode_return", *HEALTH_METRICS)
        self.sums = {name: np.zeros(self._num_runs) for name in summed}
        self.sums["worst_trade"] = np.full(self._num_runs, np.inf)
        self.updates = {name: zeros() for name in HEALTH_METRICS}

    def _by_score_and_action(self, word: np.ndarray, flat: np.ndarray) -> np.ndarray:
        action = events.action(word)
        if action.max(initial=0) >= len(ACTIONS):
            raise ValueError(
                f"action {action.max()} is none of the {len(ACTIONS)} actions that the table of variables has"
            )
        run = np.broadcast_to(np.arange(self._num_runs)[:, None], word.shape)
        cell = (run * len(SETUP_SCORES) + events.setup_score(word)) * len(ACTIONS) + action
        shape = (self._num_runs, len(SETUP_SCORES), len(ACTIONS))
        return np.bincount(cell[flat], minlength=np.prod(shape)).reshape(shape)


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
