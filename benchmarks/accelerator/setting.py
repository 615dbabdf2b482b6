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

    widths: tuple[tuple[str, int], ...]  # (precision, seeds), the most wanted first
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
    widths=tuple((precision, seeds) for seeds in (1024, 2048, 4096, 256, 64) for precision in ("float32", "tf32")),
    updates=3,
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
    question: str
    seconds: int  # its time limit
    timed: bool  # alone on the device; the others run beside each other


# The most wanted first. The limits of what does not run beside each other add up to less than 8 minutes.
PARTS = (
    Part("f", "From command to report", "how long do 1 024 seeds × 100 000 steps of tune2 take?", 130, True),
    Part(
        "d",
        "Equivalence",
        "do 64 seeds × 100 000 steps agree with the reference learner?",
        130,
        False,
    ),
    Part("e", "Killed and resumed", "killed twice and resumed by new processes: the same bits?", 130, False),
    Part("a", "Golden records", "do the golden records pass on the device, at full float32 precision?", 130, False),
    Part("c", "Against one file", "how much faster than one file of `jit(vmap(train))`?", 50, True),
    Part("b", "Speed and memory", "steps/s and memory at 64 to 4 096 seeds, beside the card's own rates", 125, True),
    Part("g", "Profile of one update", "which kernels does one update launch, how long, with what gaps?", 24, True),
)


def fresh(name: str) -> Path:
    """A path in the folder of runs at which there is nothing."""
    path = Path(RUNS_DIR.value or Path(OUTPUT.value, "runs")) / name
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def save(letter: str, result: dict[str, Any]) -> None:
    """Write what a part has so far."""
    Path(OUTPUT.value).mkdir(parents=True, exist_ok=True)
    write_whole(_result(letter), json.dumps(result, indent=2) + "\n")


def load(letter: str) -> dict[str, Any]:
    """What a part has written, {} if nothing."""
    return json.loads(_result(letter).read_text()) if _result(letter).exists() else {}


def forget(letter: str) -> None:
    """Remove what an earlier run of the part has written."""
    _result(letter).unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    half_written = path.with_suffix(".tmp")
    half_written.write_text(text)
    half_written.replace(path)


def _result(letter: str) -> Path:
    return Path(OUTPUT.value) / f"part_{letter}.json"
