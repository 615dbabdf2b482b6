"""A fleet on its way from the first update to the last: dispatches, counts and cuts checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.evaluation import summarize
from momentum_jax.diagnostics.probes import changes
from momentum_jax.diagnostics.session_profit import not_traded, summarize_sessions
from momentum_jax.diagnostics.variables import PRIMARY, WARMED, of_probe_set
from momentum_jax.training.failures import Failures
from momentum_jax.training.fleet import Fleet
from momentum_jax.training.in_flight import Dispatched
from momentum_jax.training.progress import Progress
from momentum_jax.training.recorder import Checkpoint, Recorder

_LAST_LOG_PROBS = "last_log_probs"


class Training:
    """One update at a time. One stays in flight: while the devices work on it, the host counts the one before.

    Attributes:
      update: updates dispatched so far.
      env_steps: environment steps taken since this object was made, by all runs that still train.
    """

    def __init__(self, config: RunConfig, fleet: Fleet, progress: Progress, recorded: Diagnostics | None = None):
        """`recorded` says what is recorded where that is not all of the fleet's description: a run begun before it."""
        self._config = config
        self._fleet = fleet
        self._recorded = recorded or fleet.diagnostics
        warmed = (WARMED,) if self._recorded.warmed_probes else ()
        self._probe_sets = (PRIMARY, *(one.name for one in self._recorded.probe_sets), *warmed)
        num_envs = config.arms[0].ppo.num_envs
        self._recorder = Recorder(
            fleet.num_runs,
            num_envs,
            config.rollout_size,
            config.planned_checkpoints,
            self._recorded,
            config.divergence_limit,
        )
        self._progress = progress
        self._in_flight: tuple[int, Dispatched] | None = None
        # By update: what the policies that act in checkpoints to come answer, and how they play.
        self._probes: dict[int, Dispatched] = {}
        self._evaluations: dict[int, Dispatched] = {}
        self._trades: dict[int, Dispatched] = {}
        self._traded_updates = frozenset(map(self._recorder.acting_update, config.traded_checkpoints))
        self._last_log_probs: dict[str, np.ndarray] = {}  # by probe set: [runs, 2, P, A] of the checkpoint before
        self._failures = Failures(config, fleet.seeds)
        self.update = 0
        self.env_steps = 0

    @property
    def done(self) -> bool:
        return self.update >= self._config.total_updates

    def start(self) -> Checkpoint:
        """The checkpoint at step 0."""
        self._measure()
        return self._complete(self._recorder.start())

    def advance(self) -> Iterator[Checkpoint]:
        """Dispatch the next update; yields the checkpoints that the one before completes."""
        # A checkpoint inside this update's rollout is measured with the policy that acts in it.
        if self.update in self._recorder.probed_updates and self.update not in self._probes:
            self._measure()
        before, stopped = self._in_flight, self._recorder.stopped
        self._in_flight = self.update, self._fleet.update(stopped)
        self.env_steps += self._config.rollout_size * int((~stopped).sum())
        self.update += 1
        yield from self._count(before)

    def settle(self) -> Iterator[Checkpoint]:
        """Wait for the update in flight; yields the checkpoints that it completes."""
        before, self._in_flight = self._in_flight, None
        yield from self._count(before)

    def failures(self) -> Iterator[str]:
        """One line for each arm of whose failed seeds something new is known."""
        recorder = self._recorder
        yield from self._failures.lines(
            recorder.failed_step, recorder.stopped, recorder.bad_reward, recorder.nothing_legal
        )

    def counted(self) -> dict[str, np.ndarray]:
        """What the host has to remember of a settled training beside the learners' states."""
        last = {of_probe_set(_LAST_LOG_PROBS, name): array for name, array in self._last_log_probs.items()}
        return self._recorder.state() | last

    def resume(self, update: int, counted: Mapping[str, np.ndarray]) -> None:
        """Go on after `update` updates; the fleet has been put back there."""
        self.update = update
        self._recorder.restore(update, counted)
        # States of older versions have none.
        kept = {name: counted.get(of_probe_set(_LAST_LOG_PROBS, name)) for name in self._probe_sets}
        self._last_log_probs = {name: array for name, array in kept.items() if array is not None}
        self._progress.skip(update * self._config.rollout_size)

    def _count(self, dispatched: tuple[int, Dispatched] | None) -> Iterator[Checkpoint]:
        if dispatched is None:
            return
        update, in_flight = dispatched
        record = self._fleet.fetch(in_flight)
        self._progress.add(record.event.size)
        for checkpoint in self._recorder.add(update, record):
            yield self._complete(checkpoint)
        for kept in (self._probes, self._evaluations, self._trades):
            for key in [key for key in kept if key <= update]:
                del kept[key]

    def _measure(self) -> None:
        """Dispatch the questions to the present policies that this run asks at a checkpoint."""
        self._probes[self.update] = self._fleet.probe()
        if self._recorded.evaluation:
            self._evaluations[self.update] = self._fleet.evaluate()
        if self._recorded.traded_sessions and self.update in self._traded_updates:
            self._trades[self.update] = self._fleet.trade()

    def _asked(self, update: int, env_steps: int) -> dict[str, np.ndarray]:
        """What the run's settings ask for of the policies after `update` updates beside what every run records."""
        found: dict[str, np.ndarray] = {}
        if self._recorded.evaluation:
            found |= summarize(self._fleet.fetch(self._evaluations[update]))
        sessions = self._recorded.traded_sessions
        if sessions and env_steps in self._config.traded_checkpoints:
            found |= summarize_sessions(self._fleet.fetch(self._trades[update]), sessions)
        elif sessions:
            found |= not_traded(self._fleet.num_runs, sessions)
        if self._recorded.recorded_probes:
            log_probs = self._last_log_probs[PRIMARY]
            states = log_probs.reshape(len(log_probs), -1, log_probs.shape[-1])
            found["probe_probability"] = np.exp(states[:, : self._recorded.recorded_probes])
        return found

    def _complete(self, checkpoint: Checkpoint) -> Checkpoint:
        """Add the probe's figures and split the axis of runs into arms and seeds."""
        arrays = dict(checkpoint.arrays)
        answered = self._fleet.fetch(self._probes[checkpoint.update])
        for name in self._probe_sets:
            p_action, probe_count, log_probs = answered[name]
            found = {"p_action": p_action.astype(np.float64), "probe_count": probe_count.astype(np.int64)}
            found |= changes(self._last_log_probs.get(name), log_probs)
            arrays |= {of_probe_set(variable, name): array for variable, array in found.items()}
            self._last_log_probs[name] = log_probs
        arrays |= self._asked(checkpoint.update, checkpoint.env_steps)
        shape = (len(self._config.arms), self._fleet.num_seeds)
        split = {name: array.reshape(*shape, *array.shape[1:]) for name, array in arrays.items()}
        completed = checkpoint._replace(arrays=split)
        self._progress.show(completed, self._recorded)
        return completed
