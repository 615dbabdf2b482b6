"""How many kernels one update of a group of runs launches, counted in the compiled program.

    python -m benchmarks.launches [--runs=64]          compiles the vmapped program, written as for an accelerator
    python -m benchmarks.launches --hlo=FILE[.gz]      counts a program's text that was kept

Every instruction that XLA hands to the device counts once for each turn of the loops around it; what only names or
reinterprets memory does not. On an NVIDIA H100 this count and the profiler's agree (18 224 of 18 296 for the program of
commit 933320f). A program compiled for CPU fuses otherwise: compare its counts with each other only.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path

import pandas as pd
from absl import app, flags

from momentum_jax.processes import backend_startup

_RUNS = flags.DEFINE_integer("runs", 64, "runs advanced together in the program to count")
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
    text = _read(Path(_HLO.value)) if _HLO.value else compiled_text(_RUNS.value)
    table = by_loop(text)
    print(table.to_string(index=False))
    print(f"\n{int(table.launches.sum()):,} launches an update")


def compiled_text(num_runs: int) -> str:
    """The vmapped update of tune2 with `num_runs` runs, written as for an accelerator, compiled for what is there."""
    backend_startup.start(num_devices=1)
    import jax

    from momentum_jax.env.environment_options import EnvOptions
    from momentum_jax.env.momentum import Momentum, make_market
    from momentum_jax.market.dataset import load_segment
    from momentum_jax.market.market_options import MarketConfig
    from momentum_jax.networks import backend
    from momentum_jax.ppo.hyper_parameters import PPOConfig
    from momentum_jax.training.engine import Engine, Run
    from momentum_jax.training.group_width import Layout

    market = make_market([load_segment(MarketConfig())])
    runs = [Run(seed, PPOConfig(), EnvOptions()) for seed in range(num_runs)]
    layout = Layout(devices=(jax.local_devices()[0],), group_width=num_runs, vmapped=True)
    with backend.assumed(backend.ACCELERATOR):
        return Engine(Momentum(), market, runs, layout, 196).compiled_update.as_text() or ""


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
