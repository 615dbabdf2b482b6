"""A categorical distribution over the legal actions."""

from __future__ import annotations

import jax
import jax.numpy as jnp

# Large and finite: an infinite logit would turn the entropy's 0·log 0 and its gradient into NaN.
_ILLEGAL_LOGIT = -1e8


def masked_log_probs(logits: jax.Array, mask: jax.Array) -> jax.Array:
    """Log-probabilities [..., A]; illegal actions (mask False) get about -1e8."""
    return jax.nn.log_softmax(jnp.where(mask, logits, _ILLEGAL_LOGIT))


def sample(log_probs: jax.Array, gumbel: jax.Array) -> jax.Array:
    """Draw actions [...] int32 by the Gumbel-max trick from standard Gumbel noise [..., A].

    float32 Gumbel noise stays below 100, so no noise lifts an illegal action above a legal one.
    """
    return jnp.argmax(log_probs + gumbel, axis=-1).astype(jnp.int32)


def log_prob(log_probs: jax.Array, action: jax.Array) -> jax.Array:
    """Log-probability [...] of actions [...]; a one-hot product, whose gradient needs no scatter."""
    one_hot = jax.nn.one_hot(action, log_probs.shape[-1], dtype=log_probs.dtype)
    return jnp.sum(jnp.where(one_hot > 0, log_probs, 0.0), axis=-1)


def entropy(log_probs: jax.Array, mask: jax.Array) -> jax.Array:
    """Entropy [...] in nats over the legal actions."""
    return -jnp.sum(jnp.where(mask, jnp.exp(log_probs) * log_probs, 0.0), axis=-1)
