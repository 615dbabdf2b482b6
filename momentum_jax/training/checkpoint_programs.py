"""What a checkpoint asks of one run's policy, as functions that `Engine.compile` takes."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax

from momentum_jax.diagnostics import probes
from momentum_jax.diagnostics.evaluation import Episodes
from momentum_jax.diagnostics.session_profit import SessionProfits
from momentum_jax.diagnostics.variables import PRIMARY, WARMED
from momentum_jax.env.task import Task
from momentum_jax.ppo import learner
from momentum_jax.ppo.legal_actions import as_masked, legal_actions
from momentum_jax.ppo.playing import Plan
from momentum_jax.session_play.plan import SessionPlan
from momentum_jax.session_play.play import Trained
from momentum_jax.session_play.profits import profits
from momentum_jax.training.engine import Present


def probe(
    task: Task, config: Any, env_params: Any, sets: dict[str, probes.ProbeStates], present: Present
) -> dict[str, probes.ProbeRecord]:
    """What one run's policy answers on each set of probe states."""

    def legal(states: probes.ProbeStates) -> jax.Array:
        if states.action_mask is not None:
            return as_masked(config, states.action_mask)
        return jax.vmap(jax.vmap(partial(legal_actions, task, config, env_params=env_params)))(states.env_state)

    records = {}
    for name, states in sets.items():
        asked = states.compact, legal(states), states.history
        log_probs = learner.log_probabilities(task, config, env_params, present.state, *asked)
        if name in (PRIMARY, WARMED):
            contexts = task.probe_contexts(states.compact, env_params)
            records[name] = probes.answers(log_probs, contexts, len(task.diagnostics.contexts))
        else:
            records[name] = probes.answers_together(log_probs)
    return records


def evaluate(task: Task, config: Any, env_params: Any, plan: Plan, present: Present) -> Episodes:
    """What one run's policy plays of its seed's episodes."""
    return learner.evaluate(task, config, env_params, plan, present.seed, present.state)


def trade(task: Any, config: Any, env_params: Any, plan: SessionPlan, present: Present) -> SessionProfits:
    """What one run's policy earns on each session of the plan."""
    agent = learner.acting_agent(task, config, present.state)
    return profits(task, env_params, plan, Trained(agent, config, present.state.params), present.seed)
