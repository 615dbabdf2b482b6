"""The reference environment in plain Python and NumPy, as fast as one process can step it one action at a time.

The rival learner trains on it, so that it is not held back by JAX's cost of a call. What depends on the bar alone is
looked up; the rest is float64 scalars and branches. Written from the specification's text apart from `env.rules`,
with constants of its own, so that the tests can hold one against the other.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import gymnasium
import numpy as np

from momentum_jax.env.environment_options import NEED_BLACK_SCHOLES, SWITCHES, EnvOptions
from momentum_jax.market.contract_terms import MIN_PREMIUM, RISK_FREE_RATE, YEARS_TO_EXPIRY
from momentum_jax.market.features import WINDOW, Features

HOLD, BUY_CALL, BUY_PUT, TRIM_50, TRIM_70, EXIT = range(6)
CAPITAL, RISKED = 100_000.0, 0.07
_FLAT_MASK = np.array([True, True, True, False, False, False])
_POSITION_MASK = np.array([True, False, False, True, True, True])
_ROOT_TIME, _ROOT_TWO_PI = math.sqrt(YEARS_TO_EXPIRY), math.sqrt(2.0 * math.pi)
_DISCOUNT = math.exp(-RISK_FREE_RATE * YEARS_TO_EXPIRY)
_TIERS = ((2.0, 2.0), (1.0, 1.2), (0.7, 1.0), (0.5, 0.7), (0.3, 0.5), (0.2, 0.3))
_FIXED = (
    "trim_reduces_cost",
    "put_sign",
    "put_setup",
    "hold_tax_in_position",
    "graded_loss_tiers",
    "liquidate_at_end",
    "decision_time_setup",
    *SWITCHES,
    *NEED_BLACK_SCHOLES,
    *(field.name for field in dataclasses.fields(EnvOptions) if field.metadata.get("free_when_off")),
)


def tier(fraction: float) -> float:
    """Reward of a realised return."""
    for threshold, reward in _TIERS:
        if fraction >= threshold:
            return reward
    if fraction <= -0.15:
        return -0.9
    return -0.2 if fraction < 0 else 0.0


def greeks(is_put: bool, spot: float, strike: float, sigma: float) -> tuple[float, float, float, float]:
    """Squashed delta, gamma, theta (a day) and vega (a volatility point)."""
    deviation = sigma * _ROOT_TIME
    d1 = (math.log(spot / strike) + (RISK_FREE_RATE + 0.5 * sigma * sigma) * YEARS_TO_EXPIRY) / deviation
    d2 = d1 - deviation
    sign = -1.0 if is_put else 1.0
    density = math.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
    carry = RISK_FREE_RATE * strike * _DISCOUNT * _normal_cdf(sign * d2)
    theta = (-spot * density * sigma / (2.0 * _ROOT_TIME) - sign * carry) / 365.0
    return (
        sign * _normal_cdf(sign * d1),
        math.tanh(100.0 * density / (spot * deviation)),
        math.tanh(theta / 10.0),
        math.tanh(spot * density * _ROOT_TIME / 1000.0),
    )


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@dataclasses.dataclass
class Position:
    is_put: bool
    entry_bar: int
    entry_close: float
    entry_premium: float
    quantity: int
    cost: float

    @property
    def strike(self) -> float:
        return float(round(self.entry_close))


class NumpyMomentum(gymnasium.Env):
    """One segment, one environment. Observations are [20, 23] float32; while flat they are views of a table.

    Args:
      features: the segment's tables.
      options: reward weights. The fault switches stay the reference's, and interventions off.

    Raises:
      ValueError: a fault switch or an intervention is set.
    """

    def __init__(self, features: Features, options: EnvOptions | None = None):
        self.options = options or EnvOptions()
        changed = [name for name in _FIXED if getattr(self.options, name) != getattr(EnvOptions(), name)]
        if changed:
            raise ValueError(f"{', '.join(changed)} is set: this environment knows the reference's faults only")
        rows = len(features.close)
        self.observation_space = gymnasium.spaces.Box(-10.0, 10.0, (WINDOW, 23), np.float32)
        self.action_space = gymnasium.spaces.Discrete(6)
        self._windows = np.zeros((rows, WINDOW, 23), np.float32)
        self._windows[:, :, :19] = features.observation
        self._last_bar = rows - 1
        # Lists of Python numbers: reading one is several times faster than reading an array's element.
        self._close, self._last_close = features.close.tolist(), features.last_close.tolist()
        self._sigma = features.sigma.tolist()
        self._premiums = list(zip(features.call_premium.tolist(), features.put_premium.tolist(), strict=True))
        self._score, self._chase = features.bull_score.tolist(), features.bull_chase.tolist()
        self._start()

    def _start(self) -> None:
        self._bar = 0  # row of the tables: the cursor less 20
        self.capital = CAPITAL
        self.position: Position | None = None

    def reset(self, *, seed: int | None = None, options: Any | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._start()
        return self._observation(), {}

    def action_masks(self) -> np.ndarray:
        """[6] bool, True = legal."""
        return _FLAT_MASK if self.position is None else _POSITION_MASK

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._bar += 1
        action = int(action)
        if self.position is None:
            reward, info = self._step_flat(action), {}
        else:
            reward, stopped = self._step_in_position(self.position, action)
            info = {"forced_stop_loss": stopped}
        return self._observation(), reward, self._bar >= self._last_bar, False, info

    def _observation(self) -> np.ndarray:
        window, position = self._windows[self._bar], self.position
        if position is None:
            return window
        window = window.copy()
        window[:, 19:] = greeks(position.is_put, self._last_close[self._bar], position.strike, self._sigma[self._bar])
        return window

    def _step_flat(self, action: int) -> float:
        options, score = self.options, self._score[self._bar]
        if action == HOLD:
            return options.flat_hold + (options.missed_penalty if score >= 3 else options.hold_tax)
        if action >= TRIM_50:
            return options.flat_exit if action == EXIT else options.flat_trim
        is_put = action == BUY_PUT
        reward = options.buy_reward if self._buy(is_put) else options.unaffordable_penalty
        if score >= 3:
            reward += options.put_bonus if is_put else options.call_bonus
        if self._chase[self._bar]:
            reward += options.chase_penalty
        return reward + (options.low_advantage_penalty if score < 2 else 0.0)

    def _buy(self, is_put: bool) -> bool:
        premium = self._premiums[self._bar][is_put]
        quantity = max(1, math.floor(RISKED * self.capital / (100.0 * premium)))
        cost = quantity * premium * 100.0
        if cost > self.capital:
            return False
        self.capital -= cost
        self.position = Position(is_put, self._bar, self._close[self._bar], premium, quantity, cost)
        return True

    def _step_in_position(self, position: Position, action: int) -> tuple[float, bool]:
        """Reward, and whether the stop fired."""
        held = self._bar - position.entry_bar
        move = (self._close[self._bar] - position.entry_close) / position.entry_close
        decay = 0.05 * min(1.0, held / 1638 / 6.5)
        premium = max(MIN_PREMIUM, position.entry_premium * (1.0 + 0.5 * move + 0.1 * move * move - decay))
        fraction = (position.quantity * premium * 100.0 - position.cost) / position.cost
        if fraction <= -0.15:
            self._sell(position, position.quantity, premium)
            return tier(fraction) + self.options.stop_penalty, True
        if action == HOLD:
            return self._hold_reward(fraction, held), False
        if action in (BUY_CALL, BUY_PUT):
            return self.options.position_buy, False
        if action == EXIT:
            self._sell(position, position.quantity, premium)
            return tier(fraction), False
        share = 0.5 if action == TRIM_50 else 0.7
        self._sell(position, max(1, math.floor(position.quantity * share)), premium)
        return share * tier(premium / position.entry_premium - 1.0), False

    def _sell(self, position: Position, quantity: int, premium: float) -> None:
        """Sell contracts; the cost stays as it was, as in the reference."""
        self.capital += quantity * premium * 100.0
        position.quantity -= quantity
        if position.quantity == 0:
            self.position = None

    def _hold_reward(self, fraction: float, held: int) -> float:
        options, overstay = self.options, max(held - 30, 0)
        reward = options.pnl_weight * fraction + options.hold_tax
        reward += max(options.overstay_limit, options.overstay_rate * overstay) + options.position_hold
        return (
            reward
            + options.position_hold_ramp * min(held, 60) / 60.0
            + (options.position_overstay_ramp * overstay / 60.0)
        )
