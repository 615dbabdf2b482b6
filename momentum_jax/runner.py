"""Trains an experiment: loads the market, compiles, advances to each checkpoint and writes it as soon as it exists."""

from __future__ import annotations

import datetime
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from momentum_jax import store
from momentum_jax.config import RunConfig
from momentum_jax.engine import Layout, default_layout
from momentum_jax.env.momentum import make_market
from momentum_jax.fields import ConfigError
from momentum_jax.fleet import Fleet, InFlight
from momentum_jax.market.dataset import Dataset, load_dataset
from momentum_jax.market.errors import DataError
from momentum_jax.market.segment import regime_balance
from momentum_jax.progress import Progress
from momentum_jax.recorder import Checkpoint, Recorder

# What `train` raises when a run cannot be: nothing has been compiled or written then.
REFUSALS = (ConfigError, DataError, store.RunDirectoryError)
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "gymnax", "numpy", "pandas")


def train(config: RunConfig, run_dir: Path, say: Callable[[str], None] = print) -> None:
    """Train every arm with every seed and fill `run_dir`.

    Raises:
      ConfigError, DataError, RunDirectoryError: before anything is compiled or written.
    """
    config.validate()
    dataset = load_dataset(config.market)
    market = make_market(dataset.segments, config.market.segments)
    layout = default_layout(config.num_seeds * len(config.arms), config.group_width, config.num_devices)
    store.create_run(run_dir, describe(config, dataset, layout))

    def log(line: str) -> None:
        store.append_log(run_dir, line)
        say(line)

    log(_headline(config, dataset))
    for report in dataset.reports:
        if report.findings:
            log(report.to_text(limit=0))
    started = time.perf_counter()
    fleet = Fleet(config, market, layout)
    log(f"compiled for {_devices(layout)} in {time.perf_counter() - started:.1f} s")
    started = time.perf_counter()
    for checkpoint in advance(config, fleet):
        store.write_checkpoint(run_dir, checkpoint.env_steps, checkpoint.update, checkpoint.arrays)
    seconds = time.perf_counter() - started
    store.write_policies(run_dir, fleet.policies())
    steps = config.total_updates * config.rollout_size * fleet.num_runs
    log(f"trained {steps:,} environment steps in {seconds:.1f} s, {steps / seconds:,.0f} steps/s")


def advance(config: RunConfig, fleet: Fleet) -> Iterator[Checkpoint]:
    """Train to the end; yields every checkpoint, arrays [arm, seed, ...], as soon as it is complete.

    One update stays in flight: while the devices work on it, the host counts the one before.
    """
    num_envs = config.arms[0].ppo.num_envs
    recorder = Recorder(fleet.num_runs, num_envs, config.rollout_size, config.planned_checkpoints)
    progress = Progress(fleet.num_runs, config.total_updates * config.rollout_size)
    probes = {0: fleet.probe()}
    yield _complete(config, recorder.start(), fleet.fetch(probes[0]))
    in_flight: InFlight = []
    for update in range(config.total_updates + 1):
        # A checkpoint inside this update's rollout is probed with the policy that acts in it.
        if update in recorder.probed_updates and update not in probes:
            probes[update] = fleet.probe()
        previous, in_flight = in_flight, fleet.update() if update < config.total_updates else []
        if not previous:
            continue
        record = fleet.fetch(previous)
        progress.add(record.event)
        for checkpoint in recorder.add(update - 1, record):
            yield _complete(config, checkpoint, fleet.fetch(probes[checkpoint.update]))
        probes = {key: value for key, value in probes.items() if key >= update}
    progress.close()


def describe(config: RunConfig, dataset: Dataset, layout: Layout) -> dict[str, Any]:
    """The content of config.json: the resolved run and what it ran on."""
    device = layout.devices[0]
    return config.to_json() | {
        "data": dataset.describe(),
        "versions": {name: metadata.version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "device": {"platform": device.platform, "kind": device.device_kind, "count": len(layout.devices)},
        "group_width": layout.group_width,
        "git_commit": _git_commit(),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _complete(config: RunConfig, checkpoint: Checkpoint, probed: tuple[np.ndarray, np.ndarray]) -> Checkpoint:
    """Add the probe's figures and split the axis of runs into arms and seeds."""
    p_action, probe_count = probed
    arrays = checkpoint.arrays | {
        "p_action": p_action.astype(np.float64),
        "probe_count": probe_count.astype(np.int64),
    }
    shape = (len(config.arms), config.num_seeds)
    return checkpoint._replace(arrays={name: array.reshape(*shape, *array.shape[1:]) for name, array in arrays.items()})


def _headline(config: RunConfig, dataset: Dataset) -> str:
    run = f"{config.experiment}: {len(config.arms)} arm(s) × {config.num_seeds} seeds × {config.timesteps:,} steps on "
    if len(dataset.segments) == 1:
        facts = dataset.segments[0].describe()
        return run + f"{facts['symbol']} {facts['regime']}, {facts['bars']:,} bars of {facts['sessions']} sessions"
    balance = regime_balance(dataset.segments)
    shares = ", ".join(f"{regime} {entry['share']:.0%}" for regime, entry in balance.items())
    return run + f"{len(dataset.segments)} segments, {sum(e['bars'] for e in balance.values()):,} bars: {shares}"


def _devices(layout: Layout) -> str:
    return f"{len(layout.devices)} {layout.devices[0].platform} device(s), {layout.group_width} run(s) each at a time"


def _git_commit() -> str | None:
    """The commit of the source tree, or None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
