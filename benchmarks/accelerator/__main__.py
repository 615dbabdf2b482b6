"""This project on one accelerator: right, fast, resumable? One command, no network, one JSON file and one page.

    python -m benchmarks.accelerator [--parts=b,f] [--output=FOLDER] [--minutes=7.8]

f many seeds from command to report · d equivalence with the reference learner · e killed twice and resumed to the same
bits · a golden records · c against one file · b speed and memory by seeds and precision · g profile of one update.

Each part is a process under a time limit of its own and writes what it has as it goes: one that fails takes nothing
from the others. Parts that are not timed run beside each other. The page is `docs/accelerator.md` with these figures in
it. Without an accelerator everything runs at a tiny size, to show that it works.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from absl import app, flags

from benchmarks import bars
from benchmarks.accelerator import machine, page, requirements, schedule, setting

_PARTS = flags.DEFINE_list("parts", None, "letters of the parts to run; default all, the most wanted first")
_MINUTES = flags.DEFINE_float("minutes", 7.8, "for everything on an accelerator; what is left then is not run")
_WORKER = flags.DEFINE_string("worker", None, "run one part in this process (used by the program itself)")
_PAGE = flags.DEFINE_string("page", None, "only write the page of this JSON file again, into docs/accelerator.md")

_PATIENCE = 10  # times the limits, where a CPU does the work


def main(argv: list[str]) -> None:
    del argv
    if _WORKER.value:
        _work(_WORKER.value)
        return
    if _PAGE.value:
        page.DOCUMENT.write_text(page.markdown(json.loads(Path(_PAGE.value).read_text())))
        return
    begun = time.perf_counter()
    try:
        parts = chosen_parts(_PARTS.value)
    except ValueError as error:
        sys.exit(f"benchmarks.accelerator: {error}")
    facts = _facts(parts)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was measured is written
    patience = _PATIENCE if setting.TINY.value else 1
    run = schedule.Schedule(start, Record(facts).ended, patience)
    try:
        run.run([part for part in parts if part.letter not in facts["missing"]], begun + 60 * _MINUTES.value * patience)
    except KeyboardInterrupt:
        sys.exit("benchmarks.accelerator: interrupted; what was measured is written")
    print(f"written: {Path(setting.OUTPUT.value, 'accelerator.json')} and accelerator.md beside it")
    failed = [letter for letter, ending in facts["ended"].items() if ending != "done"]
    if failed:
        sys.exit(f"benchmarks.accelerator: parts that did not end well: {', '.join(failed)} (see part_<letter>.log)")


def chosen_parts(letters: Sequence[str] | None) -> list[setting.Part]:
    """The parts by their letters, in the order of `setting.PARTS`.

    Raises:
      ValueError: a letter that is no part's.
    """
    known = {part.letter: part for part in setting.PARTS}
    unknown = sorted(set(letters or ()) - set(known))
    if unknown:
        raise ValueError(f"--parts names {unknown[0]!r}: choose from {','.join(sorted(known))}")
    return [part for part in setting.PARTS if not letters or part.letter in letters]


def _facts(parts: Sequence[setting.Part]) -> dict[str, Any]:
    """What the page begins with; prints what is missing. Sets the size."""
    device = machine.describe()
    if setting.TINY.value is None:
        flags.FLAGS.tiny = device["platform"] == "cpu"
    missing = requirements.missing_for(parts)
    notes = [machine.unused_card(device), "a tiny size: figures say nothing" if setting.TINY.value else ""]
    for line in [*(f"missing: {line}" for line in missing.values()), *filter(None, notes)]:
        print(line, flush=True)
    return {
        "device": device,
        "tiny": setting.TINY.value,
        "bars": bars.describe(),
        "chosen": [part.letter for part in parts],
        "missing": missing,
        "limits": {part.letter: part.seconds for part in setting.PARTS},
        "ended": {},
        "seconds": {},
    }


class Record:
    """The JSON file and the page, written again whenever a part has ended."""

    def __init__(self, facts: dict[str, Any]):
        """Forgets what an earlier run has left of the parts that will run."""
        self._facts = facts
        for letter in facts["chosen"]:
            setting.forget(letter)
        self._write()

    def ended(self, part: setting.Part, ending: schedule.Ending) -> None:
        self._facts["ended"][part.letter] = ending.how
        self._facts["seconds"][part.letter] = round(ending.seconds)
        print(f"part {part.letter} ({part.title}): {ending.how} after {ending.seconds:.0f} s", flush=True)
        self._write()

    def _write(self) -> None:
        result = self._facts | {"parts": {part.letter: setting.load(part.letter) for part in setting.PARTS}}
        folder = Path(setting.OUTPUT.value)
        folder.mkdir(parents=True, exist_ok=True)
        setting.write_whole(folder / "accelerator.json", json.dumps(result, indent=2) + "\n")
        setting.write_whole(folder / "accelerator.md", page.markdown(result))


class _Worker:
    """A part in a process of its own, and the commands that it starts."""

    def __init__(self, process: subprocess.Popen[bytes]):
        self._process = process

    def poll(self) -> int | None:
        return self._process.poll()

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def start(part: setting.Part) -> schedule.Process:
    """Begin a part in a process of its own; it logs beside its results."""
    values = {
        "worker": part.letter,
        "output": setting.OUTPUT.value,
        "golden": setting.GOLDEN.value,
        "data": bars.DATA.value,
        "tiny": str(setting.TINY.value).lower(),
    }
    if setting.RUNS_DIR.value:
        values["runs_dir"] = setting.RUNS_DIR.value
    command = [sys.executable, "-m", "benchmarks.accelerator", *(f"--{name}={value}" for name, value in values.items())]
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if part.letter == "g":  # kernels inside a graph are not seen one by one
        environment["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_enable_command_buffer=".strip()
    with open(Path(setting.OUTPUT.value, f"part_{part.letter}.log"), "wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    return _Worker(process)


def _work(letter: str) -> None:
    """One part, in this process."""
    if letter in "bcg":  # the others start processes of their own
        from momentum_jax.processes import backend_startup

        backend_startup.start()
    work_of(letter)()


def work_of(letter: str) -> Callable[[], None]:
    """What a part does."""
    from benchmarks.accelerator import launched, one_update, speed

    works: dict[str, Callable[[], None]] = {
        "a": launched.golden,
        "b": speed.by_seeds,
        "c": speed.against_one_file,
        "d": launched.equivalence,
        "e": launched.resuming,
        "f": launched.many_seeds,
        "g": one_update.profile,
    }
    return works[letter]


if __name__ == "__main__":
    app.run(main)
