"""A fleet on its way from the first update to the last: dispatches, counts and cuts checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from momentum_jax.config import RunConfig
from momentum_jax.fleet import Fleet, InFlight
from momentum_jax.progress import Progress
from momentum_jax.recorder import Checkpoint, Recorder


class Training:
    """One update at a time. One stays in flight: while the devices work on it, the host counts the one before.

    Attributes:
      update: updates dispatched so far.
    """

    def __init__(self, config: RunConfig, fleet: Fleet, progress: Progress):
        self._config = config
        self._fleet = fleet
        num_envs = config.arms[0].ppo.num_envs
        self._recorder = Recorder(fleet.num_runs, num_envs, config.rollout_size, config.planned_checkpoints)
        self._progress = progress
        self._in_flight: tuple[int, InFlight] | None = None
        self._probes: dict[int, InFlight] = {}  # by update: the policies that act in checkpoints to come
        self.update = 0

    @property
    def done(self) -> bool:
        return self.update >= self._config.total_updates

    def start(self) -> Checkpoint:
        """The checkpoint at step 0."""
        self._probes[0] = self._fleet.probe()
        return self._complete(self._recorder.start())

    def advance(self) -> Iterator[Checkpoint]:
        """Dispatch the next update; yields the checkpoints that the one before completes."""
        # A checkpoint inside this update's rollout is probed with the policy that acts in it.
        if self.update in self._recorder.probed_updates and self.update not in self._probes:
            self._probes[self.update] = self._fleet.probe()
        before = self._in_flight
        self._in_flight = self.update, self._fleet.update(before[1] if before else None)
        self.update += 1
        yield from self._count(before)

    def settle(self) -> Iterator[Checkpoint]:
        """Wait for the update in flight; yields the checkpoints that it completes."""
        before, self._in_flight = self._in_flight, None
        yield from self._count(before)

    def counted(self) -> dict[str, np.ndarray]:
        """What the host has to remember of a settled training beside the learners' states."""
        return self._recorder.state()

    def resume(self, update: int, counted: Mapping[str, np.ndarray]) -> None:
        """Go on after `update` updates; the fleet has been put back there."""
        self.update = update
        self._recorder.restore(update, counted)
        self._progress.skip(update * self._config.rollout_size)

    def _count(self, dispatched: tuple[int, InFlight] | None) -> Iterator[Checkpoint]:
        if dispatched is None:
            return
        update, in_flight = dispatched
        record = self._fleet.fetch(in_flight)
        self._progress.add(record.event)
        for checkpoint in self._recorder.add(update, record):
            yield self._complete(checkpoint)
        self._probes = {key: value for key, value in self._probes.items() if key > update}

    def _complete(self, checkpoint: Checkpoint) -> Checkpoint:
        """Add the probe's figures and split the axis of runs into arms and seeds."""
        p_action, probe_count = self._fleet.fetch(self._probes[checkpoint.update])
        arrays = checkpoint.arrays | {
            "p_action": p_action.astype(np.float64),
            "probe_count": probe_count.astype(np.int64),
        }
        shape = (len(self._config.arms), self._fleet.num_seeds)
        split = {name: array.reshape(*shape, *array.shape[1:]) for name, array in arrays.items()}
        return checkpoint._replace(arrays=split)
