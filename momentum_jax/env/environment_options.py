"""Reward weights and fault switches of the momentum environment. Imports no JAX.

Almost every field is a traced leaf: one compiled program runs arms that differ in any of them side by side. The static
ones shape the market's tables and the observation, which the arms of a run share. The defaults are the `reference`
preset with the weights of the published run tune2; interventions are off.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from momentum_jax.field_checks import check_fields, convert_fields
from momentum_jax.fields import ConfigError, is_static, static, traced
from momentum_jax.market.contract_terms import FILLS, LAGGED_CLOSE, VOLATILITIES

BLACK_SCHOLES = "black_scholes"
SHAPING_REWARDS = (
    "call_bonus",
    "put_bonus",
    "missed_penalty",
    "hold_tax",
    "chase_penalty",
    "buy_reward",
    "unaffordable_penalty",
    "flat_hold",
    "flat_trim",
    "flat_exit",
    "position_buy",
    "pnl_weight",
    "overstay_rate",
    "overstay_limit",
    "stop_penalty",
    "position_hold",
    "position_hold_ramp",
    "position_overstay_ramp",
    "low_advantage_penalty",
)
"""The reference's rewards beside the tiers, which `tier_weight` multiplies."""
MARKS = ("reference", BLACK_SCHOLES)
NEED_BLACK_SCHOLES = (
    "account_features",
    "strike_step",
    "half_spread",
    "half_spread_minimum",
    "commission",
    "account_value_weight",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnvOptions:
    """Rewards are added as they stand (penalties are negative); switches are off in the reference."""

    # Weights that the published runs differ in.
    call_bonus: float = traced(0.12, "reward added to a call bought in a strong setup")
    put_bonus: float = traced(0.10, "reward added to a put bought in a strong setup")
    missed_penalty: float = traced(-0.06, "reward added to a flat HOLD in a strong setup")
    hold_tax: float = traced(-0.0005, "reward added to any other HOLD")
    chase_penalty: float = traced(-0.03, "reward added to a purchase that chases")
    # Weights that all published runs share.
    buy_reward: float = traced(0.02, "reward of a purchase")
    unaffordable_penalty: float = traced(-0.01, "reward of a purchase that cannot be paid for")
    flat_hold: float = traced(-0.0003, "reward of a flat HOLD")
    flat_trim: float = traced(-0.02, "reward of an illegal trim while flat")
    flat_exit: float = traced(-0.01, "reward of an illegal exit while flat")
    position_buy: float = traced(-0.001, "reward of an illegal purchase while in a position")
    pnl_weight: float = traced(0.05, "reward of a HOLD in a position, per unit of unrealised return")
    overstay_rate: float = traced(-0.001, "reward added per bar held beyond 30 to a HOLD in a position")
    overstay_limit: float = traced(-0.05, "the most that overstay_rate adds up to")
    stop_penalty: float = traced(-0.8, "reward added to a forced stop")
    # Added to the reference on 2025-12-17; zero before.
    position_hold: float = traced(0.0, "reward added to every HOLD in a position")
    position_hold_ramp: float = traced(0.0, "reward added to a HOLD in a position, growing over 60 bars held")
    position_overstay_ramp: float = traced(0.0, "reward added per 60 bars held beyond 30 to a HOLD in a position")
    low_advantage_penalty: float = traced(0.0, "reward added to a purchase at a setup score below 2")
    # Fault switches: the reference's behaviour first.
    trim_reduces_cost: bool = traced(False, "shrink a position's cost in proportion when it is trimmed")
    put_sign: float = traced(1.0, "+1: puts gain when the underlying rises; -1: when it falls", minimum=-1, maximum=1)
    put_setup: float = traced(
        1.0, "+1: puts are paid for bullish setups; -1: for their bearish mirror image", minimum=-1, maximum=1
    )
    hold_tax_in_position: bool = traced(True, "charge hold_tax in a position too, not only while flat")
    graded_loss_tiers: bool = traced(False, "grade the reward of losses beyond -15 % as the reference meant to")
    liquidate_at_end: bool = traced(False, "sell an open position at the end of the segment instead of dropping it")
    decision_time_setup: bool = traced(False, "judge setups on the window that the agent saw, not one bar later")
    # What the environment is made of: its tables, its observation, its prices.
    mark_to_market: str = static(
        "reference",
        "value of a position: the reference's unlevered formula, or Black-Scholes with expiry at the session's close",
        choices=MARKS,
    )
    implied_volatility: str = static(
        "vix", "1.3 VIX, or the curve over time left that is calibrated on quotes", choices=VOLATILITIES
    )
    session_episodes: bool = static(False, "one session an episode, drawn at random, windows inside the session")
    fill: str = static(LAGGED_CLOSE, "where orders fill: a bar late, or at the next bar's open or close", choices=FILLS)
    account_features: bool = static(
        False, "add unrealised return, bars held and time to the close to the observation, as columns 23 to 25"
    )
    # With Black-Scholes prices only.
    strike_step: float = traced(
        1.0, "dollars between strikes; 0: as each symbol's options are listed, SPX 5 and others 1", minimum=0
    )
    half_spread: float = traced(
        0.0, "half of the spread between bid and ask, as a share of the premium", minimum=0, maximum=0.99
    )
    half_spread_minimum: float = traced(0.0, "the least half-spread, in dollars a share", minimum=0)
    commission: float = traced(0.0, "dollars a contract and fill", minimum=0)
    account_value_weight: float = traced(
        0.0, "reward of the step's change of account value after costs, per unit of risked capital (7 000 dollars)"
    )
    tier_weight: float = traced(1.0, "weight of the reference's rewards of trims, exits and stops", free_when_off=True)
    # Interventions of a study: a program none of whose runs asks for one is compiled without it.
    stop_reward_weight: float = traced(
        1.0, "the whole reward of a forced stop is multiplied by it", minimum=0, free_when_off=True
    )
    stop_fires: bool = traced(True, "sell a position by force at a loss of 15 %", free_when_off=True)
    trims_legal: bool = traced(True, "let the policy trim a position", free_when_off=True)
    # Up to 0.82 the stop fires after every trim as in the reference, and up to 0.92 after every TRIM_70.
    trim_cost_share: float = traced(
        1.0,
        "share of the contracts sold by a trim that trim_reduces_cost removes from the cost, in whole contracts",
        minimum=0,
        maximum=1,
        free_when_off=True,
    )
    yoked_stop_rate: float = traced(
        0.0,
        "probability at each step in a position of a sale with the reward of a trapped stop, whatever the action",
        minimum=0,
        maximum=1,
        free_when_off=True,
    )
    forced_trim_rate: float = traced(
        0.0,
        "probability at each step in a position that a trim, half of them of 70 %, replaces the chosen action",
        minimum=0,
        maximum=1,
        free_when_off=True,
    )
    # Weights of decisions in the learner's loss; the critic learns from all of them alike.
    flat_policy_weight: float = traced(
        1.0, "weight of the decisions taken while flat in the policy loss", minimum=0, free_when_off=True
    )
    position_policy_weight: float = traced(
        1.0, "weight of the decisions taken in a position in the policy loss", minimum=0, free_when_off=True
    )
    flat_entropy_weight: float = traced(
        1.0, "weight of the decisions taken while flat in the entropy bonus", minimum=0, free_when_off=True
    )
    position_entropy_weight: float = traced(
        1.0, "weight of the decisions taken in a position in the entropy bonus", minimum=0, free_when_off=True
    )

    def __post_init__(self) -> None:
        convert_fields(self, static_only=True)

    def validate(self) -> None:
        """Raises ConfigError. Not done on construction, since inside jit the fields are tracers."""
        check_fields(self)
        for name in ("put_sign", "put_setup"):
            if abs(getattr(self, name)) != 1:
                raise ConfigError(f"{name}={getattr(self, name):g} is not a sign: use +1 or -1")
        if self.trim_cost_share != 1 and not self.trim_reduces_cost:
            raise ConfigError(
                f"trim_cost_share={self.trim_cost_share:g} has no effect while trims leave the cost as it is: "
                "set trim_reduces_cost=true too"
            )
        if self.forced_trim_rate > 0 and self.trims_legal:
            raise ConfigError(
                f"forced_trim_rate={self.forced_trim_rate:g} forces trims, which the policy may choose too: "
                "set trims_legal=false"
            )
        self._check_prices()

    @property
    def switches(self) -> dict[str, Any]:
        """The static fields, in which the arms of a run agree."""
        return {name: getattr(self, name) for name in SWITCHES}

    def _check_prices(self) -> None:
        """Refuse what has no meaning under the chosen prices."""
        if self.mark_to_market == BLACK_SCHOLES:
            if not self.session_episodes:
                raise ConfigError(
                    "mark_to_market=black_scholes prices options that expire at their session's close: "
                    "set session_episodes=true too"
                )
            return
        for name in NEED_BLACK_SCHOLES:
            if getattr(self, name) != EnvOptions.__dataclass_fields__[name].default:
                raise ConfigError(
                    f"{name}={getattr(self, name)} has no effect with the reference's prices: "
                    "set mark_to_market=black_scholes too"
                )


SWITCHES = tuple(field.name for field in dataclasses.fields(EnvOptions) if is_static(field))

# Settings of a preset, on top of an arm's own weights.
PRESETS: dict[str, dict[str, Any]] = {
    "reference": {},
    "reference_1217": {
        "position_hold": -0.05,
        "position_hold_ramp": -0.01,
        "position_overstay_ramp": -0.01,
        "low_advantage_penalty": -0.15,
        "flat_hold": -0.0001,
    },
    "realistic": {
        "mark_to_market": BLACK_SCHOLES,
        "implied_volatility": "calibrated",
        "session_episodes": True,
        "fill": "next_close",
        "account_features": True,
        "strike_step": 0.0,
        "half_spread": 0.022,
        "half_spread_minimum": 0.01,
        "commission": 0.65,
        "trim_reduces_cost": True,
        "put_sign": -1.0,
        "put_setup": -1.0,
        "hold_tax_in_position": False,
        "graded_loss_tiers": True,
        "liquidate_at_end": True,
        "decision_time_setup": True,
        "account_value_weight": 1.0,
        "tier_weight": 0.0,
        **dict.fromkeys(SHAPING_REWARDS, 0.0),
    },
}
# Settings of `MarketConfig` that go with a preset; a flag that is given takes precedence.
PRESET_MARKETS: dict[str, dict[str, Any]] = {"realistic": {"vix_timing": "previous", "segments": "all"}}
