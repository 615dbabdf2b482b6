"""Dips of any curves: how often a dip is found where there is none and where there is one, and what bands hold.

    python -m benchmarks.coverage_curves                   minutes; --curve_studies=20 for a look

The tables committed in docs/statistics.md. Curves are simulated, so that the truth is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from absl import app, flags

from benchmarks import results
from momentum_jax.analysis.curves.choices import choose
from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.noise_floors import noise_floors, noise_levels
from momentum_jax.analysis.curves.seed_dips import dips_of
from momentum_jax.analysis.inference.one_more_curve import one_more_curve
from momentum_jax.analysis.inference.order_statistics import median_interval
from momentum_jax.analysis.inference.tail_mean import tail_mean_interval

_STUDIES = flags.DEFINE_integer("curve_studies", 100, "simulated studies for each row")

Floats = npt.NDArray[np.float64]
CHECKPOINTS, EPISODES = 60, 100
STEPS = np.linspace(0, 1, CHECKPOINTS)
# Replicates of each value: evaluations have as many throughout, windows of a run more as its episodes get shorter.
REPLICATES = {"the same": np.full(CHECKPOINTS, 5), "2 early, 20 later": np.where(STEPS < 0.4, 2, 20)}
# True curves that never fall; in standard deviations of the noise where that is the same throughout.
NULLS: dict[str, Callable[[Floats], Floats]] = {
    "flat": lambda time: np.zeros_like(time),
    "rises and levels off": lambda time: 20 * (1 - np.exp(-5 * time)),
    "rises late": lambda time: np.where(time > 0.5, 20.0, 0.0),
}
# Noise [seed, K] of standard deviation about 1.
NOISE: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "the same": lambda rng, seeds: rng.normal(size=(seeds, CHECKPOINTS)),
    "grows threefold": lambda rng, seeds: rng.normal(size=(seeds, CHECKPOINTS)) * (0.5 + STEPS),
    "shrinks threefold": lambda rng, seeds: rng.normal(size=(seeds, CHECKPOINTS)) * (1.5 - STEPS),
    "its own in each seed": lambda rng, seeds: rng.normal(size=(seeds, CHECKPOINTS)) * rng.uniform(0.3, 2, (seeds, 1)),
    "heavy tails (t, 4)": lambda rng, seeds: rng.standard_t(4, (seeds, CHECKPOINTS)) / 2**0.5,
    "lasts (correlation 0.3)": lambda rng, seeds: _lasting(rng, seeds, 0.3),
    "lasts (correlation 0.6)": lambda rng, seeds: _lasting(rng, seeds, 0.6),
    "lasts (correlation 0.9)": lambda rng, seeds: _lasting(rng, seeds, 0.9),
    "mean of 5 checkpoints": lambda rng, seeds: _running_mean(rng, seeds, 5),
    "mean of 20 checkpoints": lambda rng, seeds: _running_mean(rng, seeds, 20),
    "none at the cap": lambda rng, seeds: rng.normal(size=(seeds, CHECKPOINTS)) * (STEPS < 0.4),
    "a random walk": lambda rng, seeds: rng.normal(size=(seeds, CHECKPOINTS)).cumsum(axis=1) / CHECKPOINTS**0.5,
}


def _lasting(rng: np.random.Generator, seeds: int, correlation: float) -> Floats:
    noise = rng.normal(size=(seeds, CHECKPOINTS))
    for k in range(1, CHECKPOINTS):
        noise[:, k] = correlation * noise[:, k - 1] + (1 - correlation**2) ** 0.5 * noise[:, k]
    return noise


def _running_mean(rng: np.random.Generator, seeds: int, width: int) -> Floats:
    """Of the last so many values, as trainers log the mean return of the last episodes."""
    noise = rng.normal(size=(seeds, CHECKPOINTS + width - 1))
    return np.lib.stride_tricks.sliding_window_view(noise, width, axis=1).sum(axis=-1) / width**0.5


def found_percent(
    source: str,
    null: str,
    noise: str,
    num_seeds: int,
    studies: int,
    horizon: str = "25%",
    dip: float = 0.0,
    every: int = 1,
) -> float:
    """Share of seeds whose fall is more than their noise, percent; of those that dip where there is a dip.

    Args:
        source: where the noise is known from, one of `choices.NOISES`.
        null: one of `NULLS`.
        noise: one of `NOISE`; of replicates one of `REPLICATES`; counts have their own.
        num_seeds: of one study.
        studies: simulated.
        horizon: of the analysis.
        dip: depth of a true dip at an eighth of the run, a sixth of the run long, in standard deviations.
        every: of so many seeds one dips.
    """
    rng = np.random.default_rng(0)
    dips_there = np.arange(num_seeds) % every == 0
    bump = dip * np.exp(-(((STEPS - 0.125) / 0.04) ** 2)) * dips_there[:, None]
    found = []
    for _ in range(studies):
        curves = _study(rng, source, NULLS[null](STEPS) - bump, noise, num_seeds)
        found.append(np.mean(_found(curves, source, horizon)[dips_there]))
    return 100 * float(np.mean(found))


def _study(rng: np.random.Generator, source: str, truth: Floats, noise: str, num_seeds: int) -> CurveSet:
    """One arm's curves, with what is known of their noise."""
    if source == "counts":
        # 5 points are a standard deviation of 100 episodes at one half.
        counts = rng.binomial(EPISODES, np.clip(0.5 + 0.05 * truth / 3, 0.02, 0.98), (num_seeds, CHECKPOINTS))
        totals = np.full(counts.shape, float(EPISODES))
        share = (100 * counts / totals)[None]
        return CurveSet(values=share, steps=STEPS, successes=counts[None], totals=totals[None], unit="%")
    if source == "replicates":
        number = REPLICATES[noise]
        each = truth[:, None] + number**0.5 * rng.normal(size=(num_seeds, number.max(), CHECKPOINTS))
        each[:, np.arange(number.max())[:, None] >= number] = np.nan
        return CurveSet(values=np.nanmean(each, axis=1)[None], steps=STEPS, replicates=each[None])
    values = truth + NOISE[noise](rng, num_seeds)
    errors = _spread(noise, num_seeds) if source == "standard_errors" else None
    return CurveSet(values=values[None], steps=STEPS, standard_errors=errors)


