"""Environment steps a second of every environment of gymnax that trains, and what its own part of them is.

    python -m benchmarks.environments [--envs=CartPole-v1,Breakout-MinAtar] [--seconds=2]

Each is trained by the same learner, two runs a core; one update has been made before anything is timed. Prints the
rows of docs/environments.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from absl import app, flags

from momentum_jax.processes import backend_startup

_ENVS = flags.DEFINE_list("envs", [], "environments to time; default all that train")
_SECONDS = flags.DEFINE_float("seconds", 2.0, "least time of each figure")
_SETTINGS: dict[str, Any] = {"num_envs": 8, "num_steps": 128, "num_epochs": 4, "minibatch_size": 256}
_RUNS_EACH = 2  # on every core
_UPDATES = 1_000  # of a run, as far as it knows


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start()
    from gymnax import registration

    from benchmarks import results
    from momentum_jax.env.momentum import ENV_ID

    names = _ENVS.value or [name for name in registration.registered_envs if name != ENV_ID]
    rows = [row for row in map(_timed, names) if row is not None]
    print("\n| environment | numbers observed | actions | steps/s | steps/s of acting alone | compiled in |")
    print("|---|---:|---:|---:|---:|---:|")
    for row in rows:
        print(
            f"| {row['environment']} | {row['inputs']:,} | {row['actions']} | {row['training']:,.0f} | "
            f"{row['acting']:,.0f} | {row['compile_seconds']:.0f} s |"
        )
    print("\nwritten:", results.write("environments", {"settings": _SETTINGS, "rows": rows}))


def _timed(name: str) -> dict[str, Any] | None:
    """One row; None for an environment that is refused."""
    from momentum_jax.env import registry
    from momentum_jax.fields import ConfigError
    from momentum_jax.market.market_options import MarketConfig
    from momentum_jax.ppo.hyper_parameters import PPOConfig
    from momentum_jax.training.engine import Engine
    from momentum_jax.training.group_width import default_layout
    from momentum_jax.training.runs import Run

    try:
        found = registry.find(name, MarketConfig())
    except ConfigError as refused:
        print(refused)
        return None
    config = PPOConfig(**_SETTINGS)
    runs = [Run(seed, config, None) for seed in range(_RUNS_EACH * len(jax.local_devices()))]
    started = time.perf_counter()
    engine = Engine(found.task, found.load().shared, runs, default_layout(len(runs)), _UPDATES)
    acting = engine.compile(_act, ())
    engine.prepare()
    seconds = time.perf_counter() - started
    steps = len(runs) * config.rollout_size
    return {
        "environment": name,
        "inputs": found.task.num_inputs,
        "actions": found.task.num_actions,
        "training": _rate(partial(_all_groups, engine, engine.update), steps),
        "acting": _rate(partial(_all_groups, engine, acting), steps),
        "compile_seconds": seconds,
    }


def _all_groups(engine: Any, advance: Callable[[int], Any]) -> None:
    jax.block_until_ready([advance(group) for group in range(engine.num_groups)])


def _act(task: Any, config: Any, env_params: Any, common: Any, present: Any) -> jax.Array:
    """A rollout whose every reward is needed, and nothing learned of it."""
    from momentum_jax.ppo import learner, rollout

    del common
    state = present.state
    agent, keys = learner.acting_agent(task, config, state), state.streams.at_update(state.update)
    actors = rollout.Actors(state.env_state, state.memory)
    _, trajectory = rollout.collect(agent, config, state.params, actors, env_params, keys.action, keys.market)
    return trajectory.reward.sum()


def _rate(run: Callable[[], None], steps: int) -> float:
    """Steps a second of a function that takes `steps`, over at least `--seconds`."""
    run()
    count, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < _SECONDS.value:
        run()
        count += 1
    return count * steps / taken


if __name__ == "__main__":
    app.run(main)
