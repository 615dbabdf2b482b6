"""A fixed set of flat states on which every policy is asked for its exact action probabilities."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from momentum_jax.diagnostics.variables import SETUP_SCORES

PROBE_SEED = 20_241_217  # one draw for all seeds, arms and checkpoints
HALF_SIZE = 1024


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


def mean_by_score(probabilities: jax.Array, scores: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Average probabilities over the probe states of each setup score.

    Args:
      probabilities: [2, P, A] of both halves' states.
      scores: [2, P] int32, 0 … 4.

    Returns:
      means [2, 5, A] (NaN where no state has the score) and numbers of states [2, 5] int32.
    """
    member = jax.nn.one_hot(scores, len(SETUP_SCORES), dtype=probabilities.dtype)  # [2, P, 5]
    count = member.sum(axis=1)
    # Highest precision: these figures are called exact.
    total = jnp.einsum("hps,hpa->hsa", member, probabilities, precision=jax.lax.Precision.HIGHEST)
    mean = jnp.where(count[..., None] > 0, total / jnp.maximum(count, 1)[..., None], jnp.nan)
    return mean, count.astype(jnp.int32)
