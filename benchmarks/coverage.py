"""Do intervals cover, and do tests keep their level? The table committed in docs/statistics.md.

    python -m benchmarks.coverage                   a few minutes; --repetitions=200 for a look

Truth is known because the seeds are simulated. Wilson's coverage is summed exactly, all else is a share of
repetitions with its own simulation error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from absl import app, flags
from scipy import stats

from benchmarks import results
from benchmarks.coverage_depth import WIGGLE, depth_coverage, wrongly_supported
from benchmarks.coverage_noise import STEPS, STICKINESS, dips_found_on_spy, false_dips
from momentum_jax.analysis.inference.bands import simultaneous_band
from momentum_jax.analysis.inference.intervals import wilson_interval
from momentum_jax.analysis.inference.paired import compare_means, compare_shares
from momentum_jax.analysis.inference.resampling import Centre, bca_bounds, draw_centres, resample_counts

_REPETITIONS = flags.DEFINE_integer("repetitions", 2_000, "simulated studies for each row")

LOOKS = (8, 16, 24, 32, 40, 48, 56, 64)
_BCA_REPETITIONS = 6_000  # two seconds a row: a simulation error of 0.3 points

Floats = npt.NDArray[np.float64]
Row = tuple[str, str, int, float, str]


class Process(NamedTuple):
    """A distribution of one number per seed with its true mean."""

    draw: Callable[[np.random.Generator, tuple[int, ...]], Floats]
    mean: float


def _some_without_a_dip(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.where(rng.random(shape) < 0.3, 0.0, rng.gamma(2.0, 5.0, shape))


PROCESSES = {
    "gamma, shape 2": Process(lambda rng, shape: rng.gamma(2.0, 1.0, shape), 2.0),
    "exponential": Process(lambda rng, shape: rng.exponential(1.0, shape), 1.0),
    "log-normal, σ 0.5": Process(lambda rng, shape: rng.lognormal(0.0, 0.5, shape), float(np.exp(0.125))),
    "30 % zeros, else gamma": Process(_some_without_a_dip, 7.0),
    "log-normal, σ 1": Process(lambda rng, shape: rng.lognormal(0.0, 1.0, shape), float(np.exp(0.5))),
}


def wilson_coverage(num_seeds: int, shares: int = 999) -> float:
    """Mean coverage over evenly spread true shares, exact, percent."""
    truth = (np.arange(shares) + 0.5) / shares
    bounds = [wilson_interval(k, num_seeds) for k in range(num_seeds + 1)]
    low, high = np.array([[bound.low, bound.high] for bound in bounds]).T
    chance = stats.binom.pmf(np.arange(num_seeds + 1)[:, None], num_seeds, truth)
    covers = (low[:, None] <= truth) & (truth <= high[:, None])
    return 100 * float((chance * covers).sum(axis=0).mean())


def bca_coverage(process: Process, num_seeds: int, repetitions: int, seed: int = 0) -> float:
    """Coverage of the BCa interval of the mean, percent."""
    rng = np.random.default_rng(seed)
    covered = []
    for start in range(0, repetitions, 200):
        values = process.draw(rng, (num_seeds, min(200, repetitions - start)))
        draws = draw_centres(values, resample_counts(num_seeds, 4_999, int(rng.integers(2**31))), "mean")
        jackknife = (values.sum(axis=0) - values) / (num_seeds - 1)
        low, high = bca_bounds(draws, values.mean(axis=0), jackknife, 0.95)
        covered.append((low <= process.mean) & (process.mean <= high))
    return 100 * float(np.concatenate(covered).mean())


def band_coverage(centre: Centre, num_seeds: int, repetitions: int, skewed: bool = False, seed: int = 0) -> float:
    """Share of simultaneous bands that hold the whole true curve, percent.

    Curves are random walks that forget (correlation 0.9 a checkpoint); skewed ones are exponentials of them.
    """
    rng = np.random.default_rng(seed)
    covered = 0
    for _ in range(repetitions):
        noise = rng.standard_normal((num_seeds, len(STEPS)))
        for k in range(1, len(STEPS)):
            noise[:, k] = 0.9 * noise[:, k - 1] + np.sqrt(1 - 0.81) * noise[:, k]
        curves = np.exp(0.5 * noise) - np.exp(0.125) if skewed else noise
        band = simultaneous_band(curves, centre, draws=999, seed=int(rng.integers(2**31)))
        covered += bool(((band.low <= 0) & (band.high >= 0)).all())
    return 100 * covered / repetitions


def newcombe_coverage(num_seeds: int, repetitions: int, seed: int = 0) -> float:
    """Coverage of the paired difference of two prevalences of correlated seeds, percent."""
    rng = np.random.default_rng(seed)
    covered = 0
    for _ in range(repetitions):
        first = rng.random(num_seeds)
        second = np.where(rng.random(num_seeds) < 0.5, first, rng.random(num_seeds))
        difference = compare_shares(first < 0.8, second < 0.5).difference
        covered += difference.low <= 0.3 <= difference.high
    return 100 * covered / repetitions


def sign_flip_level(num_seeds: int, repetitions: int, seed: int = 0) -> float:
    """How often two equal arms differ at 5 %, percent."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(repetitions):
        arm, reference = rng.exponential(1.0, (2, num_seeds))
        found += compare_means(arm, reference).p_value <= 0.05
    return 100 * found / repetitions


