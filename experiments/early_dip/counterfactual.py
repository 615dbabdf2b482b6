"""Counterfactual replay of tune2's first updates: what do the rewards of forced stops do to P(HOLD | flat), and how?

    python -m experiments.early_dip.counterfactual --out=docs/studies/early_dip/data/spy/counterfactual.csv \\
        --data_source=csv --data_path=… --vix_path=… --start_date=2024-02-20 --end_date=2024-03-20

Every update of every seed is made again on edited copies of its rollout (see `counterfactual_update`). The file has a
row each seed, update, kind of rewards and kind of decisions: the change of exact P(HOLD | flat) in points.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import product
from typing import Any

import pandas as pd
from absl import flags
from tqdm import tqdm

from momentum_jax.analysis.report.formatting import format_table
from momentum_jax.cli import arguments as cli_arguments
from momentum_jax.cli import flag_definitions
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.processes import backend_startup
from momentum_jax.processes.interruption import run_program
from momentum_jax.processes.paths import user_path
from momentum_jax.run_directory import write_atomic

from .. import tune2
from .counterfactual_results import DECISIONS, REWARDS, effect_table

PROGRAM = "experiments.early_dip.counterfactual"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; 0, or 2 with one line that says what was refused."""
    values = _flags()
    try:
        words = cli_arguments.normalized(values, sys.argv[1:] if arguments is None else arguments)
        unread = values([PROGRAM, *words])[1:]
        if unread:
            raise ConfigError(f"{unread[0]!r} is not a flag: write --name=value")
        if not values.out:
            raise ConfigError("--out is missing: give the file to write, --out=replayed.csv")
        config = MarketConfig(**flag_definitions.given(values, MarketConfig))
        seeds = range(values.first_seed, values.first_seed + values.num_seeds)
        table = pd.DataFrame(rows(config, tqdm(seeds, unit="seed", disable=None), values.updates))
        write_atomic(user_path(values.out, "out"), table.to_csv(index=False, float_format="%.6g").encode())
    except (ConfigError, DataError, OSError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except flags.Error as error:
        print(f"{PROGRAM}: {cli_arguments.explained(values, str(error))}", file=sys.stderr)
        return 2
    print(format_table(effect_table(table).set_index(["effect", "updates", "path"])))
    return 0


def rows(config: MarketConfig, seeds: Iterable[int], updates: int) -> Iterator[dict[str, Any]]:
    """The file's rows: tune2 on a market.

    Raises:
        DataError: the market's data cannot be used.
    """
    backend_startup.start(num_devices=1)
    from momentum_jax.env.momentum import make_market
    from momentum_jax.market.dataset import load_dataset

    from .counterfactual_update import replays

    market = make_market(load_dataset(config).segments, config.segments)
    for seed in seeds:
        for update, replayed in enumerate(replays(market, tune2.ARM.env, tune2.ARM.ppo, seed, updates), start=1):
            counts = {"forced_stops": int(replayed.forced_stops), "flat_decisions": int(replayed.flat_decisions)}
            for (row, kind), (column, decisions) in product(enumerate(REWARDS), enumerate(DECISIONS)):
                which = {"seed": seed, "update": update, "rewards": kind, "decisions": decisions}
                change = float(replayed.change[row][column])
                yield which | {"p_hold": 100.0 * float(replayed.before), "change": 100.0 * change} | counts


def _flags() -> flags.FlagValues:
    values = flags.FlagValues()
    for field in fields(MarketConfig):
        flag_definitions.define_field(values, field)
    flags.DEFINE_string("out", None, "file to write", flag_values=values)
    flags.DEFINE_integer("first_seed", 1_000, "number of the first seed", lower_bound=0, flag_values=values)
    flags.DEFINE_integer("num_seeds", 64, "seeds", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("updates", 20, "updates of each seed", lower_bound=1, flag_values=values)
    return values


if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, main))