def _spread(noise: str, num_seeds: int) -> Floats:
    """True standard deviations ``[1, seed, K]``."""
    course = {"grows threefold": 0.5 + STEPS, "shrinks threefold": 1.5 - STEPS}.get(noise, np.ones(CHECKPOINTS))
    return np.broadcast_to(course, (1, num_seeds, CHECKPOINTS))


def false_rows(studies: int) -> Iterator[dict[str, object]]:
    """How often a dip is found where there is none."""
    for source in ("standard_errors", "counts", "replicates", "estimated"):
        for null in NULLS:
            yield _row(source, null, "the same", 64, studies)
        yield _row(source, "flat", "the same", 64, studies, horizon="100%")
        yield _row(source, "flat", "the same", 8, 8 * studies)
    for seeds in (64, 8):
        yield _row("replicates", "flat", "2 early, 20 later", seeds, 64 * studies // seeds)
    for noise in NOISE:
        if noise != "the same":
            yield _row("estimated", "flat", noise, 64, studies)
            yield _row("estimated", "flat", noise, 8, 8 * studies)
    yield _row("standard_errors", "flat", "grows threefold", 64, studies)
    for noise in ("the same", "lasts (correlation 0.6)", "mean of 20 checkpoints", "a random walk"):
        yield _row("estimated", "flat", noise, 2, 32 * studies)
        yield _row("estimated", "flat", noise, 1, 64 * studies)


def power_rows(studies: int) -> Iterator[dict[str, object]]:
    """How often a dip is found where there is one."""
    for source in ("standard_errors", "replicates", "estimated"):
        for dip in (4.0, 6.0, 8.0):
            yield _row(source, "flat", "the same", 64, studies, dip=dip)
        yield _row(source, "flat", "the same", 64, 4 * studies, dip=8.0, every=4)
        yield _row(source, "flat", "the same", 8, 32 * studies, dip=8.0, every=4)
    for noise in ("heavy tails (t, 4)", "lasts (correlation 0.6)", "none at the cap"):
        yield _row("estimated", "flat", noise, 64, 4 * studies, dip=8.0, every=4)
    for seeds in (1, 2):
        yield _row("estimated", "flat", "the same", seeds, 64 * studies // seeds, dip=8.0)


def short_rows(studies: int) -> Iterator[dict[str, object]]:
    """How often a dip of few checkpoints is found, 15 standard deviations deep, at a place of each seed's own."""
    for source in ("standard_errors", "estimated"):
        for every in (1, 4):
            for lasts in (1, 2, 3, 4, 6):
                found = _short_dips_found(source, every, lasts, studies)
                yield {"noise known from": source, "one seed in": every, "checkpoints": lasts, "found": found}


def _short_dips_found(source: str, every: int, lasts: int, studies: int, num_seeds: int = 32) -> float:
    """Of the seeds that dip those whose fall is more than their noise, percent."""
    rng, dips_there = np.random.default_rng(3), np.arange(num_seeds) % every == 0
    found = []
    for _ in range(studies):
        truth = np.zeros((num_seeds, CHECKPOINTS))
        for seed, place in zip(np.flatnonzero(dips_there), rng.integers(4, 20, dips_there.sum()), strict=True):
            truth[seed, place : place + lasts] = -15
        found.append(np.mean(_found(_study(rng, source, truth, "the same", num_seeds), source, "50%")[dips_there]))
    return 100 * float(np.mean(found))


def _found(curves: CurveSet, source: str, horizon: str) -> npt.NDArray[np.bool_]:
    """``[seed]``: the fall is more than its noise."""
    choices = choose(curves, good="up", threshold="noise", horizon=horizon, noise=source)
    dips = dips_of(curves, choices, 0.0)
    return (dips.depth > noise_floors(curves, choices, noise_levels(curves, choices), dips))[0]


def _row(
    source: str,
    null: str,
    noise: str,
    seeds: int,
    studies: int,
    horizon: str = "25%",
    dip: float = 0.0,
    every: int = 1,
) -> dict[str, object]:
    percent = found_percent(source, null, noise, seeds, studies, horizon, dip, every)
    row = {"noise known from": source, "true curve": null, "noise": noise, "seeds": seeds, "horizon": horizon}
    return row | {"dip": dip, "one seed in": every, "found": percent}


def band_rows(repetitions: int) -> Iterator[dict[str, object]]:
    """Does the band hold the whole curve of one more run, and the interval one step of it?"""
    for kind in ("normal", "skewed", "smooth"):
        for seeds in (8, 19, 32, 64, 256):
            yield {"curves": kind, "seeds": seeds} | band_coverage(kind, seeds, repetitions)


def band_coverage(kind: str, seeds: int, repetitions: int) -> dict[str, float]:
    rng = np.random.default_rng(1)
    inside, confidence, widths = [], [], []
    for _ in range(repetitions):
        curves = _curves(rng, kind, seeds + 200)
        band = one_more_curve(curves[:seeds])
        new = curves[seeds:]
        inside.append(np.mean(((new >= band.low) & (new <= band.high)).all(axis=-1)))
        confidence.append(band.confidence)
        widths.append(np.mean(band.high - band.low))
    return {"held": 100 * np.mean(inside), "promised": 100 * np.mean(confidence), "width": float(np.mean(widths))}


def _curves(rng: np.random.Generator, kind: str, number: int) -> Floats:
    noise = rng.normal(size=(number, CHECKPOINTS))
    if kind == "skewed":
        return np.exp(0.7 * noise) * (1 + STEPS)
    if kind == "smooth":
        return rng.normal(size=(number, 1)) + rng.normal(size=(number, 1)) * STEPS + 0.1 * noise
    return noise + 3 * STEPS


def interval_rows(repetitions: int) -> Iterator[dict[str, object]]:
    """Coverage of the mean depth of the worst seeds, and of the median, of skewed depths."""
    rng = np.random.default_rng(2)
    population = rng.exponential(1.0, 4_000_000)
    for seeds, share in ((100, 0.1), (256, 0.1), (200, 0.05), (256, 0.05), (1_000, 0.05)):
        truth = 1 + np.log(1 / share)
        drawn = rng.choice(population, (repetitions, seeds))
        ends = [tail_mean_interval(row, share) for row in drawn]
        held = np.mean([one.low <= truth <= one.high for one in ends])
        yield {"interval of": f"worst {100 * share:g} % (CVaR)", "seeds": seeds, "held": 100 * held}
    for seeds in (8, 32, 64):
        low, high = median_interval(rng.choice(population, (seeds, 20 * repetitions)))
        held = np.mean((low <= np.log(2)) & (np.log(2) <= high))
        yield {"interval of": "median depth", "seeds": seeds, "held": 100 * held}


def main(argv: list[str]) -> None:
    del argv
    studies = _STUDIES.value
    parts = {
        "false": false_rows(max(studies // 10, 1)),
        "power": power_rows(max(studies // 10, 1)),
        "short": short_rows(max(studies // 10, 1)),
        "bands": band_rows(studies),
        "intervals": interval_rows(4 * studies),
    }
    tables = {name: pd.DataFrame(list(rows)) for name, rows in parts.items()}
    for name, table in tables.items():
        print(f"\n{name}\n{table.to_string(index=False, float_format=lambda value: f'{value:.1f}')}")
    print("written:", results.write("coverage_curves", {name: t.to_dict("records") for name, t in tables.items()}))


if __name__ == "__main__":
    app.run(main)
