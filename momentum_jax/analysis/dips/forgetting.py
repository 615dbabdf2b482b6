"""Forgetting within a window of time: the largest fall between two checkpoints that lie at most so many steps apart.

A drawdown may take the whole run; a collapse takes a short time. The window separates the two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.dips.drawdowns import Floats, checked


def largest_fall_within(
    env_steps: npt.ArrayLike, curve: npt.ArrayLike, sign: int, window: float, horizon: float, baseline_step: float
) -> Floats:
    """Largest fall between two checkpoints from the baseline to the horizon that are at most `window` steps apart.

    Args:
        env_steps: ``[K]`` environment steps, strictly increasing.
        curve: ``[..., K]`` values; NaN is left out.
        sign: +1 where up is good, -1 where down is good.
        window: steps.
        horizon: last step at which a fall counts.
        baseline_step: first step from which it does.

    Returns:
        ``[...]``, 0 or more; NaN where no two values lie within the window.
    """
    steps, values = checked(env_steps, curve, sign)
    inside = (steps >= baseline_step) & (steps <= horizon)
    steps, u = steps[inside], sign * values[..., inside]
    largest = np.full(u.shape[:-1], np.nan)
    for lag in range(1, len(steps)):
        near = steps[lag:] - steps[:-lag] <= window
        if not near.any():
            break  # steps that are further apart in number are further apart in time
        falls = np.where(near, u[..., :-lag] - u[..., lag:], np.nan)
        largest = np.fmax(largest, np.fmax.reduce(falls, axis=-1))
    return np.maximum(largest, 0.0)
