"""What a person sees while a run is going: a bar with steps a second, time left and the median HOLD % so far."""

from __future__ import annotations

import sys

import numpy as np
from tqdm import tqdm

from momentum_jax.diagnostics import events
from momentum_jax.training.recorder import Checkpoint


class Progress:
    """A progress bar over the environment steps of all runs together; only where a terminal shows it."""

    def __init__(self, num_runs: int, total_steps: int, shown: bool = True):
        self._num_runs = num_runs
        self._flat = np.zeros(num_runs, np.int64)
        self._hold = np.zeros(num_runs, np.int64)
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

    def add(self, event: np.ndarray) -> None:
        """Count the event words [R, T, M] of one update."""
        flat = events.flag(event, "is_flat")
        self._flat += flat.sum(axis=(1, 2))
        self._hold += (flat & (events.action(event) == 0)).sum(axis=(1, 2))
        median = np.median(100.0 * self._hold / np.maximum(self._flat, 1))
        self._bar.set_postfix_str(f"median HOLD {median:.1f} %", refresh=False)
        self._bar.update(event.size)

    def close(self) -> None:
        self._bar.close()


def say(line: str) -> None:
    """Print a line above the bar, if there is one."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """A checkpoint, arrays [arm, seed, ...], in one line: medians over the runs that have not failed, and who has."""
    healthy = checkpoint.arrays["failed_step"] < 0
    at_step = f"step {checkpoint.env_steps:,}: ".replace(",", " ")
    if not healthy.any():
        return f"{at_step}all {healthy.size} runs have failed"
    by_action, states, p_action = (
        checkpoint.arrays[name][healthy] for name in ("flat_count", "probe_count", "p_action")
    )  # [run, ...]
    p_hold = np.where(states > 0, p_action[..., 0], 0.0)
    exact = np.median(100.0 * (p_hold * states).sum(axis=(1, 2)) / states.sum(axis=(1, 2)))
    line = f"{at_step}median P(HOLD) {exact:.1f} %"
    by_action = by_action.sum(axis=1)
    decisions = by_action.sum(axis=1)
    if decisions.all():
        line += f", HOLD {np.median(100.0 * by_action[..., 0] / decisions):.1f} % since the step above"
    return line if healthy.all() else f"{line}; {(~healthy).sum()} of {healthy.size} runs have failed"
