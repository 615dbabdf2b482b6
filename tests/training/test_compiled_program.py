"""A program is traced at once, compiled aside and called like its function."""

from __future__ import annotations

from concurrent.futures import Executor, Future

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.training import engine as engines
from momentum_jax.training.compiled_program import Program
from tests.training.engine_runs import make_engine, make_run

FOUR = jax.ShapeDtypeStruct((4,), jnp.float32)


class Later(Executor):
    """Does nothing until it is told to."""

    def __init__(self):
        self._waiting = []

    def submit(self, function, *arguments):
        future = Future()
        self._waiting.append((future, function, arguments))
        return future

    def work(self):
        for future, function, arguments in self._waiting:
            try:
                future.set_result(function(*arguments))
            except Exception as error:
                future.set_exception(error)


def test_it_is_traced_at_once_and_compiled_aside():
    traced, aside = [], Later()
    program = Program(lambda x: traced.append(x.shape) or 2 * x, (FOUR,), aside)
    assert traced == [(4,)] and not program._waiting.done()
    aside.work()
    np.testing.assert_array_equal(program(np.ones(4, np.float32)), np.full(4, 2.0))
    assert traced == [(4,)] and program.compile_seconds > 0
    with pytest.raises(TypeError, match="float32"):
        program(np.ones(4, np.int32))


def test_what_the_compiler_raises_reaches_whoever_calls_the_program(monkeypatch):
    def refuse(self):
        raise RuntimeError("no room")

    monkeypatch.setattr(jax.stages.Lowered, "compile", refuse)
    aside = Later()
    program = Program(jnp.sin, (FOUR,), aside)
    aside.work()
    with pytest.raises(RuntimeError, match="no room"):
        program(np.ones(4, np.float32))


@pytest.mark.parametrize("on_accelerator", [False, True])
def test_an_accelerator_gets_its_states_once_its_programs_are_there(market, monkeypatch, on_accelerator):
    """It times kernels while it compiles. A CPU makes states meanwhile."""
    events = []
    initialiser = engines.Initialiser
    placed = initialiser.placed
    monkeypatch.setattr(engines.Engine, "on_accelerator", on_accelerator)
    monkeypatch.setattr(initialiser, "placed", lambda self, made: events.append("placed") or placed(self, made))
    engine = make_engine(market, [make_run(0)])
    monkeypatch.setattr(
        type(engine._update), "compiled", property(lambda self: events.append("compiled") or self._waiting.result()[0])
    )
    engine.prepare()
    assert events[0] == ("compiled" if on_accelerator else "placed")
    assert "compiled" in events and events.count("placed") == 1
