"""Peak memory and speed of runs with 8, 64 and 512 seeds, the same group width in all.

    python -m benchmarks.memory [--seeds=8,64,512] [--work=400000]

Every run is a launch.py of its own, from the command to the report; what a further seed costs is taken from training
alone. The fewer its seeds, the longer it trains, so that each has about `work` environment steps to be timed on.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from absl import app, flags

from benchmarks import bars, results
from benchmarks.launched import Launch

_SEEDS = flags.DEFINE_list("seeds", ["8", "64", "512"], "numbers of seeds, the least first")
_WORK = flags.DEFINE_integer("work", 400_000, "environment steps of each run, all seeds together, at least")
_GROUP_WIDTH = flags.DEFINE_integer("group_width", 4, "runs of a group on each device, the same in all")

LEAST_STEPS = 8_192  # of a seed: 16 updates
CHECKPOINT_EVERY = 2_048  # as often in short runs as in long ones: a checkpoint costs time
FLAT_PERCENT = 10.0


def measure(num_seeds: int) -> dict[str, Any]:
    """Peak memory of one run, and steps a second by its own log."""
    timesteps = max(LEAST_STEPS, _WORK.value // num_seeds)
    checkpoints = ",".join(map(str, range(CHECKPOINT_EVERY, timesteps + 1, CHECKPOINT_EVERY)))
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--experiment=tune2", f"--num_seeds={num_seeds}", f"--timesteps={timesteps}", *bars.launch_flags()]
        arguments += [f"--checkpoints={checkpoints}", f"--group_width={_GROUP_WIDTH.value}", f"--run_dir={folder}/run"]
        with Launch(arguments) as launch:
            peak = launch.peak_megabytes()
        log = (Path(folder) / "run" / "log.txt").read_text()
    found = re.search(r"trained ([\d,]+) environment steps in .*?, ([\d,]+) steps/s, peak host memory ([\d,]+) MB", log)
    if not found:
        raise RuntimeError(f"log.txt does not say how fast the run was: its last line is {log.splitlines()[-1]!r}")
    steps, rate, training = (int(group.replace(",", "")) for group in found.groups())
    return {"seeds": num_seeds, "steps": steps, "peak MB": training, "with report": peak, "steps/s": rate}


def main(argv: list[str]) -> None:
    del argv
    rows = []
    for count in _SEEDS.value:
        print(f"training {count} seeds", file=sys.stderr)
        try:
            rows.append(measure(int(count)))
        except RuntimeError as error:
            sys.exit(f"benchmarks.memory: {error}")
    table = pd.DataFrame(rows)
    table["MB per further seed"] = table["peak MB"].diff() / table["seeds"].diff()
    print(f"\ntune2 on {bars.describe()}, group width {_GROUP_WIDTH.value}\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.2f}", na_rep=""))
    rates = table["steps/s"]
    spread = 100.0 * (rates.max() - rates.min()) / rates.median()
    print(f"\nsteps/s differ by {spread:.0f} % of their median (wanted: at most {FLAT_PERCENT:g})")
    written = {"bars": bars.describe(), "group_width": _GROUP_WIDTH.value, "spread_percent": spread}
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    print("written:", results.write("memory", written | {"rows": rows}))


if __name__ == "__main__":
    app.run(main)
