"""With which random stream an outcome varies: shares of its variance, from a pick-freeze design.

Two independent sets of streams A and B for each pair; run ``mixed[i]`` has all of A's streams but
stream i, which is B's. Jansen (1999), Analysis of variance designs for model output, Computer
Physics Communications 117; first-order form as in Saltelli et al. (2010), same journal, 181:

    first  S_i = 1 - E[(f_B - f_mixed_i)²] / 2V        total  T_i = E[(f_A - f_mixed_i)²] / 2V
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.inference.intervals import Interval, statistic_interval

MIN_PAIRS = 128
Floats = npt.NDArray[np.float64]


class StreamShare(NamedTuple):
    """Shares of the outcome's variance that a stream makes, with BCa intervals over pairs."""

    first: Interval  # alone; flagged "above 1" or "below 0" where no part of a variance can lie
    total: Interval  # with all its interactions, likewise
    pairs: int
    flag: str  # empty, "fewer than 128 pairs" or "constant"

    @property
    def flags(self) -> str:
        """All that is wrong, in words; empty where nothing is."""
        parts = [f"{name} {share.flag}" for name, share in (("first", self.first), ("total", self.total)) if share.flag]
        return ", ".join(filter(None, [self.flag, *([] if self.flag == "constant" else parts)]))


def stream_shares(outcome_a: npt.ArrayLike, outcome_b: npt.ArrayLike, mixed: npt.ArrayLike) -> list[StreamShare]:
    """First-order and total shares of each stream.

    Args:
        outcome_a: ``[pair]``, e.g. the depth of each run with streams A.
        outcome_b: ``[pair]`` with streams B.
        mixed: ``[stream, pair]``, streams A with one stream from B. A pair with a NaN is left out.

    Returns:
        One entry per stream. An outcome that does not vary gives shares 0, flagged.

    Raises:
        ValueError: shapes do not fit.
    """
    a, b, both = (np.asarray(array, np.float64) for array in (outcome_a, outcome_b, mixed))
    if a.ndim != 1 or a.shape != b.shape or both.shape[1:] != a.shape:
        raise ValueError(f"outcomes {a.shape}, {b.shape}, mixed {both.shape}, expected [pair], [pair], [stream, pair]")
    known = ~np.isnan(np.vstack([a, b, both])).any(axis=0)
    a, b, both = a[known], b[known], both[:, known]
    few = "" if len(a) >= MIN_PAIRS else f"fewer than {MIN_PAIRS} pairs"
    if len(a) < 2 or np.ptp(np.concatenate([a, b])) == 0:
        nothing = Interval(0.0, 0.0, 0.0, "constant")
        return [StreamShare(nothing, nothing, len(a), "constant") for _ in both]
    return [
        StreamShare(
            _flagged(statistic_interval((a, b, row), _first)),
            _flagged(statistic_interval((a, b, row), _total)),
            len(a),
            few,
        )
        for row in both
    ]


def _flagged(share: Interval) -> Interval:
    """A share of a variance lies between 0 and 1; an estimate that does not is flagged."""
    flag = "above 1" if share.estimate > 1 else "below 0" if share.estimate < 0 else share.flag
    return share._replace(flag=flag)


def _variance(a: Floats, b: Floats) -> Floats:
    return np.concatenate([a, b], axis=-1).var(axis=-1)


def _first(a: Floats, b: Floats, mixed: Floats) -> Floats:
    return 1 - ((b - mixed) ** 2).mean(axis=-1) / (2 * _variance(a, b))


def _total(a: Floats, b: Floats, mixed: Floats) -> Floats:
    return ((a - mixed) ** 2).mean(axis=-1) / (2 * _variance(a, b))
