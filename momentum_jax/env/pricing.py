"""Prices and pay-offs of a position: Greeks, the reference's mark to market, reward tiers, contracts sold."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jax.typing import ArrayLike

from momentum_jax.env.market_view import Prices
from momentum_jax.market.contract_terms import MIN_PREMIUM, RISK_FREE_RATE, YEARS_TO_EXPIRY

BARS_TO_DECAY = 1638 * 6.5  # bars over which the reference takes 5 % time decay

_GAIN_TIERS = ((0.2, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 1.0), (1.0, 1.2), (2.0, 2.0))
_GRADED_LOSS_TIERS = ((-0.2, -0.4), (-0.3, -0.7), (-0.4, -1.0))


def greeks(
    kind: jax.Array,
    spot: jax.Array,
    spot_rest: jax.Array,
    strike: jax.Array,
    sigma: jax.Array,
    years: ArrayLike = YEARS_TO_EXPIRY,
) -> jax.Array:
    """Squashed Black-Scholes Greeks [4] of a position: delta, gamma, theta (a day), vega (a volatility point).

    Args:
      kind: 0 flat (all zeros), 1 call, 2 put.
      spot, spot_rest: the last close in the window, as a sum of two floats.
      strike, sigma: strike and annual volatility.
      years: to expiry; always one trading hour in the reference.
    """
    root = jnp.sqrt(years)
    # log(S/K) through log1p: S - K is exact, so d1 keeps its digits in float32.
    moneyness = jnp.log1p(((spot - strike) + spot_rest) / strike)
    d1 = (moneyness + (RISK_FREE_RATE + 0.5 * sigma**2) * years) / (sigma * root)
    d2 = d1 - sigma * root
    is_put = kind == 2
    sign = jnp.where(is_put, -1.0, 1.0)
    density = norm.pdf(d1)
    delta = sign * norm.cdf(sign * d1)
    gamma = density / (spot * sigma * root)
    carry = RISK_FREE_RATE * strike * jnp.exp(-RISK_FREE_RATE * years)
    theta = (-spot * density * sigma / (2.0 * root) - sign * carry * norm.cdf(sign * d2)) / 365.0
    vega = spot * density * root / 100.0
    squashed = jnp.stack(
        [jnp.clip(delta, -1.0, 1.0), jnp.tanh(100.0 * gamma), jnp.tanh(theta / 10.0), jnp.tanh(vega / 10.0)]
    )
    return jnp.where(kind > 0, squashed, 0.0)


def premium_growth(now: Prices, entry: Prices, entry_premium: jax.Array, held: jax.Array, sign: jax.Array) -> jax.Array:
    """Premium over entry premium, minus one, by the reference's unlevered formula.

    Formed as a fraction from the move of the underlying, never as a difference of premiums, so that its sign
    survives float32. `held` counts bars since entry; `sign` is +1 or -1 (which moves of the underlying gain).
    """
    move = sign * ((now.close - entry.close) + (now.close_rest - entry.close_rest)) / entry.close
    decay = 0.05 * jnp.minimum(1.0, held / BARS_TO_DECAY)
    return jnp.maximum(MIN_PREMIUM / entry_premium - 1.0, 0.5 * move + 0.1 * move**2 - decay)


def unrealised_fraction(quantity: jax.Array, cost_quantity: jax.Array, growth: jax.Array) -> jax.Array:
    """Value over cost, minus one. A trim that leaves the cost as it was lowers the first term to -50 % or -70 %."""
    # int32 / int32 would be float32 even in x64 mode.
    counted = cost_quantity.astype(growth.dtype)
    return (quantity - cost_quantity) / counted + (quantity / counted) * growth


def return_tier(fraction: jax.Array, graded_losses: ArrayLike) -> jax.Array:
    """Reward of a realised return (a fraction); losses beyond -15 % are all alike unless they are graded."""
    reward = jnp.where(fraction < 0, -0.2, 0.0)
    for threshold, value in _GAIN_TIERS:
        reward = jnp.where(fraction >= threshold, value, reward)
    graded = reward
    for threshold, value in _GRADED_LOSS_TIERS:
        graded = jnp.where(fraction <= threshold, value, graded)
    return jnp.where(graded_losses, graded, jnp.where(fraction <= -0.15, -0.9, reward))


def contracts_sold(quantity: jax.Array, seventy: jax.Array) -> jax.Array:
    """Contracts that a trim sells: max(1, floor(q·0.7)) if `seventy`, else max(1, floor(q·0.5)), in integers.

    The reference multiplies in float64, where 0.7 is 0.4·2⁻⁵³ too small. For q = 10 k the product therefore falls
    short of 7 k by 4 k·2⁻⁵³ and is rounded down, to be floored to 7 k - 1, if and only if 4 k exceeds the largest
    power of two in 7 k: 90·0.7 gives 62, 20·0.7 gives 14.
    """
    tens, seven_tenths = quantity // 10, (7 * quantity) // 10
    leading = jnp.int32(1) << (31 - jax.lax.clz(jnp.maximum(seven_tenths, 1)))
    falls_short = (quantity % 10 == 0) & (4 * tens > leading)
    seven_tenths = seven_tenths - falls_short.astype(jnp.int32)
    return jnp.maximum(1, jnp.where(seventy, seven_tenths, quantity // 2))
