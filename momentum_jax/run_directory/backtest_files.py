"""The files of a backtest beside its run: one array file of sessions, and a table of trades where it was asked for.

runs/<name>/evaluation/<data part>/
  sessions.nc                        arrays [arm, seed, day, policy, symbol], see `backtest_names.VARIABLES`
  trades.parquet                     one row a trade
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import pandas as pd
import xarray as xr

from momentum_jax.run_directory.atomic_files import RunDirectoryError, write_atomic
from momentum_jax.run_directory.backtest_names import DIMS, VARIABLES

FORMAT = "momentum_jax.backtest/1"
FOLDER = "evaluation"
SESSIONS_NAME, TRADES_NAME = "sessions.nc", "trades.parquet"


def backtest_folder(run_dir: str | Path, data_part: str) -> Path:
    """Where the backtest of a part of the data lies."""
    return Path(run_dir) / FOLDER / data_part


def write_sessions(sessions: xr.Dataset, folder: Path) -> Path:
    """Write the arrays, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SESSIONS_NAME
    packed = {name: {"zlib": True, "complevel": 1} for name in sessions.data_vars}
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        part = Path(temporary) / path.name
        sessions.to_netcdf(part, engine="netcdf4", encoding=packed)
        os.replace(part, path)
    return path


def write_trades(trades: pd.DataFrame, folder: Path) -> Path:
    """Write the table of trades as Parquet."""
    buffer = io.BytesIO()
    trades.to_parquet(buffer, index=False)
    path = folder / TRADES_NAME
    write_atomic(path, buffer.getvalue())
    return path


def sessions_of_test_part(run_dir: str | Path) -> xr.Dataset | None:
    """The arrays of a run's evaluation on its test part; None where it has not been evaluated on it.

    Raises:
        RunDirectoryError: the file is damaged.
    """
    folder = backtest_folder(run_dir, "test")
    return read_sessions(folder) if (folder / SESSIONS_NAME).exists() else None


def read_sessions(folder: str | Path) -> xr.Dataset:
    """The arrays of a backtest, in memory.

    Raises:
        RunDirectoryError: there are none, or the file is not of this format.
    """
    path = Path(folder) / SESSIONS_NAME
    if not path.exists():
        raise RunDirectoryError(f"{path}: not found: python -m momentum_jax.evaluate writes it")
    try:
        found = xr.load_dataset(path, engine="netcdf4")
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{path}: cut short or damaged ({error}): evaluate the run again") from error
    if found.attrs.get("format") != FORMAT or not VARIABLES.keys() <= set(found.data_vars):
        raise RunDirectoryError(f"{path}: is not of the format {FORMAT}: evaluate the run again")
    return found.transpose(*DIMS, ...)
