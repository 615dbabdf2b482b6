"""A run as TensorBoard event files: scalars of every seed, and of all seeds together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.analysis.export.run_exports import file_name
from momentum_jax.analysis.inference.bands import quantile_bands
from momentum_jax.analysis.metrics.derived_curves import derive_curves, healthy
from momentum_jax.diagnostics.description import Diagnostics, Metric, Recorded
from momentum_jax.diagnostics.variables import HEALTH_METRICS
from momentum_jax.run_directory import diagnostics_of

_LEARNER = (*HEALTH_METRICS, "reward_sum", "episode_return")
_QUANTILES = {"median": 0.5, "q25": 0.25, "q75": 0.75}


class MissingWriterError(RuntimeError):
    """The optional package that writes event files is not installed."""


def write_events(ds: xr.Dataset, folder: str | Path) -> list[Path]:
    """Writes ``<folder>/<arm>/seed_<n>`` and ``<folder>/<arm>/all_seeds``, one event file each.

    Tags are ``<decisions>/<curve>`` of the environment's metrics, windowed and exact (``<decisions>`` is the variable
    that counts a metric's decisions, without ``_count``), and ``learner/<variable>``; in ``all_seeds`` with ``/median,
    /q25, /q75``. The step is the environment step. Event files of an earlier call are replaced.
    rl-reliability-metrics reads the seeds' folders as its run directories.

    Args:
        ds: a loaded run, or several joined.
        folder: what ``tensorboard --logdir`` is given.

    Returns:
        The folders that hold an event file.

    Raises:
        MissingWriterError: tensorboardX is not installed.
    """
    scalars = _scalars(ds)
    steps = ds["env_steps"].values
    folders = []
    for index, arm in enumerate(ds["arm"].values):
        root = Path(folder) / file_name(str(arm))
        for row, seed in enumerate(ds["seed"].values):
            values = {tag: array[index, row] for tag, array in scalars.items()}
            folders.append(_write(root / f"seed_{seed}", steps, values))
        together = {tag: array[index] for tag, array in scalars.items()}
        folders.append(_write(root / "all_seeds", steps, _aggregates(together)))
    return folders


def _scalars(ds: xr.Dataset) -> dict[str, np.ndarray]:
    """``[arm, seed, K]`` by tag, NaN from the step a seed failed."""
    curves, diagnostics, alive = derive_curves(ds), diagnostics_of(ds), healthy(ds)
    chosen = {
        f"{_group(metric, diagnostics)}/{name}": curves[name]
        for metric in diagnostics.metrics
        for counted, name in metric.curves.items()
        if counted != "cumulative" and name not in _LEARNER
    }
    chosen |= {f"learner/{name}": ds[name].where(alive) for name in _LEARNER}
    return {tag: values.transpose("arm", "seed", "checkpoint").values for tag, values in chosen.items()}


def _group(metric: Metric, diagnostics: Diagnostics) -> str:
    """What the tags of a metric's curves begin with."""
    derived = metric.derived
    decisions = diagnostics.decisions if isinstance(derived, Recorded) else diagnostics.counted_in(derived)
    return decisions.removesuffix("_count")


def _aggregates(scalars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    parts: dict[str, np.ndarray] = {}
    for tag, values in scalars.items():
        quantiles = quantile_bands(values, tuple(_QUANTILES.values()))
        parts |= {f"{tag}/{name}": curve for name, curve in zip(_QUANTILES, quantiles, strict=True)}
    return parts


def _write(folder: Path, steps: np.ndarray, scalars: dict[str, np.ndarray]) -> Path:
    for earlier in folder.glob("events.out.tfevents.*"):
        earlier.unlink()
    with _writer(folder) as writer:
        for tag, values in scalars.items():
            known = np.isfinite(values)
            for step, value in zip(steps[known].tolist(), values[known].tolist(), strict=True):
                writer.add_scalar(tag, value, step)
    return folder


def _writer(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError:
        raise MissingWriterError(
            "TensorBoard files need the package tensorboardX: pip install 'momentum_jax[tensorboard]'"
        ) from None
    return SummaryWriter(str(folder))
