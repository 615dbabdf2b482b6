"""Trains an experiment: loads the market, compiles, advances from checkpoint to checkpoint and writes each at once.

A run can end anywhere and be resumed: its state is saved at checkpoints, and what lies behind the newest state is
computed again, to the same bits.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from momentum_jax import resuming, snapshots, store
from momentum_jax.config import RunConfig
from momentum_jax.description import describe, headline, now
from momentum_jax.engine import Layout, default_layout
from momentum_jax.env.momentum import make_market
from momentum_jax.fields import ConfigError
from momentum_jax.fleet import Fleet
from momentum_jax.interruption import Interrupted, StopRequest, stop_request
from momentum_jax.market.dataset import load_dataset
from momentum_jax.market.errors import DataError
from momentum_jax.progress import checkpoint_line
from momentum_jax.recorder import Checkpoint
from momentum_jax.training import Training

# What `train` raises when a run cannot be: nothing has been compiled or written then.
REFUSALS = (ConfigError, DataError, store.RunDirectoryError)


class WriteError(Exception):
    """Results could not be written under way; the message says what is kept and how to go on."""


def train(config: RunConfig, run_dir: Path, say: Callable[[str], None] = print, *, resume: bool = False) -> None:
    """Train every arm with every seed and fill `run_dir`.

    Args:
      config: the run; with `resume` it may be longer than the one that is stored.
      run_dir: where results go; must not exist, or with `resume` must be a run's.
      say: receives what is logged, line by line.
      resume: go on from the newest saved state. A run that is finished already stays as it is.

    Raises:
      ConfigError, DataError, RunDirectoryError: before anything is compiled or written.
      Interrupted: a signal asked for it; the state is saved.
      WriteError: the disk is full, or the directory went away; earlier states are kept.
    """
    config.validate()
    dataset = load_dataset(config.market)
    layout = default_layout(config.num_seeds * len(config.arms), config.group_width, config.num_devices)
    description = describe(config, dataset, layout)
    with _opened(run_dir, description, resume) as finished, _explained(run_dir):
        session = _Session(config, run_dir, say)
        if finished:
            session.log("finished already: nothing to resume (--extend_to makes it longer)")
            return
        session.log(headline(config, dataset))
        for line in _remarks(run_dir, description, dataset.reports):
            session.log(line)
        started = time.perf_counter()
        fleet = Fleet(config, make_market(dataset.segments, config.market.segments), layout)
        session.log(f"compiled for {_devices(layout)} in {time.perf_counter() - started:.1f} s")
        session.train(fleet)
        store.replace_config(run_dir, store.read_config(run_dir) | {"finished": now()})


@contextlib.contextmanager
def _opened(run_dir: Path, description: Mapping[str, Any], resume: bool) -> Iterator[bool]:
    """Hold the run directory, made or found as asked; yields whether all that is asked for is there already."""
    if not resume:
        store.create_run(run_dir, description)
    else:
        store.read_config(run_dir)  # a foreign folder is refused before a lock is written into it
    with store.locked(run_dir):
        if not resume:
            yield False
            return
        resuming.check_unchanged(run_dir, description)
        stored = store.read_config(run_dir)
        finished = store.is_finished(run_dir) and stored["timesteps"] == description["timesteps"]
        if not finished:
            store.remove_leftovers(run_dir)
            longer = {name: description[name] for name in ("timesteps", "checkpoints", "finished")}
            store.replace_config(run_dir, stored | longer)
        yield finished


class _Session:
    """One process at work on a run: what it writes, and when."""

    def __init__(self, config: RunConfig, run_dir: Path, say: Callable[[str], None]):
        self._config = config
        self._run_dir = run_dir
        self._say = say

    def log(self, line: str) -> None:
        store.append_log(self._run_dir, line)
        self._say(line)

    def train(self, fleet: Fleet) -> None:
        """Train to the end from the newest state there is.

        Raises:
          Interrupted, RunDirectoryError: see `runner.train`.
        """
        with contextlib.closing(Training(self._config, fleet)) as training:
            if not self._restore(training, fleet):
                self._write([training.start()])
            first, started = training.update, time.perf_counter()
            with stop_request() as stop:
                self._advance(training, fleet, stop)
        seconds = time.perf_counter() - started
        store.write_policies(self._run_dir, fleet.policies())
        steps = (training.update - first) * self._config.rollout_size * fleet.num_runs
        self.log(f"trained {steps:,} environment steps in {seconds:.1f} s, {steps / seconds:,.0f} steps/s")

    def _advance(self, training: Training, fleet: Fleet, stop: StopRequest) -> None:
        saved = time.monotonic()
        while not training.done:
            written = self._write(training.advance())
            due = written and time.monotonic() - saved >= self._config.state_interval
            if due or stop or training.done:
                self._write(training.settle())
                self._save(training, fleet)
                saved = time.monotonic()
            if stop and not training.done:
                raise self._interrupted(training, stop)

    def _write(self, checkpoints: Iterable[Checkpoint]) -> bool:
        """Write checkpoints as they are completed; whether there were any."""
        written = False
        for checkpoint in checkpoints:
            store.write_checkpoint(self._run_dir, checkpoint.env_steps, checkpoint.update, checkpoint.arrays)
            self.log(checkpoint_line(checkpoint))
            written = True
        return written

    def _save(self, training: Training, fleet: Fleet) -> None:
        with store.new_state(self._run_dir, training.update) as folder:
            snapshots.save(folder, fleet.snapshots(), training.counted())

    def _restore(self, training: Training, fleet: Fleet) -> bool:
        """Put the newest state that can be read in place; False where none has been saved yet.

        Raises:
          RunDirectoryError: there are states and none can be read.
        """
        found = store.states(self._run_dir)
        for update, folder in found:
            try:
                runs, counted = snapshots.load(folder)
                fleet.restore(runs)
                training.resume(update, counted)
            except (store.RunDirectoryError, ValueError, KeyError) as error:
                self.log(f"{folder} cannot be used ({error}): trying an older state")
                continue
            self.log(f"resumed at step {update * self._config.rollout_size:,}")
            return True
        if found:
            raise store.RunDirectoryError(f"{found[0][1].parent}: no state can be read; begin another run")
        return False

    def _interrupted(self, training: Training, stop: StopRequest) -> Interrupted:
        step = training.update * self._config.rollout_size
        message = f"stopped at step {step:,} and saved; go on with: {resume_command(self._run_dir)}"
        self.log(message)
        return Interrupted(message, stop.signal_number or 0)


@contextlib.contextmanager
def _explained(run_dir: Path) -> Iterator[None]:
    """Say of what cannot be written what is kept."""
    try:
        yield
    except OSError as error:
        reason = f"{error.filename or run_dir}: {error.strerror or error}"
        newest = store.states(run_dir)
        kept = f"the state after update {newest[0][0]:,}" if newest else "every checkpoint written so far"
        raise WriteError(f"{reason}; {kept} is kept: make room, then {resume_command(run_dir)}") from error


def resume_command(run_dir: Path) -> str:
    """How a person goes on with a run."""
    return f"python launch.py --resume --run_dir={run_dir}"


def _remarks(run_dir: Path, description: Mapping[str, Any], reports: Iterable[Any]) -> Iterator[str]:
    for report in reports:
        if report.findings:
            yield report.to_text(limit=0)
    yield from resuming.changed_versions(run_dir, description)


def _devices(layout: Layout) -> str:
    return f"{len(layout.devices)} {layout.devices[0].platform} device(s), {layout.group_width} run(s) each at a time"
