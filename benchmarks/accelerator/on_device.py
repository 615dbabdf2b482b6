"""The parts that call the engine themselves: speed and memory (b), one file (c), the profile (g)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import launches, ours, products
from benchmarks.accelerator import roof, setting, trace
from momentum_jax.ppo.hyper_parameters import PPOConfig

_REPEATS = 3


def speed() -> None:
    """Part b: environment steps a second by number of seeds and precision, beside the card's own rates."""
    import jax

    compile_seconds = _listen_to_compilation()
    result: dict[str, Any] = {"roof": roof.measure(setting.sizes().roof), "rows": []}
    for precision, num_seeds in setting.sizes().widths:
        compile_seconds.clear()
        config = PPOConfig(matmul_precision=precision)
        prepared = ours.prepare(num_seeds, config)
        row: dict[str, Any] = {"precision": precision, "seeds": num_seeds}
        row["compile seconds"] = sum(compile_seconds)
        row["other seconds before training"] = prepared.seconds - row["compile seconds"]
        rates = _rates(lambda prepared=prepared: ours.advance(prepared, setting.sizes().updates))
        row |= {"steps/s": float(np.median(rates)), "slowest": min(rates), "fastest": max(rates)}
        row["GFLOP/s"] = row["steps/s"] * products.flops_per_step(config) / 1e9
        row["GB/s"] = row["steps/s"] * roof.bytes_per_step(config) / 1e9
        row |= _program(prepared, num_seeds)
        record = prepared.engine.update(0)
        row["value loss"] = float(np.nanmean(np.asarray(record.metrics.value_loss)))
        result["rows"].append(row)
        setting.save("b", result)
        del prepared, record
        gc.collect()
        jax.clear_caches()
    setting.save("b", result | {"complete": True})


def one_file() -> None:
    """Part c: the same learner as one file of `jit(vmap(train))`, in the same process as ours."""
    from benchmarks import single_file_ppo

    num_seeds, updates = setting.sizes().rival_seeds, 2
    advance, steps = single_file_ppo.prepare(num_seeds, updates)
    holds, flat = np.sum([advance() for _ in range(ours.CHECK_UPDATES // updates)], axis=0)
    mine = ours.prepare(num_seeds)
    hold = {"ours": ours.hold_percent(mine, ours.CHECK_UPDATES), "one file": (100.0 * holds / flat).tolist()}
    rates: dict[str, list[float]] = {"ours": [], "one file": []}
    for _ in range(_REPEATS):
        rates["one file"] += _rates(lambda: (advance(), steps)[1], repeats=1)
        rates["ours"] += _rates(lambda: ours.advance(mine, setting.sizes().updates), repeats=1)
    medians = {name: float(np.median(values)) for name, values in rates.items()}
    means = {name: float(np.mean(values)) for name, values in hold.items()}
    result = {"seeds": num_seeds, "steps/s": medians, "ratio": medians["ours"] / medians["one file"], "HOLD %": means}
    setting.save("c", result | {"complete": True})


def profile() -> None:
    """Part g: the kernels of one update, from JAX's profiler, and what the compiled program says."""
    import jax

    num_seeds = setting.sizes().profile_seeds
    prepared = ours.prepare(num_seeds)
    text = prepared.engine.compiled_update.as_text() or ""
    Path(setting.OUTPUT.value, "update.hlo.txt").write_text(text)
    result: dict[str, Any] = {"seeds": num_seeds, "launches": launches.count(text)}
    result["loops"] = launches.by_loop(text).head(6).to_dict("records")
    setting.save("g", result)
    ours.advance(prepared, 2)
    folder = setting.fresh("trace")
    jax.profiler.start_trace(folder, create_perfetto_trace=False)
    ours.advance(prepared, 1)
    jax.profiler.stop_trace()
    setting.save("g", result | trace.summary(folder) | {"complete": True})


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


def _listen_to_compilation() -> list[float]:
    """A list that receives the seconds of every compilation from now on."""
    import jax.monitoring

    seconds: list[float] = []

    def listen(event: str, duration: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return seconds
