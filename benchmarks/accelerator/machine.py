"""What the figures were measured on: the device, its driver, and the versions of what computes."""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
import sys
from importlib import metadata
from typing import Any

from benchmarks import results

_PACKAGES = ("jax", "jaxlib", "jax-cuda13-plugin", "jax-cuda12-plugin", "numpy", "flax", "optax", "gymnax")


def describe() -> dict[str, Any]:
    """The device, asked for in a process that ends again: a device's memory may be one process's alone."""
    code = (
        "import json, jax; device = jax.devices()[0];"
        "print(json.dumps({'platform': device.platform, 'kind': device.device_kind}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    facts = json.loads(found.stdout.splitlines()[-1])
    machine = results.machine()
    facts |= {"processor": machine["processor"], "cores": machine["cores"], "python": platform.python_version()}
    facts["packages"] = {name: version for name in _PACKAGES if (version := _version(name))}
    facts["nvidia-smi"] = _output("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    facts["commit"] = _output("git", "rev-parse", "--short", "HEAD")
    facts["date"] = datetime.date.today().isoformat()
    return facts


def unused_card(facts: dict[str, Any]) -> str:
    """A line for a card that is there and that JAX does not use; "" where there is none."""
    if facts["platform"] != "cpu" or not facts["nvidia-smi"]:
        return ""
    return (
        f"JAX does not use {facts['nvidia-smi'].splitlines()[0]}: pip install 'momentum-jax[cuda]', unset JAX_PLATFORMS"
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _output(*command: str) -> str | None:
    """What a command prints; None where it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None
