"""Files that a person may name by `--env=path/to/file.py:make`."""

from __future__ import annotations

# CartPole with words of its own: where the cart is, which way the pole leans, and its angle as a step's outcome.
OWN_WORDS = """
import gymnax
import jax.numpy as jnp

from momentum_jax.diagnostics.description import Count, DecisionTable, Diagnostics, Metric, Outcomes, Share, Variable
from momentum_jax.env.gymnax_task import GymnaxTask, Telemetry

LEANING = Diagnostics(
    environment="leaning",
    actions=("LEFT", "RIGHT"),
    context="lean",
    contexts=("left", "right", "far right"),
    flags=("off_centre",),
    variables=(
        Variable(name="moves", long_name="decisions", dims=("lean", "action"), source=DecisionTable()),
        Variable(name="off_left", long_name="x", source=Count(when=("off_centre",), actions=("LEFT",))),
        Variable(
            name="widest", long_name="x", dtype="float64", source=Outcomes(when="off_centre", reduce="smallest")
        ),
    ),
    decisions="moves",
    metrics=(
        Metric(
            name="into_lean_pct",
            label="into the lean",
            derived=Share(actions=("RIGHT",), contexts=("right", "far right")),
            exact_name="p_into_lean",
            good_direction=1,
        ),
    ),
    primary="into_lean_pct",
    dips_in=("into_lean_pct", "p_into_lean"),
)


def lean(angle):
    return (angle > 0).astype(jnp.int32) + (angle > 0.1).astype(jnp.int32)


class Leaning(GymnaxTask):
    def telemetry(self, before, action, after, info):
        return Telemetry(
            flags={"off_centre": jnp.abs(after.x) > 0.03}, context=lean(before.theta), outcome=after.theta
        )

    def probe_contexts(self, compact, params):
        return lean(compact[..., 2])


def make():
    env, params = gymnax.make("CartPole-v1")
    return Leaning(env, params, LEANING), params
"""
