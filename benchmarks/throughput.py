"""Environment steps a second of the reference run, beside what the machine can multiply.

    python -m benchmarks.throughput [--seeds=1,8,64] [--updates=20]

Prints compile time apart from run time, the machine's own float32 product rate measured in the same process before
and after, and the share of it that is reached, counted in operations really executed.
"""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import pandas as pd
from absl import app, flags

from momentum_jax import runtime

_SEEDS = flags.DEFINE_list("seeds", ["1", "8", "64"], "numbers of seeds to time")
_UPDATES = flags.DEFINE_integer("updates", 20, "updates of each seed in one timing")
_REPEATS = flags.DEFINE_integer("repeats", 3, "timings, of which the median is quoted")
_DATA = flags.DEFINE_string("data", "../shared/data", "folder of the reference run's bars; synthetic where absent")


def main(argv: list[str]) -> None:
    del argv
    runtime.start()
    from benchmarks import products, results
    from benchmarks.market import reference_market

    market = reference_market(_DATA.value)
    rate = products.gflops()
    rows = [_time_seeds(int(count), market, rate) for count in _SEEDS.value]
    table = pd.DataFrame(rows)
    print(f"\nfloat32 products of this machine: {rate:.1f} GFLOP/s before, {products.gflops():.1f} after\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.1f}"))
    print("\nwritten:", results.write("throughput", {"product_gflops": rate, "rows": rows}))


def _time_seeds(num_seeds: int, market: Any, rate: float) -> dict[str, float]:
    import jax

    from benchmarks import products
    from momentum_jax.engine import Engine, Run, default_layout
    from momentum_jax.env.momentum import Momentum
    from momentum_jax.env.options import EnvOptions
    from momentum_jax.ppo.options import PPOConfig

    config = PPOConfig()
    runs = [Run(seed, config, EnvOptions()) for seed in range(num_seeds)]
    started = time.perf_counter()
    engine = Engine(Momentum(), market, runs, default_layout(num_seeds), 196)
    prepared = time.perf_counter() - started
    groups = range(engine.num_groups)
    jax.block_until_ready([engine.update(group) for group in groups])
    rates = []
    for _ in range(_REPEATS.value):
        started = time.perf_counter()
        for _ in range(_UPDATES.value):
            last = [engine.update(group) for group in groups]
        jax.block_until_ready(last)
        rates.append(_UPDATES.value * config.rollout_size * num_seeds / (time.perf_counter() - started))
    median = float(np.median(rates))
    reached = median * products.flops_per_step(config) / 1e9
    return {
        "seeds": num_seeds,
        "steps/s": median,
        "slowest": min(rates),
        "fastest": max(rates),
        "init + compile s": prepared,
        "GFLOP/s": reached,
        "% of products": 100 * reached / rate,
        "max RSS MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    app.run(main)
