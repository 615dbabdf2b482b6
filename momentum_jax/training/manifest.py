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
from momentum_jax.env.registry import Loaded
from momentum_jax.env.task import Task
from momentum_jax.processes import jax_settings
from momentum_jax.training import own_code
from momentum_jax.training.group_width import Layout
from momentum_jax.training.run_description import describe_run
from momentum_jax.version import __version__

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "gymnax", "numpy", "pandas")


def describe(
    config: RunConfig, task: Task, loaded: Loaded, layouts: Sequence[Layout], num_processes: int = 1
) -> dict[str, Any]:
    """The content of config.json: the resolved run and what it ran on; `layouts` are those of its programs."""
    devices = max((layout.devices for layout in layouts), key=len)
    return config.to_json() | {
        "data": dict(loaded.facts),
        "sources": own_code.recorded(config),
        "diagnostics": describe_run(config, task, loaded.sessions).to_json(),
        "policy": _policy(task),
        "versions": {name: metadata.version(name) for name in _PACKAGES}
        | {"python": platform.python_version(), "momentum_jax": __version__},
        "device": {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)},
        "jax_settings": jax_settings.current(),
        "group_width": [layout.group_width for layout in layouts],
        "num_processes": num_processes,
        "probe_draw": loaded.probe_draw,
        "git_commit": _git_commit(),
        "started": now(),
        "finished": None,
    }


def _policy(task: Task) -> dict[str, Any]:
    """The shape of what a saved policy takes and answers."""
    found = {"observation_shape": list(task.observation_shape), "num_actions": task.num_actions}
    categories = getattr(task, "num_categories", None)
    return found if categories is None else found | {"num_categories": categories}


def headline(config: RunConfig, loaded: Loaded) -> str:
    """One line: arms, seeds, steps and the environment's data."""
    return (
        f"{config.experiment}: {len(config.arms)} arm(s) × {config.num_seeds} seeds × {config.timesteps:,} steps on "
        f"{loaded.title}"
    )


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
