"""This project on one accelerator: right, fast, resumable? One command, no network, one JSON file and one page.

    python -m benchmarks.accelerator [--parts=b,f] [--output=FOLDER] [--minutes=7]

a golden records · b speed and memory by seeds and precision · c against one file · d equivalence with the reference
learner · e killed twice and resumed to the same bits · f many seeds from command to report · g profile of one update.

Each part is a process under a time limit of its own and writes what it has as it goes: one that fails takes nothing
from the others. Parts that are not timed run beside each other. Without an accelerator everything runs at a tiny size,
to show that it works.
"""

from __future__ import annotations

import importlib.util
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
from benchmarks.accelerator import page, setting

_PARTS = flags.DEFINE_list("parts", None, "letters of the parts to run; default all, the most important first")
_MINUTES = flags.DEFINE_float("minutes", 7.0, "for all parts together on an accelerator; what is left is not run")
_WORKER = flags.DEFINE_string("worker", None, "run one part in this process (used by the program itself)")


_LAUNCHING = ("flax", "optax", "gymnax", "orbax.checkpoint", "xarray", "tqdm", "matplotlib", "statsmodels", "PIL")
_PACKAGES = {
    "a": ("gymnax", "pytest"),
    "d": (*_LAUNCHING, "exchange_calendars"),
    "e": _LAUNCHING,
    "f": _LAUNCHING,
}
_PATIENCE = 10  # times the limits, where a CPU does the work


def main(argv: list[str]) -> None:
    del argv
    if _WORKER.value:
        _work(_WORKER.value)
        return
    try:
        parts = chosen_parts(_PARTS.value)
    except ValueError as error:
        sys.exit(f"benchmarks.accelerator: {error}")
    begun, device = time.perf_counter(), _device()
    if setting.TINY.value is None:
        flags.FLAGS.tiny = device["platform"] == "cpu"
    deadline = begun + 60 * _MINUTES.value * (_PATIENCE if setting.TINY.value else 1)
    missing = missing_for(parts)
    for line in missing.values():
        print(f"missing: {line}", flush=True)
    facts: dict[str, Any] = {"device": device, "tiny": setting.TINY.value, "missing": missing, "ended": {}}
    for batch in batches([part for part in parts if part.letter not in missing]):
        facts["ended"] |= _run(batch, deadline)
        _write(facts)
    _write(facts)
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


def batches(parts: Sequence[setting.Part]) -> list[list[setting.Part]]:
    """What runs at the same time: a part that is timed alone; those that are not beside each other."""
    result: list[list[setting.Part]] = []
    for part in parts:
        if result and not part.timed and not result[-1][-1].timed:
            result[-1].append(part)
        else:
            result.append([part])
    return result


def missing_for(parts: Sequence[setting.Part]) -> dict[str, str]:
    """Parts that cannot run here, by letter, with what they need."""
    golden = Path(setting.GOLDEN.value)
    files = {
        "a": [(golden / "ppo_update.npz", "--golden=FOLDER")],
        "d": [
            (golden / "maskable_ppo_tune2_spy.npz", "--golden=FOLDER"),
            (Path(bars.DATA.value) / "spy_1min_2024.csv", "--data=FOLDER"),
        ],
    }
    found = {}
    for part in parts:
        needs = [f"package {name}" for name in _PACKAGES.get(part.letter, ()) if not _is_installed(name)]
        needs += [
            f"{path} (name its folder with {flag})" for path, flag in files.get(part.letter, ()) if not path.exists()
        ]
        if needs:
            found[part.letter] = f"part {part.letter} needs {', '.join(needs)}"
    return found


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def _run(batch: Sequence[setting.Part], deadline: float) -> dict[str, str]:
    """Run parts at the same time; returns how each ended."""
    started, endings = time.perf_counter(), {}
    running = {part: _start(part) for part in batch}
    while running:
        now = time.perf_counter()
        for part, process in list(running.items()):
            late = now > min(started + part.seconds * (_PATIENCE if setting.TINY.value else 1), deadline)
            if process.poll() is None and not late:
                continue
            del running[part]
            endings[part.letter] = _ended(process)
            print(f"part {part.letter} ({part.title}): {endings[part.letter]} after {now - started:.0f} s", flush=True)
        time.sleep(0.2)
    return endings


def _ended(process: subprocess.Popen[bytes]) -> str:
    """How a part ended that is over, or out of time."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)  # and the commands that it started
        process.wait()
        return "stopped at its time limit"
    return "done" if process.returncode == 0 else f"failed with status {process.returncode}"


def _start(part: setting.Part) -> subprocess.Popen[bytes]:
    Path(setting.OUTPUT.value).mkdir(parents=True, exist_ok=True)
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
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True)


def _device() -> dict[str, Any]:
    """The accelerator, asked for in a process that ends again: a device's memory may be one process's alone."""
    code = (
        "import json, jax; from benchmarks import results; device = jax.devices()[0];"
        "print(json.dumps({'platform': device.platform, 'kind': device.device_kind} | results.machine()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    facts = json.loads(found.stdout.splitlines()[-1])
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        facts["nvidia-smi"] = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        facts["nvidia-smi"] = None
    return facts


def _write(facts: dict[str, Any]) -> None:
    """The JSON file and the page, of what there is so far."""
    result = facts | {"parts": {part.letter: setting.load(part.letter) for part in setting.PARTS}}
    folder = Path(setting.OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accelerator.json").write_text(json.dumps(result, indent=2) + "\n")
    (folder / "accelerator.md").write_text(page.markdown(result))


def _work(letter: str) -> None:
    """One part, in this process."""
    if letter in "bcg":  # the others start processes of their own
        from momentum_jax.processes import backend_startup

        backend_startup.start()
    work_of(letter)()


def work_of(letter: str) -> Callable[[], None]:
    """What a part does."""
    from benchmarks.accelerator import launched, on_device

    works: dict[str, Callable[[], None]] = {
        "a": launched.golden,
        "b": on_device.speed,
        "c": on_device.one_file,
        "d": launched.equivalence,
        "e": launched.resuming,
        "f": launched.many_seeds,
        "g": on_device.profile,
    }
    return works[letter]


if __name__ == "__main__":
    app.run(main)
