"""What the parts of the benchmark share: sizes, where results go, and what the parts are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

OUTPUT = flags.DEFINE_string("output", "runs/accelerator", "folder of results and logs: some megabytes")
RUNS_DIR = flags.DEFINE_string("runs_dir", None, "folder of the runs that are trained, gigabytes; default OUTPUT/runs")
GOLDEN = flags.DEFINE_string("golden", "../shared/golden", "folder of the golden records")
TINY = flags.DEFINE_boolean("tiny", None, "run at a tiny size; default where there is no accelerator")


class Sizes(NamedTuple):
    """How much each part does."""

    widths: tuple[tuple[str, int], ...]  # (precision, seeds) in order of importance
    updates: int  # of each seed in one timing
    rival_seeds: int
    curve_seeds: int
    curve_steps: tuple[int, ...]  # of the reference's curves to compare at
    resume_seeds: int
    resume_steps: int
    many_seeds: int
    many_steps: int
    profile_seeds: int
    roof: int  # side of the large product; its square is the number of floats copied


FULL = Sizes(
    widths=(
        ("float32", 1024),
        ("tf32", 1024),
        ("float32", 2048),
        ("tf32", 2048),
        ("float32", 64),
        ("float32", 256),
        ("float32", 4096),
        ("tf32", 4096),
        ("tf32", 64),
        ("tf32", 256),
    ),
    updates=6,
    rival_seeds=256,
    curve_seeds=64,
    curve_steps=(5_000, 10_000, 25_000, 50_000, 100_000),
    resume_seeds=64,
    resume_steps=60_000,
    many_seeds=1024,
    many_steps=100_000,
    profile_seeds=1024,
    roof=8192,
)
SMALL = Sizes(
    widths=(("float32", 2), ("tf32", 2)),
    updates=1,
    rival_seeds=2,
    curve_seeds=2,
    curve_steps=(5_000,),
    resume_seeds=2,
    resume_steps=8_192,
    many_seeds=2,
    many_steps=1_024,
    profile_seeds=2,
    roof=256,
)


def sizes() -> Sizes:
    return SMALL if TINY.value else FULL


class Part(NamedTuple):
    """One part of the benchmark, run in a process of its own."""

    letter: str
    title: str
    seconds: int  # its time limit
    timed: bool  # alone on the device; the others run beside each other


PARTS = (
    Part("b", "Speed and memory", 200, True),
    Part("e", "Killed and resumed", 200, False),
    Part("a", "Golden records", 170, False),
    Part("d", "Equivalence with the reference learner", 200, False),
    Part("f", "From command to report", 150, True),
    Part("g", "Profile of one update", 80, True),
    Part("c", "Against one file", 100, True),
)


def fresh(name: str) -> Path:
    """A path in the folder of runs at which there is nothing."""
    path = Path(RUNS_DIR.value or Path(OUTPUT.value, "runs")) / name
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def save(letter: str, result: dict[str, Any]) -> None:
    """Write what a part has so far, whole or not at all."""
    folder = Path(OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part_{letter}.json"
    half_written = path.with_suffix(".tmp")
    half_written.write_text(json.dumps(result, indent=2) + "\n")
    half_written.replace(path)


def load(letter: str) -> dict[str, Any]:
    """What a part has written, {} if nothing."""
    path = Path(OUTPUT.value) / f"part_{letter}.json"
    return json.loads(path.read_text()) if path.exists() else {}
