"""How long `python -m momentum_jax.evaluate` takes: 64 seeds on 22 days, eight policies side by side, with its page.

    python -m benchmarks.evaluation_speed [--evaluated_seeds=64]

Trains each seed for one update, then evaluates the run in processes of their own: the first compiles everything, the
second finds its programs in the cache. Seconds on the clock stand beside those of the processors and the load of the
machine, for on a machine that others use too the clock tells little.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from absl import app, flags

_SEEDS = flags.DEFINE_integer("evaluated_seeds", 64, "seeds of the evaluated run", lower_bound=1)

_DATES = ["--data_part=train", "--train_end=2024-02-09", "--validation_end=2024-02-26"]


def main(argv: list[str]) -> None:
    del argv
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        environment = {**os.environ, "MOMENTUM_JAX_CACHE": str(Path(folder) / "cache")}
        small = [f"--num_seeds={_SEEDS.value}", "--timesteps=512", "--checkpoints=512", *_DATES, f"--run_dir={run_dir}"]
        _timed([sys.executable, "launch.py", "--experiment=tune2", *small], environment)
        command = [sys.executable, "-m", "momentum_jax.evaluate", str(run_dir), "--data_part=test"]
        for programs in ("compiled", "from the cache"):
            clock, processors = _timed(command, environment)
            load = os.getloadavg()[0]
            print(
                f"{_SEEDS.value} seeds × 22 days × 8 policies, programs {programs}: {clock:.1f} s on the clock, "
                f"{processors:.1f} s of {os.cpu_count()} processors, load {load:.1f}"
            )


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds on the clock and of the processors."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, used


if __name__ == "__main__":
    app.run(main)
