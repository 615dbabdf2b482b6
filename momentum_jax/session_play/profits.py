"""What one run's policy earns on whole sessions while the run trains."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from momentum_jax.diagnostics.session_profit import SessionProfits
from momentum_jax.env.baseline_rules import Rules
from momentum_jax.env.momentum import EnvParams, Momentum
from momentum_jax.session_play.plan import SessionPlan
from momentum_jax.session_play.play import Plan, Trained, play, session_key


def profits(
    task: Momentum, env_params: EnvParams, plan: SessionPlan, trained: Trained, seed: int | jax.Array
) -> SessionProfits:
    """Profits and trades of each session of the plan, leaves [2, B · W], with those of the plan's filling up.

    They are what `backtest` finds of the same policy on the same sessions: the draws are its.

    Args:
      task, env_params: of the run; its market gives way to the plan's.
      plan: the sessions.
      trained: the run's policy.
      seed: [] uint32, number of the run's seed.
    """
    env_params = task.evaluation_params(env_params, plan.market)
    key, nothing = session_key(seed), jnp.zeros((0,), jnp.int32)

    def of_portion(sessions: tuple[jax.Array, jax.Array]) -> SessionProfits:
        tally, _ = play(task, env_params, key, Plan(*sessions, plan.steps), Rules(nothing, nothing), trained)
        return SessionProfits(pnl=tally.pnl, trades=tally.trades)

    found = jax.lax.map(of_portion, (plan.starts, plan.names))
    return SessionProfits(*[jnp.moveaxis(leaf, 0, 1).reshape(leaf.shape[1], -1) for leaf in found])