def level_when_looked_at_again(looks: Sequence[int], repetitions: int, level: float = 0.05, seed: int = 0) -> float:
    """How often two equal arms are called different by whoever adds pairs until they differ, percent.

    Args:
        looks: pairs at each look, ascending.
        repetitions: simulated studies.
        level: of the sign-flip test at each look.
        seed: of the simulation.
    """
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(repetitions):
        arm, reference = rng.exponential(1.0, (2, looks[-1]))
        found += any(compare_means(arm[:pairs], reference[:pairs]).p_value <= level for pairs in looks)
    return 100 * found / repetitions


def noise_rows(repetitions: int) -> list[Row]:
    """Levels and power of the noise test; the number of seeds is that of a study."""
    rows: list[Row] = []
    cases = [(kind, sticky, 64) for kind in ("flat", "rising", "late rise") for sticky in ("0", "0.6")]
    cases += [("flat", sticky, seeds) for sticky in STICKINESS for seeds in (64, 8, 2, 1)]
    for kind, sticky, seeds in dict.fromkeys(cases):
        found = false_dips(kind, repetitions, sticky, seeds)
        rows.append(("dips found where there is none", f"{kind}, decisions correlated {sticky}", seeds, found, "<= 5"))
    rows.append(
        ("dips found, HOLD from step 5 000", "tune2 on SPY, 69 % rise by 5 points", 64, dips_found_on_spy(), "")
    )
    return rows


def depth_rows(repetitions: int) -> list[Row]:
    """Mean depths where few seeds dip by 20 points: false claims that it is small, and coverage."""
    rows: list[Row] = []
    for wiggle in (0.0, WIGGLE):
        for seeds in (6, 8, 16, 32, 64):
            found = wrongly_supported(seeds, repetitions, wiggle=wiggle)
            others = f"others up to {wiggle:g}" if wiggle else "others 0"
            rows.append(("mean depth at most half of it, supported", f"5 % dip by 20, {others}", seeds, found, "<= 5"))
    for method, name in (("BCa", "BCa 95 % of a mean depth"), ("claims", "claims' 95 % of a mean depth")):
        for prevalence in (0.05, 0.1, 0.2):
            for seeds in (8, 16, 64):
                covered = depth_coverage(method, seeds, prevalence, repetitions)
                wanted = ">= 95" if method == "claims" else ""
                rows.append((name, f"{100 * prevalence:g} % dip by 20", seeds, covered, wanted))
    return rows


def table(repetitions: int) -> pd.DataFrame:
    """Every row: what was measured, on what, how much, and what was wanted."""
    rows: list[Row] = []
    for seeds in (8, 16, 32, 64):
        rows.append(("Wilson 95 %", "mean over p", seeds, wilson_coverage(seeds), "93-97"))
    for name, process in PROCESSES.items():
        for seeds in (32, 64):
            wanted = ">= 91" if seeds == 64 else ""
            covered = bca_coverage(process, seeds, max(repetitions, _BCA_REPETITIONS))
            rows.append(("BCa 95 % of a mean", name, seeds, covered, wanted))
    for centre, skewed in (("mean", False), ("mean", True), ("median", False), ("iqm", False)):
        for seeds in (16, 32, 64):
            what = "skewed curves" if skewed else "normal curves"
            covered = band_coverage(centre, seeds, repetitions, skewed)  # type: ignore[arg-type]
            rows.append((f"simultaneous 95 % band, {centre}", what, seeds, covered, ">= 93" if seeds > 16 else ""))
    rows += noise_rows(repetitions)
    rows += depth_rows(repetitions)
    rows.append(("Newcombe 95 %, paired", "0.8 against 0.5", 32, newcombe_coverage(32, repetitions), ""))
    rows.append(("sign-flip test at 5 %", "equal skewed arms", 32, sign_flip_level(32, min(repetitions, 500)), "<= 5"))
    for level in (0.05, 0.05 / len(LOOKS)):
        found = level_when_looked_at_again(LOOKS, min(repetitions, 500), level)
        wanted = "" if level == 0.05 else "<= 5"
        rows.append(
            (
                "sign-flip test, looked at after every 8 pairs",
                f"equal skewed arms, {100 * level:.2g} % a look",
                64,
                found,
                wanted,
            )
        )
    return pd.DataFrame(rows, columns=["method", "on", "seeds", "percent", "wanted"])


def main(argv: list[str]) -> None:
    del argv
    measured = table(_REPETITIONS.value)
    print(measured.to_string(index=False, float_format=lambda value: f"{value:.1f}"))
    print(
        "written:", results.write("coverage", {"repetitions": _REPETITIONS.value, "rows": measured.to_dict("records")})
    )


if __name__ == "__main__":
    app.run(main)
