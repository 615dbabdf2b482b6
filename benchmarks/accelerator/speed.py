"""The parts that time the engine itself: speed and memory (b), one file (c)."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks import launches, ours, products
from benchmarks.accelerator import roof, setting
from momentum_jax.ppo.hyper_parameters import PPOConfig

_REPEATS = 3


def by_seeds() -> None:
    """Part b: environment steps a second by number of seeds and precision, beside the card's own rates.

    A batch of rows is compiled side by side, then timed one row after the other.
    """
    import jax

    compilation = _CompileSeconds()
    wanted = [[precision, seeds] for batch in setting.sizes().widths for precision, seeds in batch]
    result: dict[str, Any] = {"roof": roof.measure(setting.sizes().roof), "wanted": wanted, "rows": []}
    result["compiled side by side"] = True
    for batch in setting.sizes().widths:
        with ThreadPoolExecutor(len(batch)) as pool:
            rows = [pool.submit(_Row, precision, num_seeds, compilation) for precision, num_seeds in batch]
        for (precision, num_seeds), row in zip(batch, _each_once(rows), strict=True):
            try:
                result["rows"].append(_timed(row))
            except jax.errors.JaxRuntimeError as error:  # such as no memory left: other rows may fit
                reason = str(error).splitlines()[0]
                result["rows"].append({"precision": precision, "seeds": num_seeds, "failed": reason})
            setting.save("b", result)
            gc.collect()
        jax.clear_caches()
    setting.save("b", result | {"complete": True})


def _each_once(rows: list[Future[_Row]]) -> Iterator[Future[_Row]]:
    """Forget each, and free its engine's memory, once it has been timed."""
    while rows:
        yield rows.pop(0)


class _Row:
    """A row of the table with its engine, ready to be timed."""

    def __init__(self, precision: str, num_seeds: int, compilation: _CompileSeconds):
        compilation.begin()
        self.num_seeds, self.config = num_seeds, PPOConfig(matmul_precision=precision)
        self.prepared = ours.prepare(num_seeds, self.config)
        compiling = compilation.seconds()
        self.facts: dict[str, Any] = {"precision": precision, "seeds": num_seeds, "compile seconds": compiling}
        self.facts["other seconds before training"] = self.prepared.seconds - compiling


def _timed(waiting: Future[_Row]) -> dict[str, Any]:
    """A row's facts with its speed."""
    row = waiting.result()
    rates = _rates(lambda: ours.advance(row.prepared, setting.sizes().updates))
    found = row.facts | {"steps/s": float(np.median(rates)), "slowest": min(rates), "fastest": max(rates)}
    found["GFLOP/s"] = found["steps/s"] * products.flops_per_step(row.config) / 1e9
    found["GB/s"] = found["steps/s"] * roof.bytes_per_step(row.config) / 1e9
    found |= _program(row.prepared, row.num_seeds)
    found["value loss"] = float(np.nanmean(np.asarray(row.prepared.engine.update(0).metrics.value_loss)))
    return found


def against_one_file() -> None:
    """Part c: the same learner as one file of `jit(vmap(train))`, in the same process as ours."""
    from benchmarks import single_file_ppo

    num_seeds, updates = setting.sizes().rival_seeds, 2
    advance, steps = single_file_ppo.prepare(num_seeds, updates)
    with ThreadPoolExecutor(1) as pool:  # compiles the one file while ours is compiled
        first = pool.submit(advance)
        mine = ours.prepare(num_seeds)
    decisions = [first.result(), *(advance() for _ in range(ours.CHECK_UPDATES // updates - 1))]
    holds, flat = np.sum(decisions, axis=0)
    hold = {"ours": ours.hold_percent(mine, ours.CHECK_UPDATES), "one file": (100.0 * holds / flat).tolist()}
    rates: dict[str, list[float]] = {"ours": [], "one file": []}
    for _ in range(_REPEATS):
        rates["one file"] += _rates(lambda: (advance(), steps)[1], repeats=1)
        rates["ours"] += _rates(lambda: ours.advance(mine, setting.sizes().updates), repeats=1)
    medians = {name: float(np.median(values)) for name, values in rates.items()}
    means = {name: float(np.mean(values)) for name, values in hold.items()}
    result = {"seeds": num_seeds, "steps/s": medians, "ratio": medians["ours"] / medians["one file"], "HOLD %": means}
    setting.save("c", result | {"complete": True})


def _rates(stretch: Callable[[], int], repeats: int = _REPEATS) -> list[float]:
    """Environment steps a second of stretches that are timed after one that is not."""
    stretch()
    rates = []
    for _ in range(repeats):
        started = time.perf_counter()
        steps = stretch()
        rates.append(steps / (time.perf_counter() - started))
    return rates


def _program(prepared: ours.Prepared, num_seeds: int) -> dict[str, Any]:
    """Launches of an update and device memory of a seed, as the compiled program says."""
    compiled = prepared.engine.compiled_update
    found: dict[str, Any] = {"launches": launches.count(compiled.as_text() or "")}
    memory = compiled.memory_analysis()
    if memory is not None:
        found["MB of state a seed"] = prepared.engine.state_bytes / num_seeds / 1e6
        found["MB of temporaries a seed"] = memory.temp_size_in_bytes / num_seeds / 1e6
    return found


class _CompileSeconds:
    """Seconds that the present thread's compilations have taken since it has begun to count."""

    def __init__(self) -> None:
        import jax.monitoring

        self._of_thread = threading.local()
        jax.monitoring.register_event_duration_secs_listener(self._listen)

    def begin(self) -> None:
        self._of_thread.seconds = 0.0

    def seconds(self) -> float:
        return self._of_thread.seconds

    def _listen(self, event: str, duration: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration" and hasattr(self._of_thread, "seconds"):
            self._of_thread.seconds += duration
