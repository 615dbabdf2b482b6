"""From the engine's records to checkpoints: which steps belong to which window, and when a checkpoint is complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from momentum_jax.diagnostics.counters import Steps, WindowCounters
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.episodes import RunningEpisodes
from momentum_jax.diagnostics.events import EPISODE_END, EventWord, unmarked
from momentum_jax.diagnostics.variables import DIVERGENCE_LIMIT
from momentum_jax.ppo.records import UpdateMetrics, UpdateRecord

_WINDOW = ("counts", "sums", "updates")  # what `WindowCounters` holds


def blank_record(num_runs: int, num_steps: int, num_envs: int, *, has_outcomes: bool) -> UpdateRecord:
    """The record of an update in which nothing happened, on the host."""
    nothing: Any = np.zeros((num_runs, num_steps, num_envs), np.float32)
    unknown: Any = np.full(num_runs, np.nan, np.float32)
    metrics = UpdateMetrics(*[unknown] * len(UpdateMetrics._fields))
    outcome = nothing if has_outcomes else ()
    return UpdateRecord(event=nothing.astype(np.int32), reward=nothing, outcome=outcome, metrics=metrics)


class Checkpoint(NamedTuple):
    """Everything recorded at one checkpoint; arrays have the leading axis R of runs."""

    env_steps: int
    update: int  # updates that the policy acting at this step had seen
    arrays: dict[str, np.ndarray]


class Recorder:
    """Counts the records of all runs, update by update, and cuts them at exact environment steps.

    Args:
      num_runs: R.
      num_envs: environments of a run.
      rollout_size: environment steps between two updates.
      checkpoints: ascending environment steps to cut at, beginning with 0.
      diagnostics: of the environment, which says what is counted.
      divergence_limit: value loss above which a run counts as failed.

    Attributes:
      failed_step: [R] int64, environment step at whose update a run failed, -1 while it is healthy.
      bad_reward: [R] int64, first environment step whose reward made a run fail, for it was not finite; -1 where none
        did since this object was made.
      nothing_legal: [R] int64, first environment step at which a run had no legal action, -1 where none had since this
        object was made.
      stopped: [R] bool, runs whose losses are not finite, and so their parameters, or that had no legal action: nothing
        more of them is counted.
    """

    def __init__(
        self,
        num_runs: int,
        num_envs: int,
        rollout_size: int,
        checkpoints: tuple[int, ...],
        diagnostics: Diagnostics,
        divergence_limit: float = DIVERGENCE_LIMIT,
    ):
        self._rollout_size = rollout_size
        self._pending = list(checkpoints)
        self._episodes = RunningEpisodes(num_runs, num_envs)
        self._window = WindowCounters(num_runs, diagnostics)
        self._word, self._has_outcomes = EventWord.of(diagnostics), diagnostics.has_outcomes
        self._divergence_limit = divergence_limit
        self.failed_step = np.full(num_runs, -1, np.int64)
        self.bad_reward = np.full(num_runs, -1, np.int64)
        self.nothing_legal = np.full(num_runs, -1, np.int64)
        self.stopped = np.zeros(num_runs, bool)
        # Updates during whose rollout a checkpoint falls: their acting policies are probed.
        self.probed_updates = frozenset(map(self.acting_update, checkpoints))

    def acting_update(self, env_steps: int) -> int:
        """Updates that the policy which took environment step `env_steps` had seen."""
        return max(0, env_steps - 1) // self._rollout_size

    def start(self) -> Checkpoint:
        """The checkpoint at step 0: empty windows."""
        return self._cut(self._pending.pop(0))

    def state(self) -> dict[str, np.ndarray]:
        """All that was counted and not yet cut, arrays [R, ...] by name."""
        named = {f"{group}.{name}": array for group in _WINDOW for name, array in getattr(self._window, group).items()}
        episodes = {
            "episode_returns": self._episodes.return_so_far,
            "episode_lengths": self._episodes.length_so_far,
        }
        return named | episodes | {"failed_step": self.failed_step, "stopped": self.stopped}

    def restore(self, update: int, state: Mapping[str, np.ndarray]) -> None:
        """Go on after `update` updates from what `state` returned then.

        Raises:
          ValueError: the state is of a version that counts other things.
        """
        state = self._of_older_versions() | {"stopped": state["failed_step"] >= 0} | dict(state)
        absent = sorted(self.state().keys() - state.keys())
        if absent:
            raise ValueError(f"another version of this program wrote it, without {', '.join(absent)}")
        for group in _WINDOW:
            counted = getattr(self._window, group)
            counted |= {name: state[f"{group}.{name}"] for name in counted}
        self._episodes.return_so_far = state["episode_returns"]
        self._episodes.length_so_far = state["episode_lengths"]
        self.failed_step, self.stopped = state["failed_step"], state["stopped"]
        self._pending = [step for step in self._pending if step > update * self._rollout_size]

    def _of_older_versions(self) -> dict[str, np.ndarray]:
        """What states of versions that did not count it are taken to have: lengths that are not known.

        Before runs were stopped every failed one had a loss that was not finite.
        """
        lengths = {"episode_lengths": self._episodes.length_so_far, "sums.episode_length": self.failed_step}
        return {name: np.full(array.shape, np.nan) for name, array in lengths.items()}

    def add(self, update: int, record: UpdateRecord) -> Iterator[Checkpoint]:
        """Count one update's record (leaves [R, ...], on the host); yields the checkpoints it completes."""
        event: Any
        event, nothing_legal = unmarked(np.asarray(record.event))
        record = self._without_stopped(record._replace(event=event))
        steps = self._steps(record)
        start, taken = update * self._rollout_size, 0
        while self._pending and self._pending[0] < start + self._rollout_size:
            cut = self._pending[0] - start
            self._window.add_steps(steps.between(taken, cut))
            yield self._cut(self._pending.pop(0))
            taken = cut
        self._window.add_steps(steps.between(taken, self._rollout_size))
        # Learning comes after the rollout's last step, so its metrics belong to the window that holds that step.
        self._window.add_update(record.metrics._asdict())
        self._mark_failures(start + self._rollout_size, record, nothing_legal)
        if self._pending and self._pending[0] == start + self._rollout_size:
            yield self._cut(self._pending.pop(0))

    def _steps(self, record: UpdateRecord) -> Steps:
        event, reward = np.asarray(record.event), np.asarray(record.reward)
        outcome = np.asarray(record.outcome) if self._has_outcomes else np.zeros_like(reward)
        episodes = self._episodes.finished(reward, self._word.flag(event, EPISODE_END))
        return Steps(*(array.reshape(len(array), -1) for array in (event, reward, outcome, *episodes)))

    def _without_stopped(self, record: UpdateRecord) -> UpdateRecord:
        """The record with nothing in it of the runs that are stopped."""
        if not self.stopped.any():
            return record
        blank = blank_record(*record.event.shape, has_outcomes=len(record.outcome) > 0)

        def replaced(found: np.ndarray, nothing: np.ndarray) -> np.ndarray:
            stopped = self.stopped.reshape(-1, *[1] * (found.ndim - 1))
            return np.where(stopped, nothing, found)

        return jax.tree.map(replaced, record, blank)

    def _mark_failures(self, env_steps: int, record: UpdateRecord, nothing_legal: np.ndarray) -> None:
        health = np.stack([record.metrics.loss, record.metrics.value_loss, record.metrics.grad_norm])
        finite = np.isfinite(health).all(axis=0)
        diverged = np.asarray(record.metrics.value_loss) > self._divergence_limit
        for run in np.flatnonzero(~finite & ~self.stopped):
            self.bad_reward[run] = self._first_step(~np.isfinite(record.reward[run]), env_steps)
        for run in np.flatnonzero(nothing_legal.any(axis=(1, 2)) & ~self.stopped):
            self.nothing_legal[run] = self._first_step(nothing_legal[run], env_steps)
        lost = ~finite | (self.nothing_legal >= 0)
        self.failed_step[(lost | diverged) & (self.failed_step < 0)] = env_steps
        self.stopped |= lost

    def _first_step(self, here: np.ndarray, env_steps: int) -> int:
        """The first environment step of a rollout [T, M] that ends at `env_steps` with a flag, -1 without one."""
        found = np.flatnonzero(here)
        return env_steps - self._rollout_size + int(found[0]) + 1 if found.size else -1

    def _cut(self, env_steps: int) -> Checkpoint:
        arrays = self._window.take() | {"failed_step": self.failed_step.copy()}
        return Checkpoint(env_steps, self.acting_update(env_steps), arrays)
