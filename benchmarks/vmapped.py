"""Against `jit(vmap(train))` with stored observations, as the well-known single-file JAX PPO does it.

    python -m benchmarks.vmapped [--rounds=5] [--data=../shared/data]

Both sides learn tune2 on the same bars, in processes of their own and timed in turns: the single file on one device
with all threads (XLA's defaults) and with single-threaded products, ours on one device for each core. Before it is
timed, the single file has to have learnt the same: mean HOLD % over its first 5 120 steps and 8 seeds near ours.
"""

from __future__ import annotations

import sys

import numpy as np
from absl import app, flags

from benchmarks import bars, contest, results

_ROUNDS = flags.DEFINE_integer("rounds", 5, "timings of each side, in turns")

SEEDS = 8
MARGIN_POINTS = 3.0
_SINGLE_THREADED = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}


def sides() -> list[contest.Side]:
    """Ours first, with many seeds and with one."""

    def command(module: str, num_seeds: int, *more: str) -> list[str]:
        module_flags = [f"--num_seeds={num_seeds}", f"--data={bars.DATA.value}", *more]
        return [sys.executable, "-m", f"benchmarks.{module}", *module_flags]

    several, stretch = f"{SEEDS} seeds", "--stretch=5"
    single_file = command("single_file_worker", SEEDS, stretch)
    return [
        contest.Side(f"ours, {several}", command("ours_worker", SEEDS)),
        contest.Side(f"vmapped, {several}", single_file),
        contest.Side(f"vmapped, {several}, single-threaded products", single_file, environment=_SINGLE_THREADED),
        contest.Side("ours, 1 seed", command("ours_worker", 1)),
        contest.Side("single file, 1 seed", command("single_file_worker", 1, stretch)),
    ]


def learns_the_same(ours: list[float], theirs: list[float]) -> tuple[str, bool]:
    """A line that compares HOLD % [seeds] of both sides, and whether their means agree."""
    difference = np.mean(theirs) - np.mean(ours)
    line = (
        f"HOLD % of the first 5 120 steps, mean ± sd of {len(ours)} seeds: ours {np.mean(ours):.1f} ± "
        f"{np.std(ours, ddof=1):.1f}, single file {np.mean(theirs):.1f} ± {np.std(theirs, ddof=1):.1f}"
    )
    return line, bool(abs(difference) <= MARGIN_POINTS)


def main(argv: list[str]) -> None:
    del argv
    try:
        result = contest.play(sides(), _ROUNDS.value)
    except contest.WorkerError as error:
        sys.exit(f"benchmarks.vmapped: {error}")
    mine, theirs = (facts[0]["hold_pct"] for facts in list(result.facts.values())[:2])
    line, agree = learns_the_same(mine, theirs)
    if not agree:
        sys.exit(f"benchmarks.vmapped: the single file learns something else ({line}): its speed means nothing")
    names = list(result.rates.columns)
    tables = [contest.summary(result.rates[part], part[0]) for part in (names[:3], names[3:])]
    print(f"\ntune2 on {bars.describe()}\n{line}\n")
    for table in tables:
        print(table.to_string(index=False, float_format=lambda value: f"{value:,.1f}") + "\n")
    written = {
        "bars": bars.describe(),
        "hold_pct": {"ours": mine, "single_file": theirs},
        "rows": [row for table in tables for row in table.to_dict("records")],
        "rounds": result.rates.to_dict("records"),
    }
    print("written:", results.write("vmapped", written))


if __name__ == "__main__":
    app.run(main)
