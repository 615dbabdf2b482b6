"""Programs are traced at once, compiled aside and called like their functions."""

from __future__ import annotations

import fcntl
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.processes import jax_settings, kernel_choices
from momentum_jax.processes.machine import usable_cores
from momentum_jax.training.compiled_program import Compiler, Program
from momentum_jax.training.initialisation import Initialiser
from tests.training.engine_runs import make_engine, make_run

FOUR = jax.ShapeDtypeStruct((4,), jnp.float32)
_COMPILE = jax.stages.Lowered.compile


@pytest.fixture
def compiling(monkeypatch):
    """What compilers are at work on, by the names of functions; `go` lets them end."""
    state = {"begun": [], "ended": [], "go": threading.Event()}

    def slowly(self):
        name = self.as_text().split("@jit_")[1].split()[0]
        state["begun"].append(name)
        assert state["go"].wait(30)
        state["ended"].append(name)
        return _COMPILE(self)

    monkeypatch.setattr(jax.stages.Lowered, "compile", slowly)
    yield state
    state["go"].set()


def test_a_program_is_traced_at_once_and_compiled_aside(compiling):
    traced = []

    def double(x):
        traced.append(x.shape)
        return 2 * x

    program = Program(double, (FOUR,), Compiler("cpu"))
    assert traced == [(4,)] and compiling["ended"] == []
    compiling["go"].set()
    np.testing.assert_array_equal(program(np.ones(4, np.float32)), np.full(4, 2.0))
    assert traced == [(4,)] and program.compile_seconds > 0
    with pytest.raises(TypeError, match="float32"):
        program(np.ones(4, np.int32))


def test_what_the_compiler_raises_reaches_whoever_calls_the_program(monkeypatch):
    def refuse(self):
        raise RuntimeError("no room")

    monkeypatch.setattr(jax.stages.Lowered, "compile", refuse)
    compiler = Compiler("cpu")
    program = Program(jnp.sin, (FOUR,), compiler)
    compiler.wait()
    with pytest.raises(RuntimeError, match="no room"):
        program(np.ones(4, np.float32))


@pytest.mark.parametrize(("platform", "at_once"), [("gpu", 1), ("cpu", 2), ("tpu", 2)])
def test_a_gpus_programs_are_compiled_one_after_the_other_and_with_no_other_process(compiling, platform, at_once):
    """Each finds the choices of kernels that those before it have made."""
    compiler = Compiler(platform)
    for function in (jnp.sin, jnp.cos):
        Program(function, (FOUR,), compiler)
    threading.Event().wait(0.5)
    assert len(compiling["begun"]) == min(at_once, usable_cores())
    assert bool(kernel_choices._holders) == (platform == "gpu")
    compiling["go"].set()
    compiler.wait()
    assert sorted(compiling["ended"]) == ["cos", "sin"] and not kernel_choices._holders


def test_what_runs_seldom_on_a_gpu_is_compiled_beside_the_rest_and_times_no_kernels(monkeypatch):
    asked, begun, go_on = {}, threading.Event(), threading.Event()

    def compile_now(lowered, compiler_options=None):
        name = "sin" if "jit_sin" in lowered.as_text() else "cos"
        asked[name] = compiler_options
        if name == "sin":
            begun.set()
            assert go_on.wait(30)
        return name

    monkeypatch.setattr(jax.stages.Lowered, "compile", compile_now)
    compiler = Compiler("gpu")
    often = Program(jnp.sin, (FOUR,), compiler)
    assert begun.wait(30)
    assert Program(jnp.cos, (FOUR,), compiler, runs_seldom=True).compiled == "cos"
    go_on.set()
    assert often.compiled == "sin"
    assert asked == {"sin": None, "cos": jax_settings.UNTIMED_GPU_OPTIONS}
    assert Program(jnp.cos, (FOUR,), Compiler("cpu"), runs_seldom=True).compiled == "cos" and asked["cos"] is None


def test_an_engine_runs_its_updates_often_and_what_else_it_compiles_seldom(market):
    asked = []

    class Noted(Compiler):
        def begin(self, lowered, runs_seldom=False):
            asked.append(runs_seldom)
            return super().begin(lowered, runs_seldom)

    with Noted("cpu") as compiler:
        make_engine(market, [make_run(0)], compiler=compiler).compile(lambda *arguments: arguments[-1].seed, ())
    assert asked == [False, True]


def test_a_gpus_compiler_says_once_that_it_waits_for_another_process():
    said, told = [], threading.Event()

    def say(line):
        said.append(line)
        told.set()

    programs = Path(jax.config.jax_compilation_cache_dir)
    programs.mkdir(parents=True, exist_ok=True)
    compiler = Compiler("gpu", say=say)
    with (programs / "compiling.lock").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        both = [Program(function, (FOUR,), compiler) for function in (jnp.sin, jnp.cos)]
        assert told.wait(30)
    assert [program(np.zeros(4, np.float32))[0] for program in both] == [0.0, 1.0]
    assert said == ["waiting until another process has compiled its programs for a GPU"]


def test_whoever_stops_while_another_process_compiles_compiles_nothing_any_more(monkeypatch):
    compiled, told = [], threading.Event()
    monkeypatch.setattr(jax.stages.Lowered, "compile", lambda lowered: compiled.append(lowered))
    programs = Path(jax.config.jax_compilation_cache_dir)
    programs.mkdir(parents=True, exist_ok=True)
    with (programs / "compiling.lock").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with Compiler("gpu", say=lambda line: told.set()) as compiler:
            program = Program(jnp.sin, (FOUR,), compiler)
            assert told.wait(30)
        with pytest.raises(CancelledError):
            _ = program.compiled
    assert compiled == []


def test_whoever_stops_waits_for_nothing_that_was_not_begun(compiling):
    with pytest.raises(KeyboardInterrupt), Compiler("gpu") as compiler:
        for function in (jnp.sin, jnp.cos, jnp.tan):
            Program(function, (FOUR,), compiler)
        threading.Event().wait(0.3)
        raise KeyboardInterrupt
    compiling["go"].set()
    compiler.wait()
    assert compiling["ended"] == ["sin"]


@pytest.mark.parametrize("platform", ["gpu", "cpu"])
def test_a_gpu_gets_states_once_the_programs_of_all_engines_are_there(market, monkeypatch, platform):
    """It times kernels while it compiles. A CPU makes states meanwhile."""
    events, made, compile_now, any_placed = [], Initialiser.made, jax.stages.Lowered.compile, threading.Event()

    def noted(self, group):
        place = made(self, group)

        def placed():
            events.append("placed")
            any_placed.set()
            return place()

        return placed

    def compiled(self):
        program = compile_now(self)
        if "jit_on_device" in self.as_text():
            any_placed.wait(0.5 if platform == "gpu" else 60)
            events.append("compiled")
        return program

    monkeypatch.setattr(Initialiser, "made", noted)
    monkeypatch.setattr(jax.stages.Lowered, "compile", compiled)
    compiler = Compiler("gpu")
    pair = [make_engine(market, [make_run(seed)], compiler=compiler) for seed in range(2)]
    for engine in pair:
        engine._platform = platform
        engine.prepare()
    expected = ["compiled", "compiled", "placed", "placed"]
    assert events == expected if platform == "gpu" else events[0] == "placed" and sorted(events) == expected
