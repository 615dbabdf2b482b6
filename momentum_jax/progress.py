"""What a person sees while a run is going: a bar with steps a second, time left and the median HOLD % so far."""

from __future__ import annotations

import sys

import numpy as np
from tqdm import tqdm

from momentum_jax.diagnostics import events


class Progress:
    """A progress bar over the environment steps of all runs together."""

    def __init__(self, num_runs: int, total_steps: int):
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
        )

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
