"""Counts what happened between two checkpoints, for all runs at once, on the host.

Records arrive one update at a time; checkpoints fall where they like, also inside a rollout. Step t of environment m
is environment step t·num_envs + m + 1 of the run, which is the C order of a record's [T, M] arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from momentum_jax.diagnostics.description import (
    ActionCount,
    Count,
    DecisionTable,
    Diagnostics,
    Outcomes,
    RewardSum,
    Source,
)
from momentum_jax.diagnostics.events import EPISODE_END, EventWord
from momentum_jax.diagnostics.variables import HEALTH_METRICS, shapes


class Steps(NamedTuple):
    """Consecutive environment steps of R runs, [R, n] each, in the order in which they were taken."""

    event: np.ndarray  # int32, see `events`
    reward: np.ndarray
    outcome: np.ndarray  # the task's own number of a step
    episode_return: np.ndarray  # return of the episode that ended at the step, NaN elsewhere
    episode_length: np.ndarray  # its steps, 0 elsewhere

    def between(self, start: int, stop: int) -> Steps:
        return Steps(*(array[:, start:stop] for array in self))


class _Selection:
    """Which steps a rule speaks of."""

    def __init__(self, rule: Source, word: EventWord, actions: tuple[str, ...]):
        when = (rule.when,) if isinstance(rule.when, str) else rule.when
        unless = () if isinstance(rule, DecisionTable | Outcomes) else rule.unless
        self._wanted = np.int32(word.bits(when))
        self._looked_at = np.int32(word.bits((*when, *unless)))
        named = rule.actions if isinstance(rule, Count) else ()
        self._taken = np.array([name in named for name in actions]) if named else None

    def of(self, word: np.ndarray, action: np.ndarray) -> np.ndarray:
        """[R, n] bool."""
        flagged = (word & self._looked_at) == self._wanted
        return flagged if self._taken is None else flagged & self._taken[action]


class WindowCounters:
    """Counts since the last checkpoint; `take` returns them and starts again from zero.

    Attributes:
      counts: by variable, integers [R, ...].
      sums: float64 [R, ...] by name: rewards, returns, outcomes, and the learner's metrics.
      updates: by metric, the updates [R] whose value was known.
    """

    def __init__(self, num_runs: int, diagnostics: Diagnostics):
        self._num_runs = num_runs
        self._word = EventWord.of(diagnostics)
        self._shapes = shapes(diagnostics)
        self._rules: dict[str, Source] = {
            row.name: row.source for row in diagnostics.variables if row.source is not None
        }
        self._selections = {
            name: _Selection(rule, self._word, diagnostics.actions) for name, rule in self._rules.items()
        }
        self.counts: dict[str, np.ndarray]
        self.sums: dict[str, np.ndarray]
        self.updates: dict[str, np.ndarray]
        self._reset()

    def add_steps(self, steps: Steps) -> None:
        """Count consecutive steps.

        Raises:
          ValueError: an action that the environment's description does not have.
        """
        action = self._word.action(steps.event)
        if action.max(initial=0) >= self._word.num_actions:
            raise ValueError(f"action {action.max()} is none of the {self._word.num_actions} that the environment has")
        for name, rule in self._rules.items():
            self._count(name, rule, steps, action)
        ended = self._word.flag(steps.event, EPISODE_END)
        self.counts["episode_count"] += np.count_nonzero(ended, axis=1)
        self.sums["episode_length"] += steps.episode_length.sum(axis=1)
        self.sums["reward_sum"] += steps.reward.sum(axis=1, dtype=np.float64)
        self.sums["episode_return"] += np.where(ended, steps.episode_return, 0.0).sum(axis=1)

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
        taken = counts | sums
        for name, rule in self._rules.items():
            if _is_smallest(rule):
                taken[name] = np.where(np.isinf(sums[name]), np.nan, sums[name])
        taken["episode_return"] = _mean(sums["episode_return"], counts["episode_count"])
        taken["episode_length"] = _mean(sums["episode_length"], counts["episode_count"])
        taken |= {name: _mean(sums[name], self.updates[name]) for name in HEALTH_METRICS}
        self._reset()
        return taken

    def _count(self, name: str, rule: Source, steps: Steps, action: np.ndarray) -> None:
        chosen = self._selections[name].of(steps.event, action)
        match rule:
            case Count():
                self.counts[name] += np.count_nonzero(chosen, axis=1)
            case ActionCount():
                self.counts[name] += self._by_action(action, chosen)
            case DecisionTable():
                self.counts[name] += self._by_context_and_action(steps.event, action, chosen)
            case RewardSum():
                self.sums[name] += self._by_action(action, chosen, steps.reward)
            case Outcomes(reduce="positive"):
                self.counts[name] += np.count_nonzero(chosen & (steps.outcome > 0), axis=1)
            case Outcomes(reduce="sum"):
                self.sums[name] += np.where(chosen, steps.outcome, 0.0).sum(axis=1, dtype=np.float64)
            case Outcomes(reduce="smallest"):
                smallest = np.where(chosen, steps.outcome, np.inf).min(axis=1, initial=np.inf)
                self.sums[name] = np.minimum(self.sums[name], smallest)

    def _reset(self) -> None:
        self.counts, self.sums = {}, {}
        for name, rule in self._rules.items():
            shape = (self._num_runs, *self._shapes[name])
            if isinstance(rule, RewardSum) or (isinstance(rule, Outcomes) and rule.reduce != "positive"):
                self.sums[name] = np.full(shape, np.inf if _is_smallest(rule) else 0.0)
            else:
                self.counts[name] = np.zeros(shape, np.int64)
        self.counts["episode_count"] = np.zeros(self._num_runs, np.int64)
        for name in ("reward_sum", "episode_return", "episode_length", *HEALTH_METRICS):
            self.sums[name] = np.zeros(self._num_runs)
        self.updates = {name: np.zeros(self._num_runs, np.int64) for name in HEALTH_METRICS}

    def _by_action(self, action: np.ndarray, chosen: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """[R, A] chosen steps by action, or the sums of their weights in float64; all arguments [R, n]."""
        shape = (self._num_runs, self._word.num_actions)
        cell = np.arange(self._num_runs)[:, None] * shape[1] + action
        weights = None if weight is None else weight[chosen]
        return np.bincount(cell[chosen], weights, minlength=np.prod(shape)).reshape(shape)

    def _by_context_and_action(self, word: np.ndarray, action: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        shape = (self._num_runs, self._word.num_contexts, self._word.num_actions)
        run = np.arange(self._num_runs)[:, None]
        cell = (run * shape[1] + self._word.context(word)) * shape[2] + action
        return np.bincount(cell[chosen], minlength=np.prod(shape)).reshape(shape)


def _is_smallest(rule: Source) -> bool:
    return isinstance(rule, Outcomes) and rule.reduce == "smallest"


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
