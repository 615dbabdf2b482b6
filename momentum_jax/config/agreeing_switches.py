"""What the arms of a run have in common: the switches that its task and its market's tables are made by."""

from __future__ import annotations

from collections.abc import Sequence

from momentum_jax.config.arms import Arm
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig

_NEED_SESSIONS = ("session_episodes", "mark_to_market", "implied_volatility")


def check_switches(arms: Sequence[Arm], market: MarketConfig) -> None:
    """Raises ConfigError where arms differ in a switch, or one needs another clock than the market's."""
    for name, value in arms[0].env.switches.items():
        other = next((arm for arm in arms if getattr(arm.env, name) != value), None)
        if other is not None:
            raise ConfigError(
                f"arms {arms[0].name} and {other.name} differ in {name} ({value}, {getattr(other.env, name)}), which "
                "the arms of a run share: run them apart, on the same seeds"
            )
    changed = [name for name in _NEED_SESSIONS if getattr(arms[0].env, name) != Arm(name="default").env.switches[name]]
    if changed and market.session_clock != "exchange":
        raise ConfigError(
            f"{changed[0]}={getattr(arms[0].env, changed[0])} needs the time to a session's close, and "
            f"session_clock={market.session_clock} cuts bars at other hours: set session_clock=exchange"
        )
