"""One run's frozen policy and the baselines, side by side through whole sessions; no training state is touched.

Every session begins flat with the initial capital at its first bar with a full window behind it. Whatever is open at
its last bar is sold there by the environment. No purchase is offered at the last step, since nothing could follow it.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.env import rules
from momentum_jax.env.baseline_rules import Rules, rule_action
from momentum_jax.env.momentum import EnvParams, Momentum
from momentum_jax.networks.network import Params
from momentum_jax.ppo import distributions
from momentum_jax.ppo.agent import Agent, Memory
from momentum_jax.ppo.traced_config import PPOConfig
from momentum_jax.processes.jax_settings import PRNG_IMPL
from momentum_jax.session_play.tally import OpenTrade, Tally, Trade, added, empty_tally, no_trade, traded

_SEED = 20_261_127  # of the draws of all sessions
_BUYS = np.isin(np.arange(rules.NUM_ACTIONS), rules.BUYS)


class Plan(NamedTuple):
    """Which sessions are played; what is the same for every run."""

    starts: jax.Array  # [S] int32: the cursor's first value
    names: jax.Array  # [S] uint32: what tells a session's random draws apart, whatever is played beside it
    steps: jax.Array  # [T] int32: 0, 1, … of the longest session


class Trained(NamedTuple):
    """The policy of one run."""

    agent: Agent
    config: PPOConfig
    params: Params


class _Lane(NamedTuple):
    """One policy in one session; leaves []."""

    state: Any
    held: OpenTrade
    tally: Tally
    ended: jax.Array  # bool


class _Ahead(NamedTuple):
    """What the market brings in one step of one session."""

    step: jax.Array  # int32
    ahead: Any
    projected: Any  # of the trained policy's network


def session_key(seed: int | jax.Array) -> jax.Array:
    """The key of a seed's draws in all sessions: the same at every checkpoint, in all arms, beside whatever else."""
    return jax.random.fold_in(jax.random.key(_SEED, impl=PRNG_IMPL), seed)


def play(
    task: Momentum, env_params: EnvParams, key: jax.Array, plan: Plan, baselines: Rules, trained: Trained | None
) -> tuple[Tally, Trade]:
    """Play every session of the plan with each policy.

    Args:
      task: the momentum environment.
      env_params: of one run; positions open at a session's end are sold whatever its options say.
      key: of the run's seed: draws of the sampled policy, of the random baseline, and of the environment.
      plan: the sessions.
      baselines: rules, P of them.
      trained: the run's policy, which plays twice, sampled and greedy; None to play the baselines alone.

    Returns:
      Tallies [W + P, S], W = 2 with a trained policy, else 0; and what each step closed, [T, W + P, S].
    """
    sold: Any = jnp.ones((), bool)
    options = dataclasses.replace(env_params.options, liquidate_at_end=sold)
    env_params = EnvParams(market=env_params.market, options=options)
    states = jax.vmap(lambda start: task.state_at(start, env_params))(plan.starts)
    keys = jax.vmap(partial(jax.random.fold_in, key))(plan.names)
    reset_keys = jax.random.split(key, len(plan.steps))  # of episodes after the session, which nobody looks at
    exogenous: Any = jax.vmap(lambda state: task.exogenous(state, reset_keys, env_params))(states)
    ways = _Ways.of(trained, exogenous, len(plan.starts))
    number = len(baselines.code) + ways.number
    lanes = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (number, *leaf.shape)), jax.vmap(_lane)(states))

    def advance(carried: tuple[_Lane, Any], now: _Ahead) -> tuple[tuple[_Lane, Any], Trade]:
        lanes, memory = carried
        step_keys = jax.vmap(lambda own: jax.random.split(jax.random.fold_in(own, now.step), 3))(keys)
        masks = _masks(task, lanes.state, now.ahead.following.is_last, env_params)
        memory, chosen = ways.act(memory, lanes.state, masks, now, step_keys[:, 0], env_params)
        own, legal = jax.tree.map(lambda leaf: leaf[ways.number :], (lanes.state, masks))
        drawn = jax.vmap(jax.vmap(_drawn), in_axes=(0, None))(legal, step_keys[:, 1])
        by_session = jax.vmap(rule_action, in_axes=(None, 0, 0, 0, None))
        ruled = jax.vmap(by_session, in_axes=(0, 0, 0, 0, None))(baselines, own, legal, drawn, env_params)
        stepped = jax.vmap(partial(_step, task, env_params))
        lanes, trades = jax.vmap(stepped, in_axes=(0, 0, None, None))(
            lanes, jnp.concatenate([chosen, ruled]), now.ahead, step_keys[:, 2]
        )
        return (lanes, memory), trades

    by_time = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, 0), (exogenous.ahead, ways.projected))
    (lanes, _), trades = jax.lax.scan(advance, (lanes, ways.memory), _Ahead(plan.steps, *by_time))
    return lanes.tally, trades


