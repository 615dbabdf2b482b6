"""What a run says of itself: the content of config.json, and its first line."""

from __future__ import annotations

import datetime
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from momentum_jax.config.run_config import RunConfig
from momentum_jax.env import momentum_probes
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.market.dataset import Dataset
from momentum_jax.market.segment import regime_balance
from momentum_jax.processes import jax_settings
from momentum_jax.training.engine import Layout
from momentum_jax.version import __version__

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "gymnax", "numpy", "pandas")


def describe(config: RunConfig, dataset: Dataset, layouts: Sequence[Layout], num_processes: int = 1) -> dict[str, Any]:
    """The content of config.json: the resolved run and what it ran on; `layouts` are those of its programs."""
    devices = max((layout.devices for layout in layouts), key=len)
    return config.to_json() | {
        "data": dataset.describe(),
        "diagnostics": MOMENTUM.to_json(),
        "versions": {name: metadata.version(name) for name in _PACKAGES}
        | {"python": platform.python_version(), "momentum_jax": __version__},
        "device": {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)},
        "jax_settings": jax_settings.current(),
        "group_width": [layout.group_width for layout in layouts],
        "num_processes": num_processes,
        "probe_draw": momentum_probes.draw_version(len(dataset.segments)),
        "git_commit": _git_commit(),
        "started": now(),
        "finished": None,
    }


def headline(config: RunConfig, dataset: Dataset) -> str:
    """One line: arms, seeds, steps and the data."""
    run = f"{config.experiment}: {len(config.arms)} arm(s) × {config.num_seeds} seeds × {config.timesteps:,} steps on "
    if len(dataset.segments) == 1:
        facts = dataset.segments[0].describe()
        return run + f"{facts['symbol']} {facts['regime']}, {facts['bars']:,} bars of {facts['sessions']} sessions"
    balance = regime_balance(dataset.segments)
    shares = ", ".join(f"{regime} {entry['share']:.0%}" for regime, entry in balance.items())
    return run + f"{len(dataset.segments)} segments, {sum(e['bars'] for e in balance.values()):,} bars: {shares}"


def now() -> str:
    """The time in UTC, ISO."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _git_commit() -> str | None:
    """The commit of the source tree, or None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
