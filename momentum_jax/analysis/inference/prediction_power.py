"""How much of an outcome's variance features must explain, so that a study of so many seeds finds it.

Found means that the interval of R² on held-out seeds, as `predictors.predict` makes it, lies above 0. The numbers are
simulated with that function itself (`python -m benchmarks.prediction_power`): normal outcomes, independent normal
features. Without them an interval that holds 0 would be read as *nothing predicts*: with 64 seeds and nine features a
fifth of the variance, explained in truth, is found in 4 % of studies.
"""

from __future__ import annotations

import numpy as np

POWER = 0.8
# Share of the variance found with that power, by number of features and of seeds.
_MEASURED: dict[int, dict[int, float]] = {
    1: {16: 0.707, 64: 0.316, 256: 0.098},
    9: {16: 0.887, 32: 0.691, 64: 0.480, 128: 0.285, 256: 0.168},
}


def detectable_share(num_seeds: int, num_features: int) -> float:
    """Share of the variance, 0 to 1, that so many seeds find with 80 % power; NaN below 16 seeds.

    Between the simulated sizes it is interpolated, linearly in the number of features and in the logarithms of seeds
    and share; beyond the largest it falls as 1 / seeds.

    Args:
        num_seeds: of the study.
        num_features: that predict together, 1 or more.
    """
    few, many = (_by_seeds(measured, num_seeds) for measured in _MEASURED.values())
    fewest, most = _MEASURED
    return float(np.clip(few + (many - few) * (num_features - fewest) / (most - fewest), 0.0, 1.0))


def _by_seeds(measured: dict[int, float], num_seeds: int) -> float:
    sizes, shares = np.array(list(measured)), np.array(list(measured.values()))
    if num_seeds < sizes[0]:
        return np.nan
    beyond = max(num_seeds / sizes[-1], 1.0)
    return float(np.exp(np.interp(np.log(num_seeds), np.log(sizes), np.log(shares))) / beyond)
