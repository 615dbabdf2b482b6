"""One session of the realistic environment in plain Python, written from the specification apart from `env.rules`.

Options by Black-Scholes from `math.erf` with the time left to the close, costs on every fill, one session an episode.
It takes bars and the indicators of the market's windows; fills, times, volatilities, prices, costs, rewards and what
the account sees are its own, so that the tests can hold one against the other.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from momentum_jax.env.environment_options import EnvOptions

HOLD, BUY_CALL, BUY_PUT, TRIM_50, TRIM_70, EXIT = range(6)
CAPITAL, RISKED, STOP = 100_000.0, 0.07, -0.15
RATE, MINUTES_A_YEAR, FIRST = 0.04, 252 * 390, 20
_GAINS = ((2.0, 2.0), (1.0, 1.2), (0.7, 1.0), (0.5, 0.7), (0.3, 0.5), (0.2, 0.3))
_LOSSES = ((-0.4, -1.0), (-0.3, -0.7), (-0.2, -0.4))


class Session(NamedTuple):
    """What a session's steps are computed from; N bars."""

    bars: np.ndarray  # [N, 5] open, high, low, close, volume
    minutes: np.ndarray  # [N] minute of the day (New York) at which each bar starts
    close_minute: int  # at which the session closes
    vix: float  # of the session before, in points
    windows: np.ndarray  # [N - 19, 20, 19]: market columns of the window before bar 20, 21, … N
    scores: np.ndarray  # [N - 19, 4]: bullish and bearish score, bullish and bearish chase of each window
    strike_step: float  # dollars between listed strikes


def volatility(minutes_left: float, vix: float) -> float:
    """The calibrated curve."""
    return 0.503 * vix / 100.0 * (max(minutes_left, 1) / 390.0) ** -0.21


def premium_of(is_put: bool, spot: float, strike: float, minutes_left: float, sigma: float) -> float:
    """Dollars a share."""
    sign = -1.0 if is_put else 1.0
    if minutes_left <= 0:
        return max(0.0, sign * (spot - strike))
    years = minutes_left / MINUTES_A_YEAR
    d1, d2 = _d(spot, strike, years, sigma)
    value = sign * (spot * _cdf(sign * d1) - strike * math.exp(-RATE * years) * _cdf(sign * d2))
    return max(0.01, value)


def greeks(is_put: bool, spot: float, strike: float, minutes_left: float, sigma: float) -> list[float]:
    """Squashed delta, gamma, theta and vega."""
    years = max(minutes_left, 1) / MINUTES_A_YEAR
    d1, d2 = _d(spot, strike, years, sigma)
    sign, root = (-1.0 if is_put else 1.0), math.sqrt(years)
    density = math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
    theta = -spot * density * sigma / (2.0 * root)
    theta -= sign * RATE * strike * math.exp(-RATE * years) * _cdf(sign * d2)
    return [
        sign * _cdf(sign * d1),
        math.tanh(100.0 * density / (spot * sigma * root)),
        math.tanh(theta / 365.0 / 10.0),
        math.tanh(spot * density * root / 100.0 / 10.0),
    ]


def _d(spot: float, strike: float, years: float, sigma: float) -> tuple[float, float]:
    deviation = sigma * math.sqrt(years)
    d1 = (math.log(spot / strike) + (RATE + 0.5 * sigma * sigma) * years) / deviation
    return d1, d1 - deviation


def _cdf(x: float) -> float:
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0))) if x > -1 else 0.5 * math.erfc(-x / math.sqrt(2.0))


@dataclasses.dataclass
class Contract:
    is_put: bool
    strike: float
    paid: float  # dollars a share, costs included
    bar: int
    quantity: int
    bought: int
    cost: float  # dollars that the return is counted on


