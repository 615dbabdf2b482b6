"""Compiles the play of whole sessions once for all runs of one program, and carries it out on every device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from momentum_jax.backtest.saved_policies import SavedPolicies
from momentum_jax.env.baseline_rules import Rules, rule_codes
from momentum_jax.env.device_market import Market
from momentum_jax.env.momentum import Momentum
from momentum_jax.market.session_segments import Session
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo.hyper_parameters import MATMUL_PRECISIONS
from momentum_jax.session_play.plan import portion
from momentum_jax.session_play.play import Plan, Trained, play, session_key
from momentum_jax.session_play.tally import Tally, Trade
from momentum_jax.training.group_width import Layout, default_layout
from momentum_jax.training.run_mesh import RunMesh
from momentum_jax.training.runs import Run, filled_up, in_groups, stacked_settings, without_unused_options

_SESSIONS_AT_ONCE = 32


class Entrants(NamedTuple):
    """Runs that are played by one program: equal in every static field."""

    runs: Sequence[Run]
    hold_bars: np.ndarray  # [run, P] int32: of each baseline
    policies: Sequence[SavedPolicies]  # one a run, leaves without the seeds' axis; empty to play baselines alone


class Block(NamedTuple):
    """What one call of the program returned: some runs in some sessions, on the host."""

    runs: Sequence[int]  # positions among the entrants
    sessions: range
    tally: Tally  # leaves [run, policy, session]
    trades: Trade | None  # leaves [run, step, policy, session]


def played(
    task: Momentum,
    market: Market,
    sessions: Sequence[Session],
    entrants: Entrants,
    baselines: Sequence[str],
    keep_trades: bool = False,
) -> Iterator[Block]:
    """Play the sessions with every run, block by block.

    Args:
      task: the momentum environment.
      market: its tables, one segment a session.
      sessions: in the order of the market's segments.
      entrants: the runs.
      baselines: names in `baseline_rules.RULES`.
      keep_trades: whether blocks hold every trade.
    """
    layout = default_layout(len(entrants.runs))
    runs = without_unused_options(entrants.runs)
    whole = entrants._replace(runs=runs)
    width = min(len(sessions), _SESSIONS_AT_ONCE)
    plans = [_plan(market, sessions, first, width) for first in range(0, len(sessions), width)]
    call = _compiled(task, market, layout, whole, plans[0], baselines, keep_trades)
    for group in in_groups(range(len(runs)), layout.group_size):
        inputs = _inputs(whole, filled_up(group, layout.group_size))
        for number, plan in enumerate(plans):
            tally, trades = jax.tree.map(np.asarray, call(inputs, plan))
            first = number * width
            kept = range(first, min(first + width, len(sessions)))
            own = partial(_own, len(group), len(kept))
            yield Block(group, kept, jax.tree.map(own, tally), jax.tree.map(own, trades) or None)


def _own(num_runs: int, num_sessions: int, leaf: np.ndarray) -> np.ndarray:
    return leaf[:num_runs, ..., :num_sessions]


def _plan(market: Market, sessions: Sequence[Session], first: int, width: int) -> Plan:
    """The sessions from the first-th on; the last block is filled up with copies of its first one."""
    places = np.arange(first, first + width)
    return portion(market, [each.label for each in sessions], np.where(places < len(sessions), places, first))


def _inputs(entrants: Entrants, places: Sequence[int]) -> Any:
    """What differs between the runs of a group, leaves [runs, ...]."""
    runs = [entrants.runs[place] for place in places]
    policies = [entrants.policies[place] for place in places] if entrants.policies else []
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *policies) if policies else ()
    seeds = np.asarray([run.seed for run in runs], np.uint32)
    return (*stacked_settings(runs), seeds, np.asarray(entrants.hold_bars)[list(places)], stacked)


def _compiled(
    task: Momentum,
    market: Market,
    layout: Layout,
    entrants: Entrants,
    plan: Plan,
    baselines: Sequence[str],
    keep_trades: bool,
) -> Callable[[Any, Plan], Any]:
    """The program of a group: (inputs of its runs, plan) to tallies and trades, leaves [runs, ...]."""
    codes = rule_codes(baselines)
    precision = MATMUL_PRECISIONS[entrants.runs[0].config.matmul_precision]

    def one(common: tuple[Market, Plan], inputs: Any) -> tuple[Tally, Trade | tuple[()]]:
        market, plan = common
        config, options, seed, hold_bars, policy = inputs
        env_params = task.bind(market, options)
        trained = None
        if policy:
            trained = Trained(agents.make(task, config, policy.scaling), config, policy.params)
        with jax.default_matmul_precision(precision):
            tally, trades = play(task, env_params, session_key(seed), plan, Rules(codes, hold_bars), trained)
        return tally, trades if keep_trades else ()

    mesh = RunMesh(layout)
    program = jax.jit(mesh.over_runs(one))
    market = jax.device_put(market, mesh.everywhere)

    def call(inputs: Any, plan: Plan) -> Any:
        return program((market, jax.device_put(plan, mesh.everywhere)), jax.device_put(inputs, mesh.by_run))

    return call
