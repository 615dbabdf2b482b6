"""How much each decision of the momentum environment counts for the policy, by where it was taken."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.task import DecisionWeights
from momentum_jax.env.traced_options import EnvOptions


def decision_weights(word: EventWord, event: jax.Array, options: EnvOptions) -> DecisionWeights | tuple[()]:
    """Weights [...] of the decisions with the event words [...]; () where no run of the program asks for any.

    A trim that the environment executed in place of the chosen action says nothing of that action, so its policy
    weight is 0. Its entropy counts as that of any decision in a position.
    """
    policy = options.flat_policy_weight, options.position_policy_weight
    entropy = options.flat_entropy_weight, options.position_entropy_weight
    if all(option is None for option in (*policy, *entropy, options.forced_trim_rate)):
        return ()
    is_flat = word.flag(event, "is_flat")
    policy_weights = _by_place(is_flat, *policy)
    if options.forced_trim_rate is not None:
        policy_weights = jnp.where(word.flag(event, "forced_trim"), 0.0, policy_weights)
    return DecisionWeights(policy_weights, _by_place(is_flat, *entropy))


def _by_place(is_flat: jax.Array, flat: Any, position: Any) -> jax.Array:
    """The weight [...] float32 of each decision; an option that no run of the program asks for is None and weighs 1."""
    weights = (1.0 if option is None else option for option in (flat, position))
    return jnp.where(is_flat, *(jnp.asarray(weight, jnp.float32) for weight in weights))
