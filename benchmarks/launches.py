"""How many kernels one update of a group of runs launches, counted in the compiled program.

    python -m benchmarks.launches [--runs=64] [--card=H100]  compiles the vmapped program, written as for an accelerator
    python -m benchmarks.launches --steps [--card=H100]      with each step towards fewer launches taken back or tried
    python -m benchmarks.launches --change=packing,flat      with these
    python -m benchmarks.launches --hlo=FILE[.gz]            counts a program's text that was kept

Every instruction that XLA hands to the device counts once for each turn of the loops around it; what only names or
reinterprets memory does not. On an NVIDIA H100 this count and the profiler's agree (18 224 of 18 296 for the program of
commit 933320f). `--card` compiles for a card that need not be there. Without it the program is compiled for what is
here: a CPU's fuses otherwise, so compare its counts with each other only.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
from absl import app, flags

from momentum_jax.processes import backend_startup

_RUNS = flags.DEFINE_integer("runs", 64, "runs advanced together in the program to count")
_CARD = flags.DEFINE_enum("card", None, ["H100"], "compile for this card, which need not be here")
_STEPS = flags.DEFINE_boolean("steps", False, "count once for each step, with it taken back or tried: minutes")
_CHANGE = flags.DEFINE_list("change", [], "steps to take back or try, by their names in `launch_steps`")
_HLO = flags.DEFINE_string("hlo", None, "file with a compiled program's text to count instead")

_FREE = {
    "parameter",
    "constant",
    "tuple",
    "get-tuple-element",
    "bitcast",
    "after-all",
    "partition-id",
    "opt-barrier",
    "fusion-done",
    "copy-done",
}
_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) .*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?[\w.\-]+ = .*? ([a-z][\w\-]*)\(")


def main(argv: list[str]) -> None:
    del argv
    if not _HLO.value:
        _start(_CARD.value)
    try:
        if _STEPS.value:
            _print_steps()
            return
        text = _read(Path(_HLO.value)) if _HLO.value else compiled_text(_RUNS.value, _CARD.value, tuple(_CHANGE.value))
    except (ValueError, RuntimeError) as error:
        sys.exit(f"benchmarks.launches: {error}")
    table = by_loop(text)
    print(table.to_string(index=False))
    print(f"\n{int(table.launches.sum()):,} launches an update")


def _start(card: str | None) -> None:
    if card:  # nothing is computed: a card that is here is left alone
        os.environ["JAX_PLATFORMS"] = "cpu"
    backend_startup.start(num_devices=1)


def _print_steps() -> None:
    """The present program's launches, then those of each other program."""
    from benchmarks.launch_steps import STEPS

    print(f"{count(compiled_text(_RUNS.value, _CARD.value)):7,}  as it is", flush=True)
    for name, step in STEPS.items():
        print(f"{count(compiled_text(_RUNS.value, _CARD.value, (name,))):7,}  {name}: {step.what}", flush=True)


def compiled_text(num_runs: int, card: str | None = None, change: tuple[str, ...] = ()) -> str:
    """The vmapped update of tune2 with `num_runs` runs, written as for an accelerator, compiled for a card or here."""
    from benchmarks import launch_steps, update_program

    return update_program.compiled(launch_steps.changed(change), num_runs, card).as_text() or ""


def by_loop(text: str) -> pd.DataFrame:
    """Launches of each loop and of what lies outside all loops, the most first."""
    computations, entry = _computations(text)
    rows: list[dict[str, object]] = []

    def visit(name: str, turns: int) -> None:
        kinds: Counter[str] = Counter()
        for line in computations[name]:
            kind = _kind(line)
            if kind == "while":
                visit(_attribute(line, "body"), turns * _trip_count(line))
            elif kind == "call":
                visit(_attribute(line, "to_apply"), turns)
            elif kind not in _FREE:
                kinds[kind] += 1
        each = sum(kinds.values())
        content = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        rows.append({"turns": turns, "launches a turn": each, "launches": turns * each, "kinds": content})

    visit(entry, 1)
    return pd.DataFrame(rows).sort_values("launches", ascending=False, ignore_index=True)


def count(text: str) -> int:
    """Launches of the whole program."""
    return int(by_loop(text).launches.sum())


def _computations(text: str) -> tuple[dict[str, list[str]], str]:
    """The instructions of each computation, and the name of the one that is entered."""
    found: dict[str, list[str]] = {}
    entry = current = ""
    for line in text.splitlines():
        header = _COMPUTATION.match(line)
        if header:
            current = header.group(2)
            found[current] = []
            entry = current if header.group(1) else entry
        elif current and _INSTRUCTION.match(line):
            found[current].append(line)
    return found, entry


def _kind(line: str) -> str:
    match = _INSTRUCTION.match(line)
    assert match
    return match.group(1)


def _attribute(line: str, name: str) -> str:
    match = re.search(rf"{name}=%?([\w.\-]+)", line)
    assert match, line
    return match.group(1)


def _trip_count(line: str) -> int:
    """Turns of a loop, which every scan knows; a loop that does not know its own counts once."""
    match = re.search(r'known_trip_count"?:\{"n":"(\d+)"', line)
    return int(match.group(1)) if match else 1


def _read(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


if __name__ == "__main__":
    app.run(main)
