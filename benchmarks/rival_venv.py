"""A virtual environment for the PyTorch rival, made by its benchmark on first use; never a dependency of the project.

It lies in the user's cache directory and sees the packages of the interpreter that runs the benchmark, so that the
project and its JAX need not be installed twice.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

from momentum_jax.processes.backend_startup import cache_dir


class InstallError(RuntimeError):
    """The rival's packages cannot be installed."""


def interpreter(requirements: Sequence[str]) -> Path:
    """The Python that has `requirements`; installs them into a new environment where there is none yet.

    Raises:
      InstallError: with pip's own reason.
    """
    packages = sysconfig.get_path("purelib")
    identity = hashlib.sha256(repr((sys.version, packages, sorted(requirements))).encode()).hexdigest()[:12]
    folder = cache_dir() / f"rival-{identity}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if complete.exists():
        return python
    print(f"installing {', '.join(requirements)} into {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    # Added after pip has run, so that it chooses versions for the rival alone. The rival's own come first.
    (_site_packages(folder) / "benchmark_host.pth").write_text(packages + "\n")
    _run([python, "-c", "import torch, sb3_contrib, jax, gymnax"])
    complete.touch()
    return python


def _site_packages(folder: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        raise InstallError(
            f"the rival's packages cannot be installed ({lines[-1].strip()}): "
            "check the network, or name versions that exist here with --torch and --sb3"
        )
