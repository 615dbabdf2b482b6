"""Environments by name: `momentum`, those of gymnax, and a person's own in a file.

momentum                 the environment of this package, on the market that the run's settings name
CartPole-v1              any environment that gymnax registers, with a discrete action space
path/to/file.py:make     what `make()` returns: a `Task`, a gymnax environment, or a pair of one of these and what
                         all runs share (a gymnax environment's parameters)
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from gymnax import registration
from gymnax.environments import environment

from momentum_jax.diagnostics.description_check import check
from momentum_jax.env import momentum_probes
from momentum_jax.env.contract_checks import check_contracts
from momentum_jax.env.device_market import Market
from momentum_jax.env.environment_names import MOMENTUM_NAME, file_and_function
from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.env.momentum import ENV_ID, Momentum, make_market
from momentum_jax.env.task import Task
from momentum_jax.env.task_check import check_shared, check_task
from momentum_jax.env.traced_options import EnvOptions
from momentum_jax.fields import ConfigError, unknown
from momentum_jax.market.dataset import Dataset, load_dataset
from momentum_jax.market.market_options import VENDORS, MarketConfig, every_regime
from momentum_jax.market.segment import fingerprint, regime_balance
from momentum_jax.market.session_segments import usable_sessions
from momentum_jax.processes.python_file import in_one_line, run_file

_OPTIONAL = ("decision_weights", "expand_rest", "episode_limit", "num_categories", "always_legal")
_ASKED = [name for name in (*Task.__annotations__, *vars(Task)) if not name.startswith("_") and name not in _OPTIONAL]


class LabelledMarket(NamedTuple):
    """Whole sessions, each by itself."""

    market: Market  # tables, one segment a session
    labels: tuple[str, ...]  # of the sessions, see `Session.label`


class Loaded(NamedTuple):
    """What an environment is played on."""

    shared: Any  # what all runs share, see `Task.bind`
    facts: Mapping[str, Any]  # for config.json, under `data`; its `fingerprint` tells other data apart
    title: str  # for the first line of a run
    remarks: Sequence[str] = ()  # lines for its log
    evaluated: Any = None  # what evaluated episodes are played on; None where that is `shared`
    probe_draw: int = 1  # version of the way in which probe states are drawn
    sessions: LabelledMarket | None = None  # that policies trade at checkpoints; None where they trade none


@dataclass(frozen=True)
class MomentumEnvironment:
    """The momentum environment on a market."""

    market: MarketConfig
    task: Momentum
    options: tuple[EnvOptions, ...] = ()  # those of the run's arms

    @property
    def fetches(self) -> bool:
        """Whether loading asks somebody else's machine, so that one process does it for all."""
        return self.market.data_source in VENDORS

    def load(self, refresh: bool = True, evaluates: bool = False, trades: bool = False) -> Loaded:
        """Load the market.

        Args:
          refresh: whether a vendor is asked again for sessions that are stored as incomplete.
          evaluates: whether the validation part is loaded too, for evaluated episodes.
          trades: whether its whole sessions are.

        Raises:
          DataError: it cannot be used.
        """
        dataset = _read(self.market, refresh)
        facts, evaluated, sessions = dataset.describe(), None, None
        if evaluates:
            # What a vendor has was fetched just now.
            part = dataclasses.replace(self.market, data_part="validation")
            validation = _read(part, refresh and not self.fetches)
            evaluated = self._tables(validation)
            facts |= {"evaluation": {"part": part.data_part, "fingerprint": validation.describe()["fingerprint"]}}
        if trades:
            sessions, fingerprint = self._sessions(refresh and not self.fetches)
            facts |= {"validation_sessions": {"number": len(sessions.labels), "fingerprint": fingerprint}}
        shared = self._tables(dataset)
        return Loaded(
            shared=shared,
            facts=facts,
            evaluated=evaluated,
            title=_market_title(dataset),
            remarks=[report.to_text(limit=0) for report in dataset.reports if report.findings],
            probe_draw=momentum_probes.draw_version(len(shared.starts)),
            sessions=sessions,
        )

    def _sessions(self, refresh: bool) -> tuple[LabelledMarket, str]:
        """The validation part's sessions, of every regime, and the fingerprint of their bars."""
        part = dataclasses.replace(self.market, data_part="validation", **every_regime(self.market))
        dataset = _read(part, refresh)
        sessions = usable_sessions(dataset.segments, part.where, part.data_part)
        market = make_market([session.segment for session in sessions], options=self.task.options)
        check_contracts(market, self.options)
        return LabelledMarket(market, tuple(session.label for session in sessions)), fingerprint(dataset.segments)

    def _tables(self, dataset: Dataset) -> Market:
        market = make_market(dataset.segments, self.market.segments, options=self.task.options)
        check_contracts(market, self.options)
        return market


