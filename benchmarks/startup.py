"""Seconds from the command `launch.py` to the first checkpoint after step 0, with an empty and a filled cache.

    python -m benchmarks.startup [--repeats=3] [--num_seeds=8]

The first checkpoint is the first line that begins with "step ", or the file of step 1 000, whichever comes first; the
run is then ended. A last start under `python -X importtime` says what the imports cost; it is not among those timed.
"""

from __future__ import annotations

import collections
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from absl import app, flags

from benchmarks import bars, results
from benchmarks.launched import Launch, checkpoint_file
from momentum_jax.processes.backend_startup import CACHE_VARIABLE

_REPEATS = flags.DEFINE_integer("repeats", 3, "starts with an empty cache, each followed by one with a filled cache")
_NUM_SEEDS = flags.DEFINE_integer("num_seeds", 8, "seeds of the run")
_PACKAGES = flags.DEFINE_integer("packages", 12, "packages named in the table of imports")

FIRST_STEP = 1_000
WANTED_SECONDS = {"cold": 25.0, "warm": 10.0}
_POLL_SECONDS = 0.02


def start(cache: str, interpreter_flags: Sequence[str] = ()) -> tuple[dict[str, float], list[str]]:
    """Start a run and end it at its first checkpoint.

    Returns:
      Seconds of the parts of the start and in total, and the lines on standard error.

    Raises:
      RuntimeError: the run ended before it.
    """
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        arguments = ["--experiment=tune2", f"--num_seeds={_NUM_SEEDS.value}", f"--run_dir={run_dir}"]
        with Launch([*arguments, *bars.launch_flags()], {CACHE_VARIABLE: cache}, interpreter_flags) as launch:
            total = _first_checkpoint(launch, checkpoint_file(run_dir, FIRST_STEP))
    marks = {"imports and data": "tune2:", "init and compile": "compiled for"}
    at = {part: _first_line(launch, text) for part, text in marks.items()}
    parts, before = {}, 0.0
    for part, seconds in at.items():
        parts[part], before = seconds - before, seconds
    return parts | {"training": total - before, "total": total}, launch.errors


def _first_checkpoint(launch: Launch, file: Path) -> float:
    """Seconds until the checkpoint is printed or written."""
    while launch.running:
        printed = [line.seconds for line in list(launch.lines) if line.text.startswith("step ")]
        if printed:
            return printed[0]
        if file.exists():
            return launch.seconds
        time.sleep(_POLL_SECONDS)
    launch.wait()
    raise RuntimeError(f"launch.py ended before its first checkpoint: {launch.last_error()}")


def _first_line(launch: Launch, beginning: str) -> float:
    """When a line with this beginning was printed; NaN if it never was."""
    return next((line.seconds for line in launch.lines if line.text.startswith(beginning)), float("nan"))


def imports(errors: Sequence[str]) -> pd.DataFrame:
    """Seconds by package of `-X importtime`, a package's own modules only, the slowest first."""
    seconds: collections.Counter[str] = collections.Counter()
    for line in errors:
        cells = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and cells[0].strip().isdigit():
            seconds[cells[2].strip().split(".")[0]] += int(cells[0]) / 1e6
    rows = [*seconds.most_common(), ("all together", sum(seconds.values()))]
    return pd.DataFrame(rows, columns=["package", "seconds"])


def _measure() -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """A row for each start, and the table of imports of one more start with a filled cache."""
    rows: list[dict[str, Any]] = []
    for number in range(_REPEATS.value):
        with tempfile.TemporaryDirectory() as cache:
            for state in WANTED_SECONDS:
                print(f"start {number + 1} of {_REPEATS.value}, {state}", file=sys.stderr)
                rows.append({"cache": state, **start(cache)[0]})
            if number == _REPEATS.value - 1:
                package_seconds = imports(start(cache, ["-X", "importtime"])[1])
    return rows, package_seconds


def main(argv: list[str]) -> None:
    del argv
    try:
        rows, package_seconds = _measure()
    except RuntimeError as error:
        sys.exit(f"benchmarks.startup: {error}")
    starts = pd.DataFrame(rows)
    medians = starts.groupby("cache").median().reset_index()
    medians["wanted"] = medians["cache"].map(WANTED_SECONDS)
    print(f"\ntune2, {_NUM_SEEDS.value} seeds on {bars.describe()}: seconds, medians of {_REPEATS.value} starts\n")
    print(medians.to_string(index=False, float_format=lambda value: f"{value:.1f}"))
    print("\nimports, each package's own modules:\n")
    shown = pd.concat([package_seconds.head(_PACKAGES.value), package_seconds.tail(1)])
    print(shown.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    written = {"bars": bars.describe(), "starts": rows, "medians": medians.to_dict("records")}
    print("\nwritten:", results.write("startup", written | {"imports": package_seconds.to_dict("records")}))


if __name__ == "__main__":
    app.run(main)