class NumpyRealistic:
    """One session from its bar 20 on.

    Args:
      session: the bars.
      options: with the switches of the preset `realistic`; any fill at the next bar, rewards and costs.
    """

    def __init__(self, session: Session, options: EnvOptions):
        self.session, self.options = session, options
        self.cursor, self.capital, self.value = FIRST, CAPITAL, CAPITAL
        self.contract: Contract | None = None
        self.premium = 0.0  # of the contract at the last fill

    def mask(self) -> list[bool]:
        flat, session = self.contract is None, self.session
        left = session.close_minute - session.minutes[min(self.cursor, len(session.bars) - 1)]
        buys = flat and bool(left - (self.options.fill != "next_open") > 0)  # it must not expire at the fill
        return [True, buys, buys, not flat, not flat, not flat]

    def step(self, action: int) -> tuple[float, bool]:
        """Reward, and whether the session is over."""
        bar, options = self.cursor, self.options
        spot = self.session.bars[bar, 0 if options.fill == "next_open" else 3]
        left = self.session.close_minute - self.session.minutes[bar] - (options.fill != "next_open")
        row = bar - FIRST + (not options.decision_time_setup)
        before, held = self.value, self.contract
        reward = self._flat(action, spot, left, row) if held is None else self._holding(held, action, spot, left)
        self.cursor += 1
        over = self.cursor == len(self.session.bars)
        if over and self.contract is not None and options.liquidate_at_end:
            reward += self._tier(self._sell(self.contract.quantity))
        self.value = self.capital + (0.0 if self.contract is None else 100.0 * self.contract.quantity * self.premium)
        return reward + options.account_value_weight * (self.value - before) / (RISKED * CAPITAL), over

    def observation(self) -> np.ndarray:
        """[20, 26]."""
        left = max(1, self.session.close_minute - int(self.session.minutes[self.cursor - 1]) - 1)
        seen = np.zeros((20, 26))
        seen[:, :19] = self.session.windows[self.cursor - FIRST]
        seen[:, 25] = left / 390.0
        if self.contract is not None:
            contract, sigma = self.contract, volatility(left, self.session.vix)
            spot = self.session.bars[self.cursor - 1, 3]
            seen[:, 19:23] = greeks(contract.is_put, spot, contract.strike, left, sigma)
            unrealised = (100.0 * contract.quantity * self.premium - contract.cost) / contract.cost
            seen[:, 23] = min(unrealised, 10.0)
            seen[:, 24] = (self.cursor - 1 - contract.bar) / 60.0
        return seen

    def _flat(self, action: int, spot: float, left: float, row: int) -> float:
        options, scores = self.options, self.session.scores[row]
        if action == HOLD:
            strong = max(scores[:2]) >= 3
            return options.flat_hold + (options.missed_penalty if strong else options.hold_tax)
        if action >= TRIM_50:
            return options.flat_exit if action == EXIT else options.flat_trim
        is_put = action == BUY_PUT
        side = scores[1 if is_put else 0]
        reward = options.buy_reward if self._buy(is_put, spot, left) else options.unaffordable_penalty
        if side >= 3:
            reward += options.put_bonus if is_put else options.call_bonus
        if scores[3 if is_put else 2]:
            reward += options.chase_penalty
        return reward + (options.low_advantage_penalty if side < 2 else 0.0)

    def _buy(self, is_put: bool, spot: float, left: float) -> bool:
        options = self.options
        step = options.strike_step or self.session.strike_step
        strike = round(spot / step) * step
        premium = premium_of(is_put, spot, strike, left, volatility(left, self.session.vix))
        paid = premium + self._half_spread(premium) + options.commission / 100.0
        quantity = max(1, math.floor(RISKED * self.capital / (100.0 * paid)))
        cost = 100.0 * quantity * paid
        if cost > self.capital:
            return False
        self.capital -= cost
        self.premium = premium
        self.contract = Contract(is_put, strike, paid, self.cursor, quantity, quantity, cost)
        return True

    def _holding(self, contract: Contract, action: int, spot: float, left: float) -> float:
        options, sigma = self.options, volatility(left, self.session.vix)
        self.premium = premium_of(contract.is_put, spot, contract.strike, left, sigma)
        unrealised = (100.0 * contract.quantity * self.premium - contract.cost) / contract.cost
        if unrealised <= STOP:
            return self._tier(self._sell(contract.quantity)) + options.stop_penalty
        if action == EXIT:
            return self._tier(self._sell(contract.quantity))
        if action in (TRIM_50, TRIM_70):
            share = 0.5 if action == TRIM_50 else 0.7
            sold = max(1, math.floor(contract.quantity * share))
            self._sell(sold)
            return share * self._tier(self._sale_price() / contract.paid - 1.0)
        if action in (BUY_CALL, BUY_PUT):
            return options.position_buy
        return self._hold_reward(unrealised, self.cursor - contract.bar)

    def _hold_reward(self, unrealised: float, held: int) -> float:
        options, overstay = self.options, max(held - 30, 0)
        reward = options.pnl_weight * unrealised + options.position_hold
        reward += options.hold_tax if options.hold_tax_in_position else 0.0
        reward += max(options.overstay_limit, options.overstay_rate * overstay)
        reward += options.position_hold_ramp * min(held, 60) / 60.0
        return reward + options.position_overstay_ramp * overstay / 60.0

    def _sell(self, quantity: int) -> float:
        """Sell contracts; the return of what is sold with what is left at the same price, on the cost."""
        contract = self.contract
        assert contract is not None
        proceeds = 100.0 * quantity * self._sale_price()
        self.capital += proceeds
        realised = (100.0 * contract.quantity * self._sale_price() - contract.cost) / contract.cost
        contract.quantity -= quantity
        contract.cost = 100.0 * contract.quantity * contract.paid  # trims reduce it in proportion
        if contract.quantity == 0:
            self.contract = None
        return realised

    def _sale_price(self) -> float:
        return max(0.0, self.premium - self._half_spread(self.premium)) - self.options.commission / 100.0

    def _half_spread(self, premium: float) -> float:
        return max(self.options.half_spread * premium, self.options.half_spread_minimum)

    def _tier(self, realised: float) -> float:
        reward = next((reward for least, reward in _GAINS if realised >= least), 0.0)
        if realised < 0:
            reward = next((loss for most, loss in _LOSSES if realised <= most), -0.2)
        return self.options.tier_weight * reward
