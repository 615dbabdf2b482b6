"""A metric's value at one checkpoint, from what is recorded there, in NumPy. (Whole curves: `analysis.metrics`.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from momentum_jax.diagnostics.description import Diagnostics, Metric, Ratio, Recorded, Share

Arrays = Mapping[str, np.ndarray]


def windowed(metric: Metric, diagnostics: Diagnostics, arrays: Arrays) -> np.ndarray:
    """Its value in the window that ends at the checkpoint; NaN where nothing of its kind happened.

    Args:
      metric: one of the description's.
      diagnostics: the description.
      arrays: the checkpoint's, [runs, ...] by name.

    Returns:
      [runs] float64, in the metric's unit.
    """
    match metric.derived:
        case Recorded(variable=name):
            return arrays[name].astype(np.float64)
        case Share() as share:
            return _share(arrays[diagnostics.decisions], share, diagnostics)
        case Ratio() as ratio:
            decisions = arrays[diagnostics.decisions].sum(axis=-2)
            return _percent(arrays[ratio.numerator], decisions[..., _places(diagnostics.actions, ratio.actions)])


def exact(share: Share, diagnostics: Diagnostics, arrays: Arrays) -> np.ndarray:
    """A share by the policy's own probabilities on the probe states: [runs] percent. Arguments as of `windowed`."""
    count = arrays["probe_count"][..., None]
    expected = np.where(count > 0, arrays["p_action"], 0.0) * count  # a context without states has neither
    return _share(expected.sum(axis=1), share, diagnostics)


def _share(by_action: np.ndarray, share: Share, diagnostics: Diagnostics) -> np.ndarray:
    """Percent of decisions [runs, context, action]."""
    contexts = _places(diagnostics.contexts, share.contexts)
    decisions = by_action[..., contexts, :].sum(axis=-2)
    chosen = decisions[..., _places(diagnostics.actions, share.actions)]
    return _percent(chosen.sum(axis=-1), decisions)


def _percent(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    total = whole.sum(axis=-1)
    return np.divide(100.0 * part, total, out=np.full(total.shape, np.nan), where=total > 0)


def _places(labels: Sequence[str | int], chosen: Sequence[str | int]) -> list[int]:
    """Positions of the chosen labels, of all if none is named."""
    return [place for place, label in enumerate(labels) if label in chosen or not chosen]
