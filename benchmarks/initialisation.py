"""How long the states of many runs take to be made on CPU devices and put where they train, compile time apart.

    python -m benchmarks.initialisation [--runs=4096] [--repeats=3]

The states of tune2 are made as for one accelerator, in one group. Where there is none, the first CPU device stands in
for it. On a machine that is shared, CPU seconds by core say more than wall time.
"""

from __future__ import annotations

import sys
import time

import pandas as pd
from absl import app, flags

from benchmarks import bars, results
from momentum_jax.processes import backend_startup
from momentum_jax.processes.machine import usable_cores

_RUNS = flags.DEFINE_integer("runs", 4096, "runs to be made")
_REPEATS = flags.DEFINE_integer("repeats", 3, "timings, after one that compiles")

WANTED_SECONDS = 10.0  # 4 096 runs on 2 cores


def measure(num_runs: int) -> list[dict[str, float]]:
    """Wall and CPU seconds of each time; the first compiles."""
    import jax
    import numpy as np
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    from momentum_jax.env.environment_options import EnvOptions
    from momentum_jax.env.momentum import Momentum, make_market
    from momentum_jax.fields import without_unused
    from momentum_jax.market.dataset import load_segment
    from momentum_jax.ppo.hyper_parameters import PPOConfig
    from momentum_jax.training.initialisation import Initialiser
    from momentum_jax.training.runs import Run

    market = make_market([load_segment(bars.market_config())])
    target = NamedSharding(Mesh(np.asarray(jax.local_devices()[:1]), ("runs",)), PartitionSpec("runs"))
    initialiser = Initialiser(Momentum(), market, jax.local_devices(backend="cpu"), target)
    (config,) = without_unused([PPOConfig()])
    runs = [Run(seed, config, EnvOptions()) for seed in range(num_runs)]
    rows = []
    for _ in range(1 + _REPEATS.value):
        wall, cpu = time.perf_counter(), time.process_time()
        jax.block_until_ready(initialiser.made(runs)())
        rows.append({"wall s": time.perf_counter() - wall, "CPU s": time.process_time() - cpu})
    return rows


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start()
    first, *rows = measure(_RUNS.value)
    table = pd.DataFrame(rows)
    table["CPU ms a run"] = 1e3 * table["CPU s"] / _RUNS.value
    table["CPU s by core"] = table["CPU s"] / usable_cores()
    print(f"\n{_RUNS.value:,} runs of tune2 on {usable_cores()} cores, {bars.describe()}\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print(f"\nmedian {table['wall s'].median():.1f} s (wanted of 4,096 on 2 cores: at most {WANTED_SECONDS:g})")
    print(f"the first time, which compiles: {first['wall s']:.1f} s", file=sys.stderr)
    written = {"bars": bars.describe(), "runs": _RUNS.value, "first": first, "rows": table.to_dict("records")}
    print("written:", results.write("initialisation", written))


if __name__ == "__main__":
    app.run(main)
