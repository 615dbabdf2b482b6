"""What policies of the momentum environment are compared with: names, and what each does. No JAX."""

from __future__ import annotations

NOTHING, RANDOM, CALL = "hold", "random", "call"
STRONG_CALL, STRONG_PUT, UNDERLYING = "strong_call", "strong_put", "underlying"
BASELINES = {
    NOTHING: "always HOLD: does nothing",
    RANDOM: "a legal action drawn with equal probabilities",
    CALL: "buys a call whenever it is flat and holds it to the close",
    STRONG_CALL: "buys a call at a strong bullish setup and exits after k bars",
    STRONG_PUT: "buys a put at a strong bearish setup, the mirror image, and exits after k bars",
    UNDERLYING: "7 % of capital in the underlying from the first possible fill to the close, without costs",
}
