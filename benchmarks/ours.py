"""This project's learner as the benchmarks time it: tune2 on the benchmarks' bars, straight through the engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks import bars
from momentum_jax.ppo.hyper_parameters import PPOConfig

if TYPE_CHECKING:
    from momentum_jax.training.compiled_program import Compiler
    from momentum_jax.training.engine import Engine

CHECK_UPDATES = 10  # 5 120 steps: the first published checkpoint


class Prepared(NamedTuple):
    engine: Engine
    seconds: float  # of initialisation and compilation
    steps_per_update: int  # of all seeds together


def prepare(num_seeds: int, config: PPOConfig | None = None) -> Prepared:
    """An engine with every seed initialised and the update compiled; tune2 by default.

    `runtime.start` comes before.
    """
    begun, started = begin(num_seeds, config), time.perf_counter()
    begun.engine.prepare()
    return begun._replace(seconds=begun.seconds + time.perf_counter() - started)


def begin(num_seeds: int, config: PPOConfig | None = None, compiler: Compiler | None = None) -> Prepared:
    """The same, not waited for: `compiler` compiles it; the seconds are those of tracing."""
    from momentum_jax.env.environment_options import EnvOptions
    from momentum_jax.env.momentum import Momentum, make_market
    from momentum_jax.market.dataset import load_segment
    from momentum_jax.training.engine import Engine
    from momentum_jax.training.group_width import default_layout
    from momentum_jax.training.runs import Run

    market = make_market([load_segment(bars.market_config())])
    config = config or PPOConfig()
    runs = [Run(seed, config, EnvOptions()) for seed in range(num_seeds)]
    started = time.perf_counter()
    engine = Engine(Momentum(), market, runs, default_layout(num_seeds), 196, compiler=compiler)
    return Prepared(engine, time.perf_counter() - started, config.rollout_size * num_seeds)


def advance(prepared: Prepared, updates: int) -> int:
    """Advance every seed and wait for it; returns the environment steps taken."""
    import jax

    for _ in range(updates):
        last = [prepared.engine.update(group) for group in range(prepared.engine.num_groups)]
    jax.block_until_ready(last)
    return updates * prepared.steps_per_update


def hold_percent(prepared: Prepared, updates: int) -> list[float]:
    """Advance every seed and return each one's share of HOLD among decisions while flat."""
    from momentum_jax.diagnostics.events import EventWord
    from momentum_jax.env.momentum_diagnostics import MOMENTUM

    engine = prepared.engine
    words = []
    for _ in range(updates):
        words.append(engine.gather([engine.update(group).event for group in range(engine.num_groups)]))
    event = np.stack(words)  # [updates, runs, T, M]
    word = EventWord.of(MOMENTUM)
    flat = word.flag(event, "is_flat")
    holds = flat & (word.action(event) == 0)
    return (100.0 * holds.sum(axis=(0, 2, 3)) / flat.sum(axis=(0, 2, 3))).tolist()
