"""What a person sees while a run is going: a bar with steps a second, time left and the primary metric, and lines."""

from __future__ import annotations

import sys

import numpy as np
from tqdm import tqdm

from momentum_jax.diagnostics.description import Diagnostics, Share
from momentum_jax.diagnostics.metric_values import exact, windowed
from momentum_jax.training.recorder import Checkpoint


class Progress:
    """A progress bar over the environment steps of all runs together; only where a terminal shows it."""

    def __init__(self, num_runs: int, total_steps: int, shown: bool = True):
        self._num_runs = num_runs
        self._bar = tqdm(
            total=num_runs * total_steps,
            unit="step",
            unit_scale=True,
            mininterval=1.0,
            file=sys.stderr,
            dynamic_ncols=True,
            desc="training",
            disable=not (shown and sys.stderr and sys.stderr.isatty()),
        )

    def skip(self, env_steps: int) -> None:
        """Begin at `env_steps` of each run, which were trained before."""
        self._bar.initial = self._bar.n = self._num_runs * env_steps
        self._bar.refresh()

    def add(self, num_steps: int) -> None:
        """Go on by environment steps of all runs together."""
        self._bar.update(num_steps)

    def show(self, checkpoint: Checkpoint, diagnostics: Diagnostics) -> None:
        """Put the primary metric at a checkpoint, arrays [arm, seed, ...], beside the bar."""
        if not self._bar.disable:
            self._bar.set_postfix_str(_primary(checkpoint, diagnostics), refresh=False)

    def close(self) -> None:
        self._bar.close()


def say(line: str) -> None:
    """Print a line above the bar, if there is one."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def checkpoint_line(checkpoint: Checkpoint, diagnostics: Diagnostics) -> str:
    """A checkpoint, arrays [arm, seed, ...], in one line: medians over the runs that have not failed, and who has."""
    healthy = checkpoint.arrays["failed_step"] < 0
    at_step = f"step {checkpoint.env_steps:,}: ".replace(",", " ")
    if not healthy.any():
        return f"{at_step}all {healthy.size} runs have failed"
    line = at_step + _primary(checkpoint, diagnostics)
    return line if healthy.all() else f"{line}; {(~healthy).sum()} of {healthy.size} runs have failed"


def _primary(checkpoint: Checkpoint, diagnostics: Diagnostics) -> str:
    """Medians of the primary metric: exact where it has that form, and of the window where it is known everywhere."""
    healthy = checkpoint.arrays["failed_step"] < 0
    arrays = {name: array[healthy] for name, array in checkpoint.arrays.items()}
    metric = diagnostics.metric(diagnostics.primary)
    counted = windowed(metric, diagnostics, arrays)
    if isinstance(metric.derived, Share):
        text = f"median P({metric.label}) {np.median(exact(metric.derived, diagnostics, arrays)):.1f} %"
        if np.isnan(counted).any():
            return text
        return f"{text}, {metric.label} {np.median(counted):.1f} % since the step above"
    known = counted[~np.isnan(counted)]
    return f"median {metric.label} {np.median(known):.4g} {metric.unit}" if known.size else f"no {metric.label} yet"
