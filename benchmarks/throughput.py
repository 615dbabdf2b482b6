"""Environment steps a second of the reference run, beside what the machine can multiply.

    python -m benchmarks.throughput [--seeds=1,8,64] [--updates=20]

Prints compile time apart from run time, the machine's own float32 product rate measured in the same process before
and after, and the share of it that is reached, counted in operations really executed.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from absl import app, flags

from benchmarks import bars, ours
from momentum_jax.processes import backend_startup
from momentum_jax.processes.machine import peak_memory

_SEEDS = flags.DEFINE_list("seeds", ["1", "8", "64"], "numbers of seeds to time")
_UPDATES = flags.DEFINE_integer("updates", 20, "updates of each seed in one timing")
_REPEATS = flags.DEFINE_integer("repeats", 3, "timings, of which the median is quoted")


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start()
    from benchmarks import products, results

    rate = products.gflops()
    rows = [_time_seeds(int(count), rate) for count in _SEEDS.value]
    table = pd.DataFrame(rows)
    print(f"\nfloat32 products of this machine: {rate:.1f} GFLOP/s before, {products.gflops():.1f} after\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.1f}"))
    result = {"bars": bars.describe(), "product_gflops": rate, "rows": rows}
    print("\nwritten:", results.write("throughput", result))


def _time_seeds(num_seeds: int, rate: float) -> dict[str, float]:
    from benchmarks import products
    from momentum_jax.ppo.hyper_parameters import PPOConfig

    prepared = ours.prepare(num_seeds)
    ours.advance(prepared, 1)
    rates = []
    for _ in range(_REPEATS.value):
        started = time.perf_counter()
        steps = ours.advance(prepared, _UPDATES.value)
        rates.append(steps / (time.perf_counter() - started))
    median = float(np.median(rates))
    reached = median * products.flops_per_step(PPOConfig()) / 1e9
    return {
        "seeds": num_seeds,
        "steps/s": median,
        "slowest": min(rates),
        "fastest": max(rates),
        "init + compile s": prepared.seconds,
        "GFLOP/s": reached,
        "% of products": 100 * reached / rate,
        "max RSS MB": peak_memory() / 1e6,
    }


if __name__ == "__main__":
    app.run(main)
