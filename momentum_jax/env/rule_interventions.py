"""What a study changes of the rules to ask for causes; each is off by default and changes nothing then.

A program none of whose runs asks for one has None in its place (`fields.without_unused`), and nothing is traced.
Masked trims are in `rules.action_mask`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from momentum_jax.env.pricing import return_tier
from momentum_jax.env.traced_options import EnvOptions
from momentum_jax.fields import is_off

# The return at which the stop sells a position that was trimmed by half while its cost stayed as it was.
TRAPPED_RETURN = -0.5
_STOP, _TRIM = range(2)  # a step's draws


class DrawnTrim(NamedTuple):
    """A trim that may replace the chosen action; leaves [] bool."""

    replaces: jax.Array
    seventy: jax.Array  # it is one of 70 %, else of 50 %


class Chance(NamedTuple):
    """What chance decides in one step of a position; None where no run of the program asks for it."""

    stops: jax.Array | None = None  # [] bool: it is sold, whatever the action
    trim: DrawnTrim | None = None


def draw(key: jax.Array, options: EnvOptions) -> Chance:
    """A step's chance from its key, independent of the action and of what the other draw is used for."""
    stops = trim = None
    if not is_off(options.yoked_stop_rate):
        stops = _uniform(key, _STOP) < options.yoked_stop_rate
    if not is_off(options.forced_trim_rate):
        drawn = _uniform(key, _TRIM)
        trim = DrawnTrim(drawn < options.forced_trim_rate, drawn < 0.5 * options.forced_trim_rate)
    return Chance(stops, trim)


def _uniform(key: jax.Array, number: int) -> jax.Array:
    """[] float32 in [0, 1)."""
    return jax.random.uniform(jax.random.fold_in(key, number), (), jnp.float32)


def stops(loss_is_large: jax.Array, options: EnvOptions) -> jax.Array:
    """[] bool: whether the forced stop sells."""
    return loss_is_large if options.stop_fires is None else loss_is_large & options.stop_fires


def tier_reward(fraction: jax.Array, options: EnvOptions) -> jax.Array:
    """Reward [] of a realised return [], times `tier_weight`."""
    reward = return_tier(fraction, options.graded_loss_tiers)
    return reward if options.tier_weight is None else reward * options.tier_weight


def sale_reward(reward: jax.Array, stopped: jax.Array, yoked: jax.Array | None, options: EnvOptions) -> jax.Array:
    """Reward [] of selling a whole position, from what the rules say of it, tier and penalty together.

    A yoked stop earns what a trapped position's stop earns in the reference, whatever the position is worth.
    """
    if options.stop_reward_weight is not None:
        reward = reward * jnp.where(stopped, options.stop_reward_weight, 1.0)
    if yoked is None:
        return reward
    trapped = tier_reward(jnp.full_like(reward, TRAPPED_RETURN), options) + options.stop_penalty
    return jnp.where(yoked, trapped, reward)


def cost_quantity(quantity: jax.Array, entry_quantity: jax.Array, options: EnvOptions) -> jax.Array:
    """Contracts [] int32 that the cost still counts where trims reduce it and `quantity` are left; at least one.

    Rounded once, from all that has been sold since the entry: the roundings of several trims do not add up.
    """
    if options.trim_cost_share is None:
        return jnp.maximum(quantity, 1)
    kept = (1.0 - options.trim_cost_share) * (entry_quantity - quantity)
    return jnp.maximum(quantity + jnp.round(kept).astype(jnp.int32), 1)
