"""The command line of a backtest: `python -m momentum_jax.evaluate RUN_DIR --data_part=test`; see --help."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from momentum_jax.analysis.trading.evaluation_page import terminal_text, write_page
from momentum_jax.analysis.trading.walk_forward import folds
from momentum_jax.cli import arguments as cli_arguments
from momentum_jax.cli import flag_definitions
from momentum_jax.env.environment_options import PRESETS
from momentum_jax.fields import ConfigError, nearest
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.processes.paths import user_path
from momentum_jax.run_directory import RunDirectoryError, read_config
from momentum_jax.run_directory.backtest_files import backtest_folder, read_sessions, write_sessions, write_trades

PROGRAM = "momentum_jax.evaluate"
_HELP = {"--help", "-h", "--helpfull", "--helpshort"}
# Market options that would make other bars of the same files, on which the policies were not trained.
_PART_OPTIONS = (
    *("data_part", "train_end", "validation_end", "start_date", "end_date", "symbols"),
    *("data_source", "data_path", "vix_path", "cache_path"),
)
_USAGE = """
Plays the policies of a finished run, sampled and greedy, on every session of a part of the data, beside baselines.
What is not given is the run's own. docs/evaluate.md explains the numbers and the files.

  python -m momentum_jax.evaluate runs/my_run --data_part=test
  python -m momentum_jax.evaluate runs/my_run --data_part=test --folds=4 --trades
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 with one line on stderr that names what was refused."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    values = flags.FlagValues()
    names = _define(values)
    if _HELP & set(words):
        print(_help_text(values, names))
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            _carry_out(values, words)
    except flags.Error as error:
        return _refused(cli_arguments.explained(values, str(error)))
    except (ConfigError, DataError, RunDirectoryError, OSError) as error:
        return _refused(str(error))
    return 0


def _refused(message: str) -> int:
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _define(values: flags.FlagValues) -> list[str]:
    fields = {field.name: field for field in dataclasses.fields(MarketConfig)}
    names = [flag_definitions.define_field(values, fields[name]) for name in _PART_OPTIONS]
    flags.DEFINE_integer(
        "folds", None, "also judge so many consecutive folds of the days, walk-forward", flag_values=values
    )
    flags.DEFINE_enum(
        "preset",
        None,
        list(PRESETS),
        "rules of the sessions in place of each arm's own; what policies observe stays as it is",
        flag_values=values,
    )
    flags.DEFINE_boolean("trades", False, "also write every trade, trades.parquet", flag_values=values)
    flags.DEFINE_boolean(
        "allow_training_days", False, "judge days that were trained on too; the page says so", flag_values=values
    )
    flags.DEFINE_string(
        "output", None, "folder of the files; default evaluation/<data part> in the run", flag_values=values
    )
    return [*names, "folds", "preset", "trades", "allow_training_days", "output"]


def _help_text(values: flags.FlagValues, names: Sequence[str]) -> str:
    lines = [f"python -m {PROGRAM} RUN_DIR", _USAGE, "Flags may be written with dashes or underscores."]
    for name in names:
        default = "[test] " if name == "data_part" else ""
        text = f"{default}{values[name].help}"
        lines += textwrap.wrap(text, 100, initial_indent=f"  --{name:<24} ", subsequent_indent=" " * 29)
    return "\n".join(lines)


def _carry_out(values: flags.FlagValues, words: Sequence[str]) -> None:
    run_dir, given = _parsed(values, words)
    # Imported now: JAX's backend is set up before anything that computes, and bad flags are refused before it.
    from momentum_jax.processes import backend_startup

    backend_startup.start()
    from momentum_jax.backtest.backtest import run_backtest

    found = run_backtest(
        run_dir,
        given,
        preset=values.preset,
        allow_overlap=values.allow_training_days,
        keep_trades=values.trades,
        check_days=lambda number: values.folds is None or folds(number, values.folds),
        say=print,
    )
    output = values.output
    folder = backtest_folder(run_dir, given["data_part"]) if output is None else user_path(output, "output")
    write_sessions(found.sessions, folder)
    if found.trades is not None:
        print(f"trades: {write_trades(found.trades, folder)}")
    sessions = read_sessions(folder)
    print(f"\n{terminal_text(sessions)}")
    page = write_page(sessions, folder, values.folds, shlex.join(["python", "-m", PROGRAM, *words]))
    print(f"page: {page.with_suffix('.html')}")


def _parsed(values: flags.FlagValues, words: Sequence[str]) -> tuple[Path, dict[str, Any]]:
    """The run directory, and the market options that are given."""
    for word in words:
        name = word.lstrip("-").partition("=")[0].replace("-", "_")
        if word.startswith("--") and name not in values and name.removeprefix("no") not in values:
            raise ConfigError(f"--{name} is no flag{nearest(name, list(values))}; --help shows all flags")
    places = values([PROGRAM, *cli_arguments.normalized(values, words)])[1:]
    if len(places) != 1:
        found = "a run directory is missing" if not places else f"{places[1]!r} is a second run directory"
        raise ConfigError(f"{found}: python -m {PROGRAM} RUN_DIR --data_part=test")
    run_dir = user_path(places[0], "RUN_DIR")
    read_config(run_dir)  # refused before JAX starts
    return run_dir, {"data_part": "test"} | flag_definitions.given(values, MarketConfig, _PART_OPTIONS)
