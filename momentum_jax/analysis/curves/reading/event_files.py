"""TensorBoard's event files: a scalar of each folder that holds some, one folder a run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from momentum_jax.analysis.curves.reading.reading import ReadOptions, RunCurve, choose, listed
from momentum_jax.fields import ConfigError

PATTERN = "*.tfevents.*"
_KEEP_ALL = {
    "scalars": 0,
    "tensors": 0,
    "images": 1,
    "audio": 1,
    "histograms": 1,
    "compressedHistograms": 1,
    "graph": 0,
}


def read_event_runs(
    folders: Sequence[Path], labels: Sequence[tuple[str, str]], options: ReadOptions
) -> tuple[list[RunCurve], str, str]:
    """One run a folder; several event files in one belong together, as after a restart.

    Args:
        folders: each holds event files, or is one.
        labels: arm and seed of each.
        options: `value` names the tag.

    Returns:
        The runs that have the tag, the tag, and a sentence on those that have not, or empty.

    Raises:
        ConfigError: tensorboard is not installed, or the tag is not found.
    """
    logs = [_load(folder) for folder in folders]
    tags = list(dict.fromkeys(tag for log in logs for tag in _tags(log)))
    if not tags:
        raise ConfigError(
            f"{folders[0]}: its event files hold no scalar, expected one a seed: name the folder of the runs"
        )
    if options.value:
        tag = choose(_common(folders), "scalar tag", "value", options.value, tags)
    elif len(tags) == 1:
        tag = tags[0]
    else:
        raise ConfigError(
            f"{_common(folders)}: holds the scalar tags {listed(tags)}, expected one: choose by --value=TAG"
        )
    runs = [
        _run(log, tag, *label, folder)
        for log, label, folder in zip(logs, labels, folders, strict=True)
        if tag in _tags(log)
    ]
    without = [str(folder) for folder, log in zip(folders, logs, strict=True) if tag not in _tags(log)]
    note = f"{len(without)} folders have no {tag} and are left out: {listed(without)}." if without else ""
    return runs, tag, note


def _load(folder: Path) -> Any:
    accumulator = _accumulators()
    try:
        return accumulator(str(folder), size_guidance=_KEEP_ALL).Reload()
    except Exception as error:  # the library has no kind of error for a damaged file
        why = " ".join(str(error).split())[:120] or type(error).__name__
        raise ConfigError(f"{folder}: cannot be read as event files ({why}): leave the folder out") from None


def _accumulators() -> Any:
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise ConfigError(
            "event files are read by the package tensorboard, which is not installed: "
            "pip install 'momentum_jax[tensorboard]'"
        ) from None
    # It tells of a file's last, half-written record, which is simply not read.
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    return EventAccumulator


def _tags(log: Any) -> list[str]:
    """Scalars of either way of writing them: as a number, or as a tensor that holds one."""
    tags = log.Tags()
    tensors = [tag for tag in tags["tensors"] if _plugin(log, tag) in ("", "scalars")]
    return [*tags["scalars"], *tensors]


def _plugin(log: Any, tag: str) -> str:
    return str(log.SummaryMetadata(tag).plugin_data.plugin_name)


def _run(log: Any, tag: str, arm: str, seed: str, folder: Path) -> RunCurve:
    pairs = list(_events(log, tag))
    steps, values = (np.array([pair[place] for pair in pairs], np.float64) for place in (0, 1))
    return RunCurve(arm=arm, seed=seed, steps=steps, values=values, source=str(folder))


def _events(log: Any, tag: str) -> Iterable[tuple[int, float]]:
    if tag in log.Tags()["scalars"]:
        yield from ((event.step, event.value) for event in log.Scalars(tag))
        return
    from tensorboard.util import tensor_util

    for event in log.Tensors(tag):
        value = tensor_util.make_ndarray(event.tensor_proto)
        if value.ndim == 0:
            yield event.step, float(value)


def _common(folders: Sequence[Path]) -> Path:
    """The folder that holds all of them."""
    return (
        folders[0]
        if len(folders) == 1
        else next(parent for parent in folders[0].parents if all(parent in folder.parents for folder in folders))
    )
