"""The profile (g): the kernels of one update."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import launches, ours
from benchmarks.accelerator import setting, trace


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
