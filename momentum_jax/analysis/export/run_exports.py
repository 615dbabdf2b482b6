"""A run in the formats other tools read: NetCDF, Parquet, CSV, and what rliable and rl-reliability-metrics take."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from momentum_jax.analysis.metrics.derived_curves import derive_curves, failed_steps
from momentum_jax.analysis.metrics.metric_curves import Curve, steady_curve
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.run_directory import RunDirectoryError, diagnostics_of, write_atomic
from momentum_jax.run_directory.atomic_files import write_arrays

Floats = npt.NDArray[np.float64]

FORMATS = ("netcdf", "parquet", "csv", "rliable", "reliability")
_RUN_DIMS = ("arm", "seed", "checkpoint")


def export_run(ds: xr.Dataset, folder: str | Path, formats: Iterable[str] = FORMATS) -> list[Path]:
    """Writes a run in each of the formats.

    Files in `folder`: ``run.nc``; ``curves.parquet`` and ``curves.csv`` (long, see
    `long_table`); ``rliable_scores.npz`` and ``rliable_curves.npz``;
    ``reliability/<arm>/<metric>/seed_<n>.csv``.

    Args:
        ds: a loaded run, or several joined.
        folder: made where it is missing.
        formats: some of `FORMATS`.

    Raises:
        ValueError: an unknown format.
    """
    wanted = list(formats)
    unknown = sorted(set(wanted) - set(FORMATS))
    if unknown:
        raise ValueError(f"export formats {unknown} are unknown, expected some of {', '.join(FORMATS)}")
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    writers = {
        "netcdf": lambda: [write_netcdf(ds, root / "run.nc")],
        "parquet": lambda: [write_parquet(ds, root / "curves.parquet")],
        "csv": lambda: [write_csv(ds, root / "curves.csv")],
        "rliable": lambda: write_rliable(ds, root),
        "reliability": lambda: write_reliability(ds, root / "reliability"),
    }
    return [path for name in FORMATS if name in wanted for path in writers[name]()]


def write_netcdf(ds: xr.Dataset, path: Path) -> Path:
    """Every recorded variable with its attributes, as NetCDF 4; `xarray.load_dataset` gives it back alike."""
    # The library writes to a name only, so a whole file is put in place as the store does.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        ds.to_netcdf(part, engine="netcdf4")
        os.replace(part, path)
    return path


def long_table(ds: xr.Dataset) -> pd.DataFrame:
    """Every recorded variable and derived curve, one value per row.

    Returns:
        Columns ``arm, seed, env_steps, update, variable, value``, sorted as the dataset is.
        Further dimensions are part of the variable's name: ``action_count[context=any,action=left]``.
    """
    curves = derive_curves(ds)
    frames = []
    for source in (ds, curves.drop_vars([name for name in curves if name in ds])):
        for name in source.data_vars:
            frames += list(_long_frames(str(name), source[name]))
    table = pd.concat(frames, ignore_index=True)
    table["arm"] = table["arm"].astype("category")
    table["variable"] = table["variable"].astype("category")
    return table


def _long_frames(name: str, variable: xr.DataArray) -> Iterable[pd.DataFrame]:
    further = [str(dim) for dim in variable.dims if dim not in _RUN_DIMS]
    array = variable.transpose(*_RUN_DIMS, *further)
    shape = array.shape[: len(_RUN_DIMS)]
    arm, seed, checkpoint = (index.ravel() for index in np.indices(shape))
    keys = {
        "arm": array["arm"].values[arm],
        "seed": array["seed"].values[seed],
        "env_steps": array["env_steps"].values[checkpoint],
        "update": array["update"].values[checkpoint],
    }
    for index in np.ndindex(array.shape[len(_RUN_DIMS) :]):
        labels = [f"{dim}={array[dim].values[place]}" for dim, place in zip(further, index, strict=True)]
        values = array.values[(slice(None),) * len(_RUN_DIMS) + index]
        label = f"{name}[{','.join(labels)}]" if labels else name
        yield pd.DataFrame({**keys, "variable": label, "value": values.ravel().astype(float)})


def write_parquet(ds: xr.Dataset, path: Path) -> Path:
    """`long_table` as Parquet."""
    buffer = io.BytesIO()
    long_table(ds).to_parquet(buffer, index=False)
    write_atomic(path, buffer.getvalue())
    return path


def write_csv(ds: xr.Dataset, path: Path) -> Path:
    """`long_table` as CSV; numbers keep every digit, what is not there is an empty cell."""
    write_atomic(path, long_table(ds).to_csv(index=False).encode())
    return path


def score_curves(diagnostics: Diagnostics) -> list[Curve]:
    """The curves that score a run: the steady form of each metric of which up is good.

    Where there is none, those of which down is good; the primary one where no metric has a direction.
    """
    metrics = diagnostics.metrics
    up, down = ([metric for metric in metrics if metric.good_direction == direction] for direction in (1, -1))
    chosen = up or down or [diagnostics.metric(diagnostics.primary)]
    return [steady_curve(metric) for metric in chosen]


def rliable_scores(ds: xr.Dataset) -> dict[str, Floats]:
    """What rliable's `get_interval_estimates` takes: by arm, ``[seed, task]`` at the last checkpoint.

    A task is a curve of `score_curves` with up being good: a percentage as a fraction (one of which down is good, what
    it leaves of 1), another metric in its unit (likewise its negative). Seeds that failed are left out, so that
    arms may differ in length.
    """
    return {arm: curves[:, :, -1] for arm, curves in rliable_curves(ds).items()}


def rliable_curves(ds: xr.Dataset) -> dict[str, Floats]:
    """What rliable takes for sample-efficiency curves: by arm, ``[seed, task, frames]``.

    Frames are the checkpoints, ``env_steps`` of the dataset. rliable draws other seeds at
    each frame; for bands of whole curves use this project's own.
    """
    curves = derive_curves(ds)
    tasks = [
        _score(curve, curves[curve.name].transpose(*_RUN_DIMS).values) for curve in score_curves(diagnostics_of(ds))
    ]
    every = np.stack(tasks, axis=2)
    healthy = (failed_steps(ds).transpose("arm", "seed") < 0).values
    return {str(arm): every[index][healthy[index]] for index, arm in enumerate(ds["arm"].values)}


def _score(curve: Curve, values: Floats) -> Floats:
    """Values with up being good, of a percentage as a fraction."""
    scaled = values / 100 if curve.metric.is_percentage else values
    if curve.sign >= 0:
        return scaled
    return 1 - scaled if curve.metric.is_percentage else -scaled


def write_rliable(ds: xr.Dataset, folder: Path) -> list[Path]:
    """``rliable_scores.npz`` and ``rliable_curves.npz``: one array per arm under the arm's name.

    The curves' file also has the frames' steps, as `frames_key` names them.
    """
    frames = {frames_key(ds["arm"].values.tolist()): ds["env_steps"].values}
    parts = {"rliable_scores.npz": rliable_scores(ds), "rliable_curves.npz": {**rliable_curves(ds), **frames}}
    # Not np.savez: an arm called like one of its own arguments (file, allow_pickle) would be taken for it.
    for name, arrays in parts.items():
        write_arrays(folder / name, arrays)
    return [folder / name for name in parts]


def frames_key(arms: Sequence[str]) -> str:
    """The name of the frames' steps beside arms: ``env_steps``, and underscores behind it while an arm has it."""
    key = "env_steps"
    while key in arms:
        key += "_"
    return key


