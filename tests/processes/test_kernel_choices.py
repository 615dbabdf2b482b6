"""A run on a GPU goes on with the kernels that it began with: the files, without a GPU."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from momentum_jax.processes import kernel_choices
from momentum_jax.training import runner

CHOICES = "xla_gpu_per_fusion_autotune_cache_dir"


# Files of choices: JAX 0.10 has them side by side, 0.11 in a folder for each kind of card, perhaps of each version.
# The third is being written.
FLAT = ("one.textproto", "two.textproto", "three.1.tmp")
ASIDE = ("one.textproto", "two.textproto", "tmp/tmp_per_fusion_cache_three_17.textproto")
BY_CARD = ("NVIDIA H200/one.pb", "NVIDIA H200/9.1/two.pb", "NVIDIA H200/.tmp_three_17_1764280341")


@pytest.fixture(params=[FLAT, ASIDE, BY_CARD], ids=["side by side", "written aside", "by card"])
def folders(tmp_path, request):
    """A cache with two choices, and a run directory that keeps them; their paths: the first, the second."""
    cache, run_dir = tmp_path / "cache", tmp_path / "run"
    for name, text in zip(request.param, ["tile 32", "tile 64", "half"], strict=True):
        choice = cache / "xla" / CHOICES / name
        choice.parent.mkdir(parents=True, exist_ok=True)
        choice.write_text(text)
    run_dir.mkdir()
    kernel_choices.keep(cache / "xla", run_dir)
    return cache, run_dir, request.param[:2]


def kept(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_run_keeps_what_was_chosen_and_never_changes_it(folders):
    cache, run_dir, (first, second) = folders
    expected = {first: "tile 32", second: "tile 64"}
    assert kept(run_dir / "kernels") == expected
    (cache / "xla" / CHOICES / first).write_text("tile 128")
    kernel_choices.keep(cache / "xla", run_dir)
    assert kept(run_dir / "kernels") == expected
    assert kernel_choices.kept_choices(run_dir) == {Path(first): b"tile 32", Path(second): b"tile 64"}
    assert kernel_choices.choices_beside(cache / "xla") == {Path(first): b"tile 128", Path(second): b"tile 64"}


def test_the_same_machine_uses_its_usual_cache(folders):
    cache, run_dir, _ = folders
    assert kernel_choices.compilation_cache(cache, run_dir) == cache / "xla"
    assert kernel_choices.compilation_cache(cache) == cache / "xla"
    assert kernel_choices.compilation_cache(cache, run_dir.parent / "a run that never kept any") == cache / "xla"


@pytest.mark.parametrize("change", ["emptied", "other choice"])
def test_another_cache_begins_with_the_runs_choices(folders, change):
    cache, run_dir, (_, second) = folders
    chosen = cache / "xla" / CHOICES / second
    if change == "emptied":
        chosen.unlink()
    else:
        chosen.write_text("tile 16")
    own = kernel_choices.compilation_cache(cache, run_dir)
    assert own != cache / "xla" and own.parent == cache
    assert kept(own / CHOICES) == kept(run_dir / "kernels")
    assert kernel_choices.compilation_cache(cache, run_dir) == own


HOLDER = """
import sys, time
from pathlib import Path
from momentum_jax.processes import kernel_choices
with kernel_choices.alone(Path(sys.argv[1])):
    print("inside", flush=True)
    time.sleep(600)
"""


def test_processes_compile_one_after_the_other_and_a_killed_one_holds_nobody_off(tmp_path):
    inside, told = threading.Event(), []

    def enter():
        with kernel_choices.alone(tmp_path, held_off=lambda: told.append("waiting")):
            inside.set()

    thread = threading.Thread(target=enter)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "inside\n"
            thread.start()
            assert not inside.wait(0.3)
        finally:
            holder.kill()
    thread.join(30)
    assert inside.is_set() and told == ["waiting"]
    with kernel_choices.alone(tmp_path, held_off=lambda: told.append("again")):
        assert told == ["waiting"]


def test_threads_of_one_process_compile_side_by_side(tmp_path):
    with kernel_choices.alone(tmp_path), ThreadPoolExecutor(1) as other:

        def enter():
            with kernel_choices.alone(tmp_path):
                return True

        assert other.submit(enter).result(30)
        # The thread that has left took the lock from nobody.
        with (tmp_path / "compiling.lock").open("wb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "compiling.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_without_locks_nothing_is_held_off(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with kernel_choices.alone(tmp_path), kernel_choices.alone(tmp_path):
        pass
    (tmp_path / "file").touch()
    with kernel_choices.alone(tmp_path / "file" / "xla"):
        pass


def test_a_process_that_gives_up_waits_no_longer(tmp_path):
    with (tmp_path / "compiling.lock").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        asked = iter([False, False, True])
        with kernel_choices.alone(tmp_path, lambda: next(asked)):
            pass
    assert next(asked, None) is None


def test_a_cpu_run_keeps_nothing(tmp_path):
    kernel_choices.keep(tmp_path / "xla", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("platform", ["gpu", "cpu"])
def test_a_launch_keeps_the_choices_of_a_gpu(folders, platform):
    """The cache's folder is asked of JAX itself: its way to ask changed between versions, seen on a GPU only."""
    cache, run_dir = folders[0], folders[0].parent / "launched"
    run_dir.mkdir()
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(cache / "xla"))
    try:
        layout = SimpleNamespace(devices=(SimpleNamespace(platform=platform),))
        runner._keep_kernels(run_dir, [layout])
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
    expected = kernel_choices.choices_beside(cache / "xla") if platform == "gpu" else {}
    assert kernel_choices.kept_choices(run_dir) == expected
