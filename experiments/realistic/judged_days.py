"""What the page keeps of the evaluations on unseen days, and what it reads back.

    python -m experiments.realistic.judged_days docs/studies/realistic runs/realistic/spy runs/realistic/synthetic

Of each part that was evaluated (`python -m momentum_jax.evaluate RUN --preset=realistic`) it writes
`data/<market>/evaluation/<part>.npz`: every number of the scorecard by arm, seed, day and policy, the day's symbols put
together as the evaluation's own page does it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.analysis.trading.daily_results import DailyResults
from momentum_jax.run_directory import RunDirectoryError, write_atomic
from momentum_jax.run_directory.atomic_files import Array, read_arrays, write_arrays
from momentum_jax.run_directory.backtest_files import backtest_folder, read_sessions
from momentum_jax.run_directory.backtest_names import DIMS
from momentum_jax.study import DECLARATION_NAME

FOLDER, TEST = "evaluation", "test"
DOLLARS = ("pnl", "gross_gain", "gross_loss", "turnover", "time_in_market", "worst_trade")
COUNTS = ("trades", "wins", "forced_stops")
_FACTS = (
    *("environment", "data_part", "training_days", "training_first", "training_last", "training_days_judged"),
    *("sessions_too_short", "checkpoints_looked_at", "hold_bars"),
)
_COORDS, _FACTS_NAME = ("arm", "seed", "policy", "day"), "facts"


def condense(sessions: xr.Dataset) -> dict[str, Array]:
    """The arrays [arm, seed, day, policy] that are kept of an evaluation.

    Args:
        sessions: as `read_sessions` returns it.

    Raises:
        RunDirectoryError: a seed diverged, which these arrays cannot say.
    """
    results = DailyResults(sessions)
    policies = sessions["policy"].values.tolist()
    if any(len(results.seeds(arm)) < sessions.sizes["seed"] for arm in results.arms):
        raise RunDirectoryError("a seed of the evaluation diverged, and the page keeps whole ones only")
    arrays: dict[str, Array] = {
        name: np.stack([[results.of(name, arm, policy) for policy in policies] for arm in results.arms])
        for name in (*DOLLARS, *COUNTS)
    }
    arrays = {name: np.moveaxis(array, 1, -1) for name, array in arrays.items()}
    kept: dict[str, Array] = {name: arrays[name].astype(np.float32) for name in DOLLARS}
    kept |= {name: arrays[name].astype(np.uint16) for name in COUNTS}
    kept |= {name: np.asarray(sessions[name].values) for name in ("seed", "day")}
    kept |= {name: np.asarray(sessions[name].values.tolist()) for name in ("arm", "policy")}
    facts = {name: sessions.attrs[name] for name in _FACTS} | {"sessions": int((sessions["bars"] > 0).sum())}
    return kept | {_FACTS_NAME: np.array(json.dumps(facts, default=_plain))}


def _plain(value: Any) -> Any:
    return value.item()


def restore(arrays: dict[str, Array]) -> DailyResults:
    """The inverse of `condense`; the day's symbols are one."""
    whole = {name: arrays[name].astype(np.float64)[..., None] for name in (*DOLLARS, *COUNTS)}
    coords = {name: arrays[name] for name in _COORDS} | {"symbol": ["all"]}
    facts = json.loads(str(arrays[_FACTS_NAME]))
    return DailyResults(xr.Dataset({name: (DIMS, array) for name, array in whole.items()}, coords, facts))


def evaluations(market: Market) -> dict[str, DailyResults]:
    """The evaluations of a market by part, in the declared order; of those that were kept."""
    found = {part: market.folder / FOLDER / f"{part}.npz" for part in market.declaration["parts"]}
    return {part: restore(read_arrays(path)) for part, path in found.items() if path.is_file()}


def keep(page: Path, folder: Path) -> Iterator[str]:
    """Write what is kept of the evaluations of a study's folder of runs, and its declaration; a line for each file.

    Raises:
        RunDirectoryError: an evaluation cannot be read, or cannot be kept.
        OSError: the folder is not a study's.
    """
    target = page / "data" / folder.name
    write_atomic(target / DECLARATION_NAME, (folder / DECLARATION_NAME).read_bytes())
    for run_dir in sorted(path for path in folder.iterdir() if backtest_folder(path, TEST).is_dir()):
        path = target / FOLDER / f"{run_dir.name}.npz"
        write_arrays(path, condense(read_sessions(backtest_folder(run_dir, TEST))))
        yield f"{path}: {path.stat().st_size / 1e6:.2f} MB"


def main(arguments: Sequence[str]) -> int:
    """Runs the command; 0, or 2 with one line on stderr."""
    if len(arguments) < 2:
        print("give the page's folder and one or more folders of the study's runs", file=sys.stderr)
        return 2
    page, *folders = (Path(argument) for argument in arguments)
    try:
        for folder in folders:
            for line in keep(page, folder):
                print(line)
    except (RunDirectoryError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
