"""Ways to write the update of tune2, timed in turns in one process on the accelerator that is here.

    python -m benchmarks.update_variants [--runs=1024] [--seconds=75] [--variants=plain,fused] [--output=FOLDER]

All are compiled side by side, each is checked against the first by its parameters after one update, then they are timed
in turns. Tiles of the first layer's kernel are timed alone. One that fails, or is not compiled in time, is named and
left out. `update_variants.json` is written as figures come. On a CPU, which interprets the kernel, use few runs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from benchmarks import bars, results
from momentum_jax.processes import backend_startup

_RUNS = flags.DEFINE_integer("runs", 1024, "runs advanced together")
_SECONDS = flags.DEFINE_float("seconds", 75.0, "for everything; what is not compiled by 15 s before is left out")
_WAYS = flags.DEFINE_list("ways", None, "numbers of ways in `update_ways.WAYS`, from 0; default all")
_OUTPUT = flags.DEFINE_string("output", "runs/update_variants", "folder of the figures")
_UPDATES = flags.DEFINE_integer("updates", 3, "updates in one timing")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "timings of each way, in turns")

_FOR_TIMING = 15.0  # seconds
_CALLS = 20  # of a kernel in one timing


class Figures:
    """What has been measured, written again whenever there is more."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._found: dict[str, Any] = {"machine": results.machine(), "bars": bars.describe(), "runs": _RUNS.value}

    def left(self) -> float:
        """Seconds before timing has to begin, at least 0."""
        return max(0.0, self._begun + _SECONDS.value - _FOR_TIMING - time.perf_counter())

    def add(self, kind: str, name: str, **facts: Any) -> None:
        self._found.setdefault(kind, {}).setdefault(name, {}).update(facts)
        print(f"{time.perf_counter() - self._begun:5.1f} s  {kind} {name}: {facts}", flush=True)
        folder = Path(_OUTPUT.value)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "update_variants.json").write_text(json.dumps(self._found, indent=2) + "\n")


