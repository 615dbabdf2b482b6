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

# A ring of five places of which each allows one of three actions.
MASKED = """
import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces

from momentum_jax.env.gymnax_task import GymnaxTask


@struct.dataclass
class State(environment.EnvState):
    place: jax.Array


class Ring(environment.Environment):
    default_params = environment.EnvParams(max_steps_in_episode=20)

    def reset_env(self, key, params):
        place = jax.random.randint(key, (), 0, 5)
        return jnp.full(4, place, jnp.float32), State(time=0, place=place)

    def step_env(self, key, state, action, params):
        state = State(time=state.time + 1, place=(state.place + action) % 5)
        return jnp.full(4, state.place, jnp.float32), state, jnp.float32(1), jnp.array(False), {}

    def is_truncated(self, state, params):
        return state.time >= 20

    def action_space(self, params=None):
        return spaces.Discrete(3)

    def observation_space(self, params):
        return spaces.Box(0, 5, (4,))


class Masked(GymnaxTask):
    def action_mask(self, state, params):
        place = state.env_state.place
        return jnp.arange(3) == place % 3


def make():
    env = Ring()
    return Masked(env, env.default_params), env.default_params
"""
