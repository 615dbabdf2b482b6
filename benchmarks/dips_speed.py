"""How long `momentum_jax.dips.analyze` takes: 1 000 seeds × 100 checkpoints, every table, bootstrap and noise floor.

python -m benchmarks.dips_speed                 seconds; the processor's time, for other programs may share it
"""

from __future__ import annotations

import time

import numpy as np
from absl import app, flags

from benchmarks import results
from momentum_jax.dips import analyze

_SEEDS = flags.DEFINE_integer("num_seeds", 1_000, "seeds")
_CHECKPOINTS = flags.DEFINE_integer("num_checkpoints", 100, "checkpoints")
_ARMS = flags.DEFINE_integer("num_arms", 1, "arms")

MAX_SECONDS = 10.0


def simulate(arms: int, seeds: int, checkpoints: int) -> np.ndarray:
    """``[arm, seed, K]``: rising noisy curves, of which a third dip early."""
    rng, clock = np.random.default_rng(0), np.linspace(0, 1, checkpoints)
    dips = 30 * (rng.random((arms, seeds, 1)) < 1 / 3) * np.exp(-(((clock - 0.15) / 0.05) ** 2))
    return 100 * (1 - np.exp(-4 * clock)) - dips + rng.normal(0, 2, (arms, seeds, checkpoints))


def measure(curves: np.ndarray, noise: str, horizon: str) -> dict[str, object]:
    """Seconds of one analysis, on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    found = analyze(curves, good="up", noise=noise, horizon=horizon)
    seconds = {"seconds": time.perf_counter() - clock, "cpu_seconds": time.process_time() - processor}
    return {"noise": noise, "horizon": horizon} | seconds | {"json_bytes": len(found.to_json())}


def main(argv: list[str]) -> None:
    del argv
    curves = simulate(_ARMS.value, _SEEDS.value, _CHECKPOINTS.value)
    cases = [("exact", "25%"), ("estimated", "25%"), ("estimated", "100%")]
    rows = [measure(curves, noise, horizon) for noise, horizon in cases]
    print(f"{curves.shape} [arm, seed, checkpoint] (wanted < {MAX_SECONDS:g} s of two cores)")
    for row in rows:
        print(f"noise {row['noise']}, horizon {row['horizon']}: {row['cpu_seconds']:.1f} s of the processor")
    print("written:", results.write("dips_speed", {"shape": list(curves.shape), "rows": rows}))


if __name__ == "__main__":
    app.run(main)
