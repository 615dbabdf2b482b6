"""One process at work on a run: it trains from the newest state, writes checkpoints and states, and logs both."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from momentum_jax import run_directory
from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.processes import distributed
from momentum_jax.processes.interruption import Interrupted, StopRequest, stop_request
from momentum_jax.processes.machine import peak_memory
from momentum_jax.training.fleet import Fleet
from momentum_jax.training.loop import Training
from momentum_jax.training.progress import Progress, checkpoint_line
from momentum_jax.training.recorder import Checkpoint
from momentum_jax.training.resume import compatibility, snapshots


class Worker:
    """One process at work on a run: what it writes, and when."""

    def __init__(
        self,
        config: RunConfig,
        run_dir: Path,
        share: run_directory.Share,
        job: distributed.Job,
        say: Callable[[str], None],
        go_on: str,
    ):
        self._config = config
        self._run_dir = run_dir
        self._share = share
        self._job = job
        self._say = say
        self._go_on = go_on

    def log(self, line: str) -> None:
        run_directory.append_log(self._run_dir, line, self._share)
        with contextlib.suppress(OSError, UnicodeError):  # a closed pipe, a lost terminal: the log has the line
            self._say(line)

    def train(self, fleet: Fleet) -> None:
        """Train to the end from the newest state there is.

        Raises:
          Interrupted, ProcessLostError, RunDirectoryError: see `runner.train`.
        """
        progress = Progress(
            fleet.num_runs, self._config.total_updates * self._config.rollout_size, shown=self._job.is_first
        )
        # Two states are kept while a third is written.
        snapshots.check_room(self._run_dir / run_directory.STATE_NAME, 3 * fleet.state_bytes)
        with contextlib.closing(progress):
            training = Training(self._config, fleet, progress, compatibility.recorded(self._run_dir, fleet.diagnostics))
            if not self._restore(training, fleet):
                self._write([training.start()], fleet.diagnostics)
            started, evaluated = time.perf_counter(), fleet.evaluation_seconds
            try:
                with stop_request() as stop:
                    self._advance(training, fleet, stop)
            except Interrupted as stopped:
                self._log_rate(training.env_steps, started, fleet.evaluation_seconds - evaluated)
                self.log(str(stopped))  # how to go on is the last line
                raise
        self._log_rate(training.env_steps, started, fleet.evaluation_seconds - evaluated)
        for arm, layers in fleet.policies():
            run_directory.write_policy(self._run_dir, arm, layers, self._share)

    def _log_rate(self, env_steps: int, started: float, evaluation_seconds: float) -> None:
        """What this process trained; the rates of a resumed run follow each other in its log."""
        seconds = time.perf_counter() - started
        rate = f"{env_steps:,} environment steps in {seconds:.1f} s, {env_steps / seconds:,.0f} steps/s"
        self.log(f"trained {rate}, peak host memory {peak_memory() / 1e6:,.0f} MB")
        if evaluation_seconds:
            self.log(f"evaluation took {evaluation_seconds:.1f} s of it, {evaluation_seconds / seconds:.0%}")

    def _advance(self, training: Training, fleet: Fleet, stop: StopRequest) -> None:
        saved = time.monotonic()
        while not training.done:
            written = self._write(training.advance(), fleet.diagnostics)
            self._log_failures(training)
            due = written and time.monotonic() - saved >= self._config.state_interval
            if due or stop or self._job.lost or training.done:
                self._write(training.settle(), fleet.diagnostics)
                self._log_failures(training)
                self._save(training, fleet)
                saved = time.monotonic()
            # A signal to all processes: the first to leave is not to look lost to the others.
            if stop and not training.done:
                raise self._interrupted(training, stop)
            self._job.check()

    def _log_failures(self, training: Training) -> None:
        for line in training.failures():
            self.log(line)

    def _write(self, checkpoints: Iterable[Checkpoint], diagnostics: Diagnostics) -> bool:
        """Write checkpoints as they are completed; whether there were any."""
        written = False
        for checkpoint in checkpoints:
            step, update, arrays = checkpoint
            run_directory.write_checkpoint(self._run_dir, step, update, arrays, self._share)
            self.log(checkpoint_line(checkpoint, diagnostics))
            written = True
        return written

    def _save(self, training: Training, fleet: Fleet) -> None:
        with run_directory.new_state(self._run_dir, training.update, self._share) as folder:
            snapshots.save(folder, fleet.snapshots(), training.counted())

    def _restore(self, training: Training, fleet: Fleet) -> bool:
        """Put the newest state that can be read in place; False where none has been saved yet.

        Raises:
          RunDirectoryError: there are states and none can be read.
        """
        found = run_directory.states(self._run_dir, self._share)
        for update, folder in found:
            try:
                runs, counted = snapshots.load(folder)
                fleet.restore(runs)
                training.resume(update, counted)
            except (run_directory.RunDirectoryError, ValueError, KeyError) as error:
                self.log(f"{folder} cannot be used ({error}): trying an older state")
                continue
            self.log(f"resumed at step {update * self._config.rollout_size:,}")
            return True
        if found:
            raise run_directory.RunDirectoryError(f"{found[0][1].parent}: no state can be read; start a new run")
        return False

    def _interrupted(self, training: Training, stop: StopRequest) -> Interrupted:
        step = training.update * self._config.rollout_size
        message = f"stopped at step {step:,} and saved; go on with: {self._go_on}"
        return Interrupted(message, stop.signal_number or 0)
