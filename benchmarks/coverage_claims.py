"""Sizes and power of the tests of designed claims: equivalence, a share of another arm, trends, families by Holm.

python -m benchmarks.coverage_claims
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.step_down import judge_step_down
from momentum_jax.analysis.claims.verdicts import judge
from momentum_jax.analysis.inference.verdict import Verdict
from momentum_jax.config import Claim, Criterion
from momentum_jax.env.momentum_diagnostics import MOMENTUM

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], dict[str, Floats]]

STEP, SPREAD, MARGIN, ROOM = 5_000, 3.0, 2.0, 70.0
CHANGE = Criterion(arm="a", metric="hold_pct", quantity="change", counted="exact", step=STEP)
WITHIN = dataclasses.replace(CHANGE, equivalence=True, minimum=-MARGIN, maximum=MARGIN)
HALF = dataclasses.replace(CHANGE, versus="b", versus_share=0.5, minimum=0.0)
RISING = dataclasses.replace(CHANGE, along=("b", "c", "d"), minimum=0.0)


class SimulatedNumbers(RunNumbers):
    """Stands for a run whose arms have these numbers ``[seed]``, whatever is asked of them."""

    def __init__(self, **arms: Floats) -> None:
        config = {"arms": [{"name": name, "env": {}, "ppo": {}} for name in arms], "diagnostics": MOMENTUM.to_json()}
        steps, seeds = ("checkpoint", [0, STEP]), range(len(next(iter(arms.values()))))
        super().__init__(
            xr.Dataset({"env_steps": steps}, {"arm": list(arms), "seed": seeds}, {"config": json.dumps(config)})
        )
        self.arms = arms

    def per_seed(self, criterion: Criterion, counted: str, arm: str) -> Floats:
        return np.asarray(self.arms[arm], float)

    def room(self, criterion: Criterion, counted: str, arm: str) -> float:
        return ROOM


def claim(*criteria: Criterion, name: str = "claim") -> Claim:
    return Claim(name=name, statement="", criteria=criteria)


def shifted(mean: float, skewed: bool = False) -> Draw:
    """One arm with this mean and a spread of 3 points, normal or exponential."""

    def draw(rng: np.random.Generator, seeds: int) -> dict[str, Floats]:
        noise = rng.exponential(SPREAD, seeds) - SPREAD if skewed else rng.normal(0, SPREAD, seeds)
        return {"a": mean + noise}

    return draw


def halves(rng: np.random.Generator, seeds: int) -> dict[str, Floats]:
    """An arm with exactly half of another's mean."""
    return {"a": rng.normal(10, 4, seeds), "b": rng.normal(20, 4, seeds)}


def rising(slope: float) -> Draw:
    """Four arms whose means rise by so much from one to the next."""

    def draw(rng: np.random.Generator, seeds: int) -> dict[str, Floats]:
        return {name: rng.normal(slope * place, SPREAD, seeds) for place, name in enumerate("abcd")}

    return draw


def supported(criterion: Criterion, draw: Draw, seeds: int, repetitions: int) -> float:
    """How many studies of a hundred support a claim."""
    rng = np.random.default_rng(5)
    verdicts = [judge(SimulatedNumbers(**draw(rng, seeds)), claim(criterion)).verdict for _ in range(repetitions)]
    return 100 * verdicts.count(Verdict.SUPPORTED) / repetitions


def family_wise(true_nulls: int, seeds: int, repetitions: int) -> float:
    """How many studies of a hundred support any of so many claims "above 0" where every mean is 0."""
    rng, wrong = np.random.default_rng(3), 0
    names = [f"arm_{number}" for number in range(true_nulls)]
    claims = [claim(dataclasses.replace(CHANGE, arm=name, minimum=0.0), name=name) for name in names]
    for _ in range(repetitions):
        run = SimulatedNumbers(**{name: rng.normal(0, 1, seeds) for name in names})
        wrong += any(found.verdict == Verdict.SUPPORTED for found in judge_step_down(run, claims))
    return 100 * wrong / repetitions


def table(seeds: int = 64, repetitions: int = 1_000) -> pd.DataFrame:
    """A row per case: what is claimed, what is true, and how many studies of a hundred support it."""
    cases = [
        ("within ±2", "mean 2, normal", WITHIN, shifted(MARGIN)),
        ("within ±2", "mean 2, exponential", WITHIN, shifted(MARGIN, skewed=True)),
        ("within ±2", "mean −2, exponential", WITHIN, shifted(-MARGIN, skewed=True)),
        ("within ±2", "mean 0, normal", WITHIN, shifted(0.0)),
        ("within ±2", "mean 1, normal", WITHIN, shifted(1.0)),
        ("more than half", "exactly half", HALF, halves),
        ("rises along 4 arms", "flat", RISING, rising(0.0)),
        ("rises along 4 arms", "0.5 points an arm", RISING, rising(0.5)),
    ]
    rows = [
        {"claimed": claimed, "true": true, "seeds": seeds, "percent": supported(criterion, draw, seeds, repetitions)}
        for claimed, true, criterion, draw in cases
    ]
    family = family_wise(12, seeds, repetitions // 10)
    return pd.DataFrame([*rows, {"claimed": "any of 12", "true": "none", "seeds": seeds, "percent": family}])


def main() -> None:
    print(table().to_string(index=False))


if __name__ == "__main__":
    main()
