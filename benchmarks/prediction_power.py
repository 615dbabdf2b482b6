"""How much of the variance must features explain, so that a study of so many seeds finds it in 80 % of cases?

    python -m benchmarks.prediction_power            about five minutes on one core

The studies are simulated: independent normal features, of which a sum explains a share of a normal outcome's variance.
A study finds it where the 95 % interval of its R² on held-out seeds, as `predictors.predict` makes it, lies above 0.
The numbers printed are those of `analysis/inference/prediction_power.py`.
"""

from __future__ import annotations

import numpy as np
from absl import app, flags

from momentum_jax.analysis.inference.predictors import held_out_r2

_STUDIES = flags.DEFINE_integer("studies", 200, "simulated studies for each share")
_SEEDS = flags.DEFINE_list("seeds", ["16", "32", "64", "128", "256"], "sizes of a study")
_FEATURES = flags.DEFINE_list("features", ["9", "1"], "numbers of features")

POWER = 0.8
_HALVINGS = 7


def share_found(num_seeds: int, num_features: int, explained: float, studies: int) -> float:
    """Share of simulated studies that find it.

    Args:
        num_seeds: of each study.
        num_features: of each study.
        explained: share of the outcome's variance that the features explain in truth.
        studies: how many; the same random numbers for every share.
    """
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(studies):
        features = rng.standard_normal((num_seeds, num_features))
        signal = features.sum(axis=1) / np.sqrt(num_features)
        outcome = np.sqrt(explained) * signal + np.sqrt(1 - explained) * rng.standard_normal(num_seeds)
        found += held_out_r2(features, outcome).low > 0
    return found / studies


def detectable(num_seeds: int, num_features: int, studies: int) -> float:
    """The share that is found with 80 % power."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if share_found(num_seeds, num_features, middle, studies) >= POWER else (middle, high)
    return (low + high) / 2


def main(argv: list[str]) -> None:
    del argv
    for features in map(int, _FEATURES.value):
        for seeds in map(int, _SEEDS.value):
            fifth = share_found(seeds, features, 0.2, _STUDIES.value)
            share = detectable(seeds, features, _STUDIES.value)
            print(
                f"{features} features, {seeds} seeds: {share:.3f}; a fifth is found in {100 * fifth:.0f} %", flush=True
            )


if __name__ == "__main__":
    app.run(main)
