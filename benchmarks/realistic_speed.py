"""How fast `realistic` trains beside `reference`: updates of both in turns, in one process, on the embedded market.

python -m benchmarks.realistic_speed --rounds=40        ratio of the medians, wanted at least 0.8
"""

from __future__ import annotations

import time

import numpy as np
from absl import app, flags

from benchmarks import ours
from momentum_jax.processes import backend_startup

_SEEDS = flags.DEFINE_integer("num_seeds", 2, "seeds of each")
_ROUNDS = flags.DEFINE_integer("rounds", 40, "turns of one update of every seed")
LEAST_RATIO = 0.8


def prepare(preset: str, num_seeds: int) -> ours.Prepared:
    """An engine of tune2 under the preset, on the market that goes with it."""
    from momentum_jax.env.environment_options import PRESET_MARKETS, PRESETS, EnvOptions
    from momentum_jax.env.momentum import Momentum, make_market
    from momentum_jax.market.dataset import load_dataset
    from momentum_jax.market.market_options import MarketConfig
    from momentum_jax.ppo.hyper_parameters import PPOConfig
    from momentum_jax.training.engine import Engine
    from momentum_jax.training.group_width import default_layout
    from momentum_jax.training.runs import Run

    options, config = EnvOptions(**PRESETS[preset]), PPOConfig()
    market = make_market(load_dataset(MarketConfig(**PRESET_MARKETS.get(preset, {}))).segments, options=options)
    started = time.perf_counter()
    runs = [Run(seed, config, options) for seed in range(num_seeds)]
    engine = Engine(Momentum(options), market, runs, default_layout(num_seeds), _ROUNDS.value + 3)
    return ours.Prepared(engine, time.perf_counter() - started, config.rollout_size * num_seeds)


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start()
    engines = {name: prepare(name, _SEEDS.value) for name in ("reference", "realistic")}
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for prepared in engines.values():
        ours.advance(prepared, 3)
    for round_number in range(_ROUNDS.value):
        for name in sorted(engines, reverse=round_number % 2 == 1):
            started = time.perf_counter()
            ours.advance(engines[name], 1)
            seconds[name].append(time.perf_counter() - started)
    rate = {name: engines[name].steps_per_update / float(np.median(taken)) for name, taken in seconds.items()}
    pairs = np.array(seconds["reference"]) / np.array(seconds["realistic"])
    ratio = float(np.median(pairs))
    print({"steps_per_second": {name: round(each) for name, each in rate.items()}, "ratio in turns": round(ratio, 3)})
    print("quartiles of the ratio", np.quantile(pairs, [0.25, 0.75]).round(3))
    if ratio < LEAST_RATIO:
        raise SystemExit(f"realistic trains at {ratio:.2f} of reference's rate, less than {LEAST_RATIO}")


if __name__ == "__main__":
    app.run(main)
