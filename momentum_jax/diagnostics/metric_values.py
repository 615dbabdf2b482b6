"""How a metric follows from what is recorded, in NumPy: of one checkpoint's arrays, or of any counts at all.

Curves of a whole run, with their labels: `analysis.metrics.derived_curves`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from momentum_jax.diagnostics.description import Diagnostics, Metric, Ratio, Recorded, Share
from momentum_jax.diagnostics.variables import PRIMARY, of_probe_set, place_of

Arrays = Mapping[str, np.ndarray]


def windowed(metric: Metric, diagnostics: Diagnostics, arrays: Arrays) -> np.ndarray:
    """Its value in the window that ends at the checkpoint, or at the checkpoint where it is recorded so.

    NaN where nothing of its kind happened.

    Args:
      metric: one of the description's.
      diagnostics: the description.
      arrays: the checkpoint's, [runs, ...] by name.

    Returns:
      [runs] float64, in the metric's unit.
    """
    match metric.derived:
        case Recorded(variable=name, label=""):
            return arrays[name].astype(np.float64)
        case Recorded(variable=name, label=label):
            return arrays[name][..., place_of(label, name, diagnostics)].astype(np.float64)
        case Share() | Ratio() as derived:
            return _percent(*fraction(derived, diagnostics, arrays))


def exact(share: Share, diagnostics: Diagnostics, arrays: Arrays) -> np.ndarray:
    """A share by the policy's own probabilities on its probe states: [runs] percent. Arguments as of `windowed`."""
    table = diagnostics.counted_in(share)
    found = diagnostics.probe_set_of(table)
    name = found.name if found else PRIMARY
    count = arrays[of_probe_set("probe_count", name)][..., None]
    p_action = arrays[of_probe_set("p_action", name)]
    expected = np.where(count > 0, p_action, 0.0) * count  # a context without states has neither
    return _percent(*fraction(share, diagnostics, {table: expected.sum(axis=1)}))


def fraction(derived: Share | Ratio, diagnostics: Diagnostics, counts: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """What a share or a ratio counts, and what it is counted of.

    Args:
      derived: which.
      diagnostics: the description that it is of.
      counts: the table of its decisions, [..., context, action] or, of another than the description's own,
        [..., action]; and, for a ratio, its numerator [...]. Of any window, or expected ones.

    Returns:
      Numerator and denominator, [...].
    """
    name = diagnostics.counted_in(derived)
    table = counts[name]
    actions = _places(diagnostics.actions, derived.actions)
    if isinstance(derived, Ratio):
        return counts[derived.numerator], table.sum(axis=-2)[..., actions].sum(axis=-1)
    by_context = name == diagnostics.decisions
    decisions = table[..., _places(diagnostics.contexts, derived.contexts), :].sum(axis=-2) if by_context else table
    return decisions[..., actions].sum(axis=-1), decisions.sum(axis=-1)


def _percent(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.divide(100.0 * part, total, out=np.full(total.shape, np.nan), where=total > 0)


def _places(labels: Sequence[str | int], chosen: Sequence[str | int]) -> list[int]:
    """Positions of the chosen labels, of all if none is named."""
    wanted = set(chosen or labels)
    return [place for place, label in enumerate(labels) if label in wanted]