def prepared(num_runs: int) -> tuple[Any, ...]:
    """Market, configurations, options, number of updates and first states of tune2, on the first device."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    from momentum_jax.env.environment_options import EnvOptions
    from momentum_jax.env.momentum import Momentum, make_market
    from momentum_jax.market.dataset import load_segment
    from momentum_jax.ppo.traced_config import PPOConfig
    from momentum_jax.training.initialisation import Initialiser, initialising_devices
    from momentum_jax.training.runs import Run, stacked_settings, without_unused_options

    device = jax.local_devices()[0]
    market = make_market([load_segment(bars.market_config())])
    runs = without_unused_options([Run(seed, PPOConfig(), EnvOptions()) for seed in range(num_runs)])
    by_run = NamedSharding(Mesh(np.asarray([device]), ("runs",)), PartitionSpec("runs"))
    states = Initialiser(Momentum(), market, initialising_devices((device,)), by_run).states(runs)
    return *jax.device_put((market, *stacked_settings(runs), jnp.int32(196)), device), jax.device_put(states, device)


def compiled(
    lowerings: Iterable[tuple[str, Callable[[], Any]]], pool: ThreadPoolExecutor, kind: str, figures: Figures
) -> dict[str, Future[Any]]:
    """Each lowered here, one after the other, and compiled beside the others; one that fails is named."""

    def compile_(name: str, lowered: Any) -> Any:
        begun = time.perf_counter()
        program = lowered.compile()
        figures.add(kind, name, **{"compile s": time.perf_counter() - begun})
        return program

    programs = {}
    for name, lower in lowerings:
        try:
            programs[name] = pool.submit(compile_, name, lower())
        except Exception as error:  # a way that cannot be lowered takes none of the others
            figures.add(kind, name, failed=repr(error)[:300])
    return programs


def ready(programs: dict[str, Future[Any]], kind: str, figures: Figures) -> dict[str, Any]:
    """Those that are compiled in time."""
    found = {}
    for name, program in programs.items():
        try:
            found[name] = program.result(timeout=figures.left())
        except Exception as error:  # also one that is not compiled in time
            figures.add(kind, name, failed=repr(error)[:300] or "not compiled in time")
    return found


class Way:
    """One compiled update with states of its own."""

    def __init__(self, program: Any, arguments: tuple[Any, ...]):
        import jax
        import jax.numpy as jnp

        self._program, self._shared = program, arguments[:-1]
        self._states = jax.tree.map(jnp.copy, arguments[-1])

    def advance(self, updates: int) -> float:
        """Seconds of an update."""
        import jax

        begun = time.perf_counter()
        for _ in range(updates):
            self._states, self.record = self._program(*self._shared, self._states)
        jax.block_until_ready(self._states)
        return (time.perf_counter() - begun) / updates

    def params(self) -> list[np.ndarray]:
        import jax

        return [np.asarray(leaf) for leaf in jax.tree.leaves(self._states.params)]


def time_ways(programs: dict[str, Any], arguments: tuple[Any, ...], figures: Figures) -> None:
    """Check each way against the first after one update, then time them in turns."""
    ways: dict[str, Way] = {}
    first: list[np.ndarray] | None = None
    for name, program in programs.items():
        try:
            way = Way(program, arguments)
            way.advance(1)
            params = way.params()
            first = first or params
            differences = [float(np.abs(one - other).max()) for one, other in zip(params, first, strict=True)]
            norm = float(np.mean(np.asarray(way.record.metrics.grad_norm)))
            figures.add("ways", name, **{"largest difference of a weight": max(differences), "gradient norm": norm})
            ways[name] = way
        except Exception as error:
            figures.add("ways", name, failed=repr(error)[:300])
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(_ROUNDS.value + 1):  # the first is not counted
        for name, way in ways.items():
            took = way.advance(_UPDATES.value if round_ else 1)
            seconds[name] += [took] if round_ else []
        for name, taken in seconds.items():
            if taken:
                rate = 512 * _RUNS.value / float(np.median(taken))
                figures.add("ways", name, **{"ms": [1e3 * each for each in taken], "steps/s": rate})


def kernel_lowerings(num_runs: int) -> Iterable[tuple[str, Callable[[], Any]]]:
    """The first layer's two kernels by design, on arrays of tune2's sizes."""
    import jax

    from benchmarks import update_ways

    arrays = jax.eval_shape(lambda: _arrays(num_runs))

    def lowering(design: Any, function: Any, num_arguments: int, donated: tuple[int, ...]) -> Callable[[], Any]:
        def lower() -> Any:
            with update_ways.designed(design)(), jax.default_matmul_precision("highest"):
                traced = jax.jit(lambda *a: function(*a), donate_argnums=donated).trace(*arrays[:num_arguments])
            return traced.lower()

        return lower

    for name, design in update_ways.STEPS.items():
        yield f"step, {name}", lowering(design, _step, 7, (4, 5, 6))
    for name, design in update_ways.NORMS.items():
        yield f"norm, {name}", lowering(design, _norm, 3, ())


def _arrays(num_runs: int) -> tuple[Any, ...]:
    """Features, gradient of sums, counts, numbers of a step, weights and moments."""
    import jax
    import jax.numpy as jnp

    keys = jax.random.split(jax.random.key(0), 5)
    kernel = (num_runs, 328, 128)
    return (
        jax.random.normal(keys[0], (num_runs, 64, 328)),
        1e-2 * jax.random.normal(keys[1], (num_runs, 64, 128)),
        jnp.ones((328,)),
        jnp.full((num_runs, 3), 1e-3),
        jax.random.normal(keys[2], kernel),
        jnp.zeros(kernel),
        jnp.zeros(kernel),
    )


def _norm(features: Any, gradient: Any, counts: Any) -> Any:
    import jax

    from momentum_jax.ppo import first_layer_step

    return jax.vmap(first_layer_step.squared_norm, in_axes=(0, 0, None))(features, gradient, counts)


def _step(features: Any, gradient: Any, counts: Any, numbers: Any, *weights: Any) -> Any:
    import jax

    from momentum_jax.ppo import first_layer_step, optimizers

    rates = optimizers.AdamRates(numbers[:, 1], numbers[:, 2])
    step = jax.vmap(first_layer_step.step, in_axes=(0, 0, None, 0, 0, 0))
    return step(features, gradient, counts, numbers[:, 0], rates, first_layer_step.Weights(*weights))


def time_kernels(programs: dict[str, Any], figures: Figures) -> None:
    """Microseconds of each kernel, and its result against the plain formula's."""
    import jax
    import jax.numpy as jnp

    for name, program in programs.items():
        fixed, weights = _arrays(_RUNS.value)[:4], _arrays(_RUNS.value)[4:]
        step = name.startswith("step")
        try:
            gradient = jnp.einsum("rbf,rbo->rfo", *fixed[:2], precision="highest")
            if step:
                moved = program(*fixed, *jax.tree.map(jnp.copy, weights))
                error = float(jnp.abs(moved[1] / (0.1 * 1e-3) - gradient).max() / jnp.abs(gradient).max())
            else:
                norm = program(*fixed[:3])
                error = float(jnp.abs(norm / jnp.square(gradient).sum((1, 2)) - 1).max())
            jax.block_until_ready(weights)
            begun = time.perf_counter()
            for _ in range(_CALLS):
                weights = program(*fixed, *weights) if step else (program(*fixed[:3]),)
            jax.block_until_ready(weights)
            took = 1e6 * (time.perf_counter() - begun) / _CALLS
            figures.add("kernels", name, **{"us": took, "relative error": error})
        except Exception as error:
            figures.add("kernels", name, failed=repr(error)[:300])


def main(argv: list[str]) -> None:
    del argv
    figures = Figures()
    backend_startup.start(num_devices=1)
    import jax

    from benchmarks import update_program, update_ways

    arguments = prepared(_RUNS.value)
    device = jax.local_devices()[0]
    names = list(update_ways.WAYS)
    names = [names[int(number)] for number in _WAYS.value] if _WAYS.value else names
    figures.add("device", device.device_kind)

    def lowering(name: str) -> Callable[[], Any]:
        return lambda: update_program.lowered_for(update_ways.WAYS[name], device, *arguments)

    pool = ThreadPoolExecutor(len(names) + 4)
    ways = compiled(((name, lowering(name)) for name in names), pool, "ways", figures)
    kernels = compiled(kernel_lowerings(_RUNS.value), pool, "kernels", figures)
    time_ways(ready(ways, "ways", figures), arguments, figures)
    time_kernels(ready(kernels, "kernels", figures), figures)
    os._exit(0)  # without waiting for what is still compiled


if __name__ == "__main__":
    app.run(main)
