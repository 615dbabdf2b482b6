"""What a backtest records: names of its policies, and its variables with what they mean. No JAX."""

from __future__ import annotations

SAMPLED, GREEDY = WAYS = ("sampled", "greedy")
"""How a trained policy's actions are chosen: drawn from its probabilities, or the most probable one."""

HOLD, RANDOM, CALL = "hold", "random", "call"
STRONG_CALL, STRONG_PUT, UNDERLYING = "strong_call", "strong_put", "underlying"
BASELINES = {
    HOLD: "always HOLD: does nothing",
    RANDOM: "a legal action drawn with equal probabilities",
    CALL: "buys a call whenever it is flat and holds it to the close",
    STRONG_CALL: "buys a call at a strong bullish setup and exits after k bars",
    STRONG_PUT: "buys a put at a strong bearish setup, the mirror image, and exits after k bars",
    UNDERLYING: "7 % of capital in the underlying from the first possible fill to the close, without costs",
}
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
