"""The sessions that a run is judged on, those that it was trained on, and whether they are apart."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from momentum_jax.fields import ConfigError
from momentum_jax.market.dataset import Dataset, load_dataset
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig, every_regime
from momentum_jax.market.segment import fingerprint
from momentum_jax.market.session_segments import Session, cut_into_sessions, long_enough, usable_sessions

OVERLAP_FLAG = "allow_training_days"
# Where the same bars lie: they may have moved since the run was trained.
_PLACES = ("data_path", "vix_path", "cache_path")
_PARTS_FLAGS = "--data_part=train --train_end=YYYY-MM-DD --validation_end=YYYY-MM-DD"


class Parts(NamedTuple):
    """What is played, and what baselines are chosen on."""

    market: MarketConfig  # of the judged part
    judged: list[Session]
    training: list[Session]
    shared_dates: list[date]  # training dates among the judged ones; empty unless they are allowed
    too_short: int  # sessions of the judged part in which nothing can be traded
    fingerprint: str  # of the judged part's bars


def load_parts(
    run_dir: Path, trained_on: MarketConfig, facts: Mapping[str, Any], given: Mapping[str, Any], allow_overlap: bool
) -> Parts:
    """Load the part that is asked for, and the run's own training part.

    Args:
      run_dir: for messages.
      trained_on: the run's market.
      facts: the run's record of its data, with their fingerprint.
      given: market options that the command line sets, `data_part` among them.
      allow_overlap: whether days of the training part may be judged.

    Raises:
      ConfigError: there is no such part, or its days were trained on.
      DataError: bars cannot be read, or none of the sessions is long enough.
    """
    market = _market_of_part(run_dir, trained_on, given)
    training = _training(run_dir, trained_on, facts, given)
    judged = load_dataset(market, refresh=False)
    usable = usable_sessions(judged.segments, market.where, market.data_part)
    learned_from = cut_into_sessions(training.segments)
    trained = {session.date for session in learned_from}
    both = sorted({session.date for session in usable} & trained)
    if both and not allow_overlap:
        raise ConfigError(
            f"{run_dir}: {len(both)} of the days of data_part={market.data_part} were trained on ({both[0]} to "
            f"{both[-1]}): train with {_PARTS_FLAGS} and judge --data_part=test, or add --{OVERLAP_FLAG}, which the "
            "page then says"
        )
    return Parts(
        market=market,
        judged=usable,
        training=[session for session in learned_from if long_enough(session)],
        shared_dates=both,
        too_short=len(cut_into_sessions(judged.segments)) - len(usable),
        fingerprint=fingerprint(judged.segments),
    )


def _market_of_part(run_dir: Path, trained_on: MarketConfig, given: Mapping[str, Any]) -> MarketConfig:
    """The market of the judged part: every regime of the symbols that the run was trained on, or of those given."""
    wanted = {**every_regime(trained_on), **given}
    part = wanted["data_part"]
    if part == "all":  # which the run's own dates do not divide
        wanted = {"train_end": None, "validation_end": None, **wanted}
    ends = {name: wanted.get(name, getattr(trained_on, name)) for name in ("train_end", "validation_end")}
    needed = {"test": ["validation_end"], "validation": ["train_end", "validation_end"], "train": ["train_end"]}
    absent = [name for name in needed.get(part, []) if ends[name] is None]
    if absent:
        own = trained_on.data_part
        apart = own == "train" and ends["train_end"] is not None
        remedy = (
            f"give --{absent[0]}=YYYY-MM-DD on or after {ends['train_end']}"
            if apart
            else f"train with {_PARTS_FLAGS}, or judge the days it was trained on: --data_part=all --{OVERLAP_FLAG}"
        )
        raise ConfigError(f"{run_dir}: the run (data_part={own}) has no {part} part, {absent[0]} is missing: {remedy}")
    return dataclasses.replace(trained_on, **wanted)


def _training(run_dir: Path, trained_on: MarketConfig, facts: Mapping[str, Any], given: Mapping[str, Any]) -> Dataset:
    """The bars that the run was trained on, where they lay or where the command line says that they lie now."""
    moved = {name: given[name] for name in _PLACES if name in given}
    places: Sequence[MarketConfig] = [trained_on] + ([dataclasses.replace(trained_on, **moved)] if moved else [])
    found, problem = None, None
    for place in places:
        with contextlib.suppress(DataError, OSError):
            found = load_dataset(place, refresh=False)
            if found.describe()["fingerprint"] == facts.get("fingerprint"):
                return found
    if found is None:
        problem = f"the bars that it was trained on are not to be read ({trained_on.where})"
    else:
        problem = f"{trained_on.where} does not hold the bars that it was trained on: their fingerprint differs"
    raise DataError(f"{run_dir}: {problem}: put the same file back, or say where it is by --data_path and --vix_path")
