"""The parts that time the engine itself: speed and memory (b), one file (c)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks import launches, ours, products
from benchmarks.accelerator import roof, setting
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training.compiled_program import Compiler

_REPEATS = 3


def by_seeds() -> None:
    """Part b: environment steps a second by number of seeds and precision, beside the card's own rates.

    All rows are compiled side by side, then timed one after the other: one compiler's timings of kernels would disturb
    another row's.
    """
    import jax

    wanted = list(setting.sizes().widths)
    result: dict[str, Any] = {"roof": roof.measure(setting.sizes().roof), "wanted": wanted, "rows": []}
    compiler = Compiler(jax.default_backend(), at_a_time=len(wanted))
    with ThreadPoolExecutor(len(wanted)) as counting:  # a row's launches, while others are compiled
        rows = [_Row(precision, num_seeds, compiler, counting) for precision, num_seeds in wanted]
    while rows:
        row = rows.pop(0)  # its memory is free for the next one
        try:
            found = _timed(row)
        except jax.errors.JaxRuntimeError as error:  # such as no memory left: other rows may fit
            found = {"precision": row.precision, "seeds": row.num_seeds, "failed": str(error).splitlines()[0]}
        result["rows"].append(found)
        setting.save("b", result)
        del row
        gc.collect()
    setting.save("b", result | {"complete": True})


class _Row:
    """A row of the table with its engine, whose program is being compiled."""

    def __init__(self, precision: str, num_seeds: int, compiler: Compiler, counting: Executor):
        self.precision, self.num_seeds = precision, num_seeds
        self.config = PPOConfig(matmul_precision=precision)
        self.begun = ours.begin(num_seeds, self.config, compiler)
        self.launches = counting.submit(lambda: launches.count(self.begun.engine.compiled_update.as_text() or ""))


def _timed(row: _Row) -> dict[str, Any]:
    """A row's facts with its speed."""
    prepared, started = row.begun, time.perf_counter()
    prepared.engine.prepare()
    other = prepared.seconds + time.perf_counter() - started
    rates = _rates(lambda: ours.advance(prepared, setting.sizes().updates))
    found: dict[str, Any] = {"precision": row.precision, "seeds": row.num_seeds}
    found |= {"compile seconds": prepared.engine.compile_seconds, "other seconds before training": other}
    found |= {"steps/s": float(np.median(rates)), "slowest": min(rates), "fastest": max(rates)}
    found["GFLOP/s"] = found["steps/s"] * products.flops_per_step(row.config) / 1e9
    found["GB/s"] = found["steps/s"] * roof.bytes_per_step(row.config) / 1e9
    found |= {"launches": row.launches.result()} | _memory(prepared, row.num_seeds)
    found["value loss"] = float(np.nanmean(np.asarray(prepared.engine.update(0).metrics.value_loss)))
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


def _memory(prepared: ours.Prepared, num_seeds: int) -> dict[str, float]:
    """Device memory of a seed, as the compiled program says, in MB."""
    memory = prepared.engine.compiled_update.memory_analysis()
    if memory is None:
        return {}
    megabytes = {"state": prepared.engine.state_bytes / 1e6, "temporaries": memory.temp_size_in_bytes / 1e6}
    return {f"MB of {what} a seed": size / num_seeds for what, size in megabytes.items()}