def write_reliability(ds: xr.Dataset, folder: Path) -> list[Path]:
    """Curves as rl-reliability-metrics reads them: one CSV per algorithm (arm), task (`score_curves`) and run (seed).

    Each has the columns ``env_steps`` (its timepoint variable) and the metric (its dependent
    variable), in its own unit; checkpoints without a value are left out, and so are failed seeds.

    Raises:
        RunDirectoryError: a file that is in the way was not written by this function.
    """
    curves = derive_curves(ds)
    steps = ds["env_steps"].values
    failed = failed_steps(ds)
    _clear(folder)
    paths = []
    names = [curve.name for curve in score_curves(diagnostics_of(ds))]
    for arm, metric in itertools.product(ds["arm"].values, names):
        values = curves[metric].sel(arm=arm).transpose("seed", "checkpoint").values
        for row in np.flatnonzero(failed.sel(arm=arm).values < 0):
            table = pd.DataFrame({"env_steps": steps, metric: values[row]}).dropna()
            paths.append(folder / file_name(arm) / metric / f"seed_{ds['seed'].values[row]}.csv")
            write_atomic(paths[-1], table.to_csv(index=False).encode())
    return paths


def file_name(arm: str) -> str:
    """An arm's name as a folder's; joined runs put a colon into it."""
    return arm.replace(":", "__")


def _clear(folder: Path) -> None:
    """Removes an earlier export, so that no seed of another run is read with this one's."""
    if not folder.exists():
        return
    foreign = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".csv"]
    if foreign:
        raise RunDirectoryError(f"{foreign[0]}: not an exported curve; choose another folder")
    shutil.rmtree(folder)
