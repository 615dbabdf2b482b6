"""The momentum environment's probe states: flat, at bars that are drawn once for all seeds, arms and checkpoints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from momentum_jax.diagnostics.probes import HALF_SIZE

PROBE_SEED = 20_241_217


def draw_version(num_segments: int) -> int:
    """Number of the way in which probe bars are drawn, recorded with a run: 2 leaves each segment's last bar out.

    One segment's draw is the same in both.
    """
    return 1 if num_segments == 1 else 2


def draw_probe_bars(first_bars: npt.ArrayLike, last_bars: npt.ArrayLike) -> np.ndarray:
    """Cursors [2, P] int32 of two disjoint halves, drawn without replacement from the bars at which an episode decides.

    P is 1 024, or half of what the segments have.

    Args:
      first_bars: [S] the cursor's first value in each segment, or a number for one segment.
      last_bars: [S] its last value, at which nothing is decided: the bar after it is another segment's, or none.
    """
    segments = zip(np.atleast_1d(first_bars), np.atleast_1d(last_bars), strict=True)
    candidates = np.concatenate([np.arange(first, last) for first, last in segments])
    size = min(HALF_SIZE, candidates.size // 2)
    drawn = np.random.default_rng(PROBE_SEED).choice(candidates, size=(2, size), replace=False)
    return np.sort(drawn, axis=1).astype(np.int32)