def _lane(state: Any) -> _Lane:
    return _Lane(state, no_trade(state), empty_tally(), jnp.zeros((), bool))


def _masks(task: Momentum, states: Any, is_last: jax.Array, env_params: Any) -> jax.Array:
    """Legal actions [lanes, S, A]: those of the run, without purchases at a session's last step."""

    def one(state: Any, last: jax.Array) -> jax.Array:
        return task.action_mask(state, env_params) & ~(last & _BUYS)

    return jax.vmap(jax.vmap(one), in_axes=(0, None))(states, is_last)


def _drawn(mask: jax.Array, key: jax.Array) -> jax.Array:
    """A legal action [] int32, all with equal probabilities."""
    noise = jax.random.gumbel(key, mask.shape, jnp.float32)
    return distributions.sample(distributions.masked_log_probs(jnp.zeros(mask.shape, jnp.float32), mask), noise)


def _step(
    task: Momentum, env_params: Any, lane: _Lane, action: jax.Array, ahead: Any, key: jax.Array
) -> tuple[_Lane, Trade]:
    step = task.transition(key, lane.state, action, env_params, ahead)
    held, trade = traded(lane.state, step, step.terminated, lane.held)
    counts = ~lane.ended
    tally = added(lane.tally, trade, lane.state.kind > 0, counts)
    trade = trade._replace(closed=trade.closed & counts)
    return _Lane(step.state, held, tally, lane.ended | step.terminated | step.truncated), trade


class _Ways(NamedTuple):
    """The trained policy's two ways of acting, or none."""

    trained: Trained | None
    acting: Params
    projected: Any  # leaves [S, T, ...]
    memory: Any  # leaves [2, S, ...]

    @property
    def number(self) -> int:
        return 0 if self.trained is None else 2

    @classmethod
    def of(cls, trained: Trained | None, exogenous: Any, num_sessions: int) -> _Ways:
        if trained is None:
            return cls(None, (), (), ())
        acting = trained.agent.network.acting_params(trained.params)
        memory = trained.agent.initial_memory(num_sessions)
        both = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (2, *leaf.shape)), memory)
        return cls(trained, acting, trained.agent.project(acting, exogenous), both)

    def act(
        self, memory: Any, states: Any, masks: jax.Array, now: _Ahead, keys: jax.Array, env_params: Any
    ) -> tuple[Any, jax.Array]:
        """Memory after the step, and actions [2, S] (or [0, S]): sampled first, then greedy."""
        if self.trained is None:
            return (), jnp.zeros((0, masks.shape[1]), jnp.int32)
        agent, task = self.trained.agent, self.trained.agent.task
        states, masks = jax.tree.map(lambda leaf: leaf[:2], (states, masks))

        def one(
            scale: jax.Array, memory: Any, state: Any, mask: jax.Array, ahead: Any, projected: Any, key: Any
        ) -> Any:
            compact = task.compact(state, env_params, ahead)
            carry, logits = agent.act(self.acting, memory, compact, env_params, (projected,))
            noise = scale * jax.random.gumbel(key, mask.shape, jnp.float32)
            return carry, distributions.sample(distributions.masked_log_probs(logits, mask), noise)

        by_session = jax.vmap(one, in_axes=(None, 0, 0, 0, 0, 0, 0))
        by_way = jax.vmap(by_session, in_axes=(0, 0, 0, 0, None, None, None))
        scale = jnp.asarray([1.0, 0.0], jnp.float32)
        carry, actions = by_way(scale, memory, states, masks, now.ahead, now.projected, keys)
        after = Memory(carry, jnp.zeros_like(memory.start)) if agent.remembers else ()
        return after, actions
