"""How much each decision of the momentum environment counts for the policy, by where it was taken."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from momentum_jax.env.momentum_events import EVENT_WORD
from momentum_jax.env.task import DecisionWeights


def of_events(event: jax.Array, params: Any) -> DecisionWeights | tuple[()]:
    """Weights [...] of the decisions with the event words [...]; () where no run of the program asks for any.

    `params` are those of the momentum environment, of which the options are read.
    A trim that the environment executed in place of the chosen action says nothing of that action, so its policy
    weight is 0. Its entropy counts as that of any decision in a position.
    """
    options = params.options
    policy = options.flat_policy_weight, options.position_policy_weight
    entropy = options.flat_entropy_weight, options.position_entropy_weight
    if all(option is None for option in (*policy, *entropy, options.forced_trim_rate)):
        return ()
    is_flat = EVENT_WORD.flag(event, "is_flat")
    policy_weights = _by_place(is_flat, *policy)
    if options.forced_trim_rate is not None:
        policy_weights = jnp.where(EVENT_WORD.flag(event, "forced_trim"), 0.0, policy_weights)
    return DecisionWeights(policy_weights, _by_place(is_flat, *entropy))


def _by_place(is_flat: jax.Array, flat: Any, position: Any) -> jax.Array:
    """The weight [...] float32 of each decision; an option that no run of the program asks for is None and weighs 1."""
    while_flat, in_position = (1.0 if option is None else option for option in (flat, position))
    return jnp.where(is_flat, while_flat, in_position).astype(jnp.float32)
