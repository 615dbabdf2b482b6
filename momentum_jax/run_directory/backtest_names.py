"""What a backtest records: names of its policies, and its variables with what they mean. No JAX."""

from __future__ import annotations

from momentum_jax.env import baselines

SAMPLED, GREEDY = WAYS = ("sampled", "greedy")
"""How a trained policy's actions are chosen: drawn from its probabilities, or the most probable one."""

BASELINES, NOTHING, UNDERLYING = baselines.BASELINES, baselines.NOTHING, baselines.UNDERLYING
POLICIES = (*WAYS, *BASELINES)

DIMS = ("arm", "seed", "day", "policy", "symbol")

TAKE_PROFIT = 0.20
"""A trade that returns this much or more took a profit: the lowest tier of gains that the environment rewards."""
BIG_LOSS = -0.15
"""Return of a trade beyond which the published claim allows no loss."""

# Name: (unit, what it is). All are float64, NaN where the symbol has no session on the day.
VARIABLES = {
    "pnl": ("dollars on 100 000", "profit and loss of the session after costs"),
    "trades": ("1", "positions closed"),
    "wins": ("1", "positions closed with a gain after costs"),
    "gross_gain": ("dollars on 100 000", "sum of the gains of winning trades"),
    "gross_loss": ("dollars on 100 000", "sum of the losses of losing trades, as a positive number"),
    "worst_trade": ("fraction of cost", "lowest return of a closed position; NaN where none closed"),
    "best_trade": ("fraction of cost", "highest return of a closed position; NaN where none closed"),
    "big_losses": ("1", "trades that lost more than 15 % of their cost"),
    "take_profits": ("1", "trades that returned 20 % of their cost or more"),
    "forced_stops": ("1", "positions sold by the forced stop"),
    "time_in_market": ("fraction of steps", "share of the session's steps with an open position"),
    "turnover": ("dollars on 100 000", "premiums paid and received, costs included"),
}
