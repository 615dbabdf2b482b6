"""The parts that start the project's own commands: golden tests (a), equivalence (d), resuming (e), many seeds (f)."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import bars, curves
from benchmarks.accelerator import setting
from momentum_jax.processes import kernel_choices
from momentum_jax.processes.machine import usable_cores

_PRECISIONS = ("float32", "tf32")
_GOLDEN_TESTS = ("tests/env/test_golden.py", "tests/ppo/test_golden_update.py", "tests/training/test_precision.py")


def golden() -> None:
    """Part a: the golden tests on the device."""
    environment = {"GOLDEN_DIR": str(Path(setting.GOLDEN.value).resolve())}
    few = ["-k", "first_minibatch"] if setting.TINY.value else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_side_by_side(), *_GOLDEN_TESTS, *few]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    Path(setting.OUTPUT.value, "golden.log").write_text(done.stdout + done.stderr)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)}
    setting.save("a", {"passed": 0, "failed": 0} | counts | {"exit code": done.returncode, "complete": True})


def _side_by_side() -> list[str]:
    """A process for each file of tests, where there are cores for them: tests compile most of the time."""
    if importlib.util.find_spec("xdist") is None or usable_cores() < 4 * len(_GOLDEN_TESTS):
        return []
    return [f"--numprocesses={len(_GOLDEN_TESTS)}", "--dist=loadfile"]


def equivalence() -> None:
    """Part d: means of the reference learner's curves, and their energy distance, in float32 and in TF32."""
    theirs = curves.reference(Path(setting.GOLDEN.value) / "maskable_ppo_tune2_spy.npz")
    theirs = theirs[:, : len(setting.sizes().curve_steps)]
    result: dict[str, Any] = {"wanted": list(_PRECISIONS)}
    with ThreadPoolExecutor(len(_PRECISIONS)) as pool:
        for training in as_completed([pool.submit(_compared, precision, theirs) for precision in _PRECISIONS]):
            result |= training.result()
            setting.save("d", result)
    setting.save("d", result | {"complete": True})


def _compared(precision: str, theirs: np.ndarray) -> dict[str, dict[str, Any]]:
    """Train in one precision and compare with the reference's curves; {precision: figures}."""
    sizes, run_dir = setting.sizes(), setting.fresh(f"curves-{precision}")
    arguments = _arguments(run_dir, sizes.curve_seeds, sizes.curve_steps[-1], precision)
    _launch([*arguments, f"--checkpoints={','.join(map(str, sizes.curve_steps))}"])
    mine = curves.ours(run_dir, sizes.curve_steps)
    table = curves.compare(mine, theirs, sizes.curve_steps)
    figures = {
        "equivalent": int(table.equivalent.sum()),
        "means": len(table),
        "energy p": curves.energy_p_value(mine, theirs),
        "largest difference": float((table.difference.abs() / table.margin).max()),  # in margins
    }
    return {precision: figures}


def resuming() -> None:
    """Part e: a run that is killed twice and resumed, each time by a new process, against one that is not.

    The last process starts with an empty cache of compiled programs: what it computes with comes from the run.
    """
    sizes = setting.sizes()
    whole, killed = setting.fresh("whole"), setting.fresh("killed")
    steps = ",".join(map(str, np.linspace(0, sizes.resume_steps, 9, dtype=int)[1:]))
    settings = [f"--checkpoints={steps}", "--state_interval=0"]
    _launch([*_arguments(whole, sizes.resume_seeds, sizes.resume_steps), *settings])
    _launch([*_arguments(killed, sizes.resume_seeds, sizes.resume_steps), *settings], kill_after_checkpoints=2)
    resume = ["--resume", f"--run_dir={killed}"]
    _launch(resume, kill_after_checkpoints=4)
    cache = setting.fresh("empty-cache")
    _launch(resume, environment={"MOMENTUM_JAX_CACHE": str(cache.resolve())})
    different = _different_files(whole, killed)
    kept = kernel_choices.kept_choices(killed).items()
    made = {choice for folder in cache.iterdir() for choice in kernel_choices.choices_beside(folder).items()}
    result = {"seeds": sizes.resume_seeds, "steps": sizes.resume_steps, "kills": 2, "different files": different}
    result |= {"choices kept": len(kept), "choices made anew": len(made - kept)}
    setting.save("e", result | {"same bits": not different, "complete": True})


def many_seeds() -> None:
    """Part f: a run of many seeds from the command to its report, then the same with its programs in the cache."""
    sizes = setting.sizes()
    result: dict[str, Any] = {"seeds": sizes.many_seeds, "steps": sizes.many_steps} | _from_command_to_report(sizes)
    setting.save("f", result)
    setting.save("f", result | {"again": _from_command_to_report(sizes), "complete": True})


def _from_command_to_report(sizes: setting.Sizes) -> dict[str, Any]:
    run_dir, started = setting.fresh("many"), time.perf_counter()
    lines = _launch(_arguments(run_dir, sizes.many_seeds, sizes.many_steps))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "log": [line for line in lines if re.search(r"compiled for|trained ", line)]}


def _arguments(run_dir: Path, num_seeds: int, timesteps: int, precision: str = "float32") -> list[str]:
    """Flags of a run of tune2, on the same bars in all parts: what one has compiled the next finds in the cache."""
    numbers = [f"--num_seeds={num_seeds}", f"--timesteps={timesteps}", f"--matmul_precision={precision}"]
    return ["--experiment=tune2", *bars.launch_flags(), *numbers, f"--run_dir={run_dir}"]


def _launch(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, kill_after_checkpoints: int | None = None
) -> list[str]:
    """Run launch.py, or kill it once it has printed so many checkpoints; returns its lines.

    Each line is written with the seconds since the command, so that a part that is stopped shows how far it came.

    Raises:
      RuntimeError: it failed, or ended before it could be killed.
    """
    started = time.perf_counter()
    log = _new_log(arguments)
    process = subprocess.Popen(
        [sys.executable, "-u", "launch.py", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout
    lines, checkpoints = [], 0
    for line in process.stdout:
        lines.append(line.rstrip())
        with log.open("a") as file:
            file.write(f"{time.perf_counter() - started:7.1f} {lines[-1]}\n")
        checkpoints += line.startswith("step ")
        if kill_after_checkpoints is not None and checkpoints > kill_after_checkpoints:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return lines
    if process.wait() != 0 or kill_after_checkpoints is not None:
        raise RuntimeError(
            f"launch.py {' '.join(arguments)} ended with {process.returncode}:\n" + "\n".join(lines[-8:])
        )
    return lines


def _new_log(arguments: Sequence[str]) -> Path:
    """The empty file for what this command prints, named after its run, and numbered where there are several."""
    run_dir = next(argument.removeprefix("--run_dir=") for argument in arguments if argument.startswith("--run_dir="))
    folder = Path(setting.OUTPUT.value)
    name = f"launch_{Path(run_dir).name}"
    log = folder / f"{name}_{1 + len(list(folder.glob(f'{name}_*.log')))}.log"
    log.touch()
    return log


def _different_files(whole: Path, other: Path) -> list[str]:
    """Diagnostics and policies of two runs that are not the same, array by array."""
    paths = {path.relative_to(run) for run in (whole, other) for path in run.rglob("*.npz")}
    return sorted(str(path) for path in paths if not _same(whole / path, other / path))


def _same(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return False
    a: Any = np.load(one)
    b: Any = np.load(other)
    return sorted(a.files) == sorted(b.files) and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)