@dataclass(frozen=True)
class PlainEnvironment:
    """An environment that needs no data beside its parameters."""

    name: str
    task: Task
    shared: Any
    facts: Mapping[str, Any]
    fetches: bool = False

    def load(self, refresh: bool = True, evaluates: bool = False, trades: bool = False) -> Loaded:
        """What its file or its name gives. Raises ConfigError where states cannot be recorded that can be reached."""
        del refresh, evaluates, trades
        if isinstance(self.task, GymnaxTask):
            self.task.check_visited(self.shared)
        draw = getattr(self.task, "probe_draw", 1)
        return Loaded(shared=self.shared, facts=self.facts, title=self.name, probe_draw=draw)


Environment = MomentumEnvironment | PlainEnvironment


def find(name: str, market: MarketConfig, options: Sequence[EnvOptions] = ()) -> Environment:
    """The environment of that name.

    Args:
      name: see the module's text; a file's path is absolute.
      market: of the momentum environment.
      options: of the momentum environment in the run's arms, which agree in their static switches; the reference's
        where there are none.

    Raises:
      ConfigError: there is none, its actions or observations cannot be used, or its description does not fit together.
    """
    if name == MOMENTUM_NAME:
        return MomentumEnvironment(market, Momentum(*options[:1]), tuple(options))
    parts = file_and_function(name)
    found = _of_gymnax(name) if parts is None else _of_file(name, Path(parts[0]), parts[1])
    check(found.task.diagnostics)
    if parts is not None:
        check_task(found.task, found.shared, Path(parts[0]))
    return found


def _of_gymnax(name: str) -> PlainEnvironment:
    names = [known for known in registration.registered_envs if known != ENV_ID]
    if name not in names:
        raise unknown("env", name, [MOMENTUM_NAME, *names, "path/to/file.py:make"])
    try:
        env, params = registration.make(name)
    except Exception as error:  # it is code of others, and may need what is not here
        raise ConfigError(f"env={name!r} cannot be made: {' '.join(str(error).split())}") from error
    facts = {"source": "gymnax", "environment": name, "fingerprint": _fingerprint(name.encode(), params)}
    return PlainEnvironment(name, GymnaxTask(env, params), params, facts)


def _of_file(name: str, path: Path, function: str) -> PlainEnvironment:
    called = f"env={name!r}"
    module = run_file(path, called)
    make = getattr(module, function, None)
    if not callable(make):
        raise ConfigError(f"{called}: the file defines no function {function}: write path/to/file.py:FUNCTION")
    found = in_one_line(make, f"{called} fails", path)
    task, shared = in_one_line(lambda: _task_and_shared(found, called), f"{called} fails", path)
    fingerprint = _fingerprint(path.read_bytes(), shared)
    facts = {"source": "file", "environment": f"{path.name}:{function}", "fingerprint": fingerprint}
    return PlainEnvironment(task.diagnostics.environment, task, shared, facts)


def _task_and_shared(found: Any, called: str) -> tuple[Task, Any]:
    """What a person's function returned, as a task and what all runs share."""
    given, shared = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    absent = [name for name in _ASKED if not _has(given, name)]
    if not absent:
        check_shared(shared, called)
        return given, () if shared is None else shared
    if isinstance(given, environment.Environment):
        params = given.default_params if shared is None else shared
        check_shared(params, called)
        return GymnaxTask(given, params), params
    what = f"the class {given.__name__} itself" if isinstance(given, type) else type(given).__name__
    raise ConfigError(
        f"{called} returned {what}, without {', '.join(absent[:3])}: return a Task (see "
        "momentum_jax.env.task), a gymnax environment, or a pair of one of these and what all runs share"
    )


def _has(given: Any, name: str) -> bool:
    """Whether it has an attribute; of gymnax's base class some, such as `num_actions`, raise another error."""
    try:
        return hasattr(given, name)
    except NotImplementedError:
        return False


def _fingerprint(text: bytes, shared: Any) -> str:
    """SHA-256, in hex, over what an environment is called or made of, and its parameters."""
    digest = hashlib.sha256(text)
    for path, leaf in jax.tree_util.tree_leaves_with_path(shared):
        array = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)}{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _read(market: MarketConfig, refresh: bool) -> Dataset:
    return load_dataset(market) if refresh else load_dataset(market, refresh=False)


def _market_title(dataset: Dataset) -> str:
    if len(dataset.segments) == 1:
        facts = dataset.segments[0].describe()
        return f"{facts['symbol']} {facts['regime']}, {facts['bars']:,} bars of {facts['sessions']} sessions"
    balance = regime_balance(dataset.segments)
    shares = ", ".join(f"{regime} {entry['share']:.0%}" for regime, entry in balance.items())
    return f"{len(dataset.segments)} segments, {sum(e['bars'] for e in balance.values()):,} bars: {shares}"
