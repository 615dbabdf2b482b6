"""Random actions through the realistic environment and its NumPy twin, in float64: a program of its own.

`python -m tests.env.realistic_replay` ends with an AssertionError where they differ by more than 1e-9.
"""

from __future__ import annotations

import dataclasses

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.numpy_realistic import NumpyRealistic, Session  # noqa: E402
from momentum_jax.env import rules  # noqa: E402
from momentum_jax.env.environment_options import EnvOptions  # noqa: E402
from momentum_jax.env.momentum import Momentum, make_params  # noqa: E402
from momentum_jax.market.features import compute_features  # noqa: E402
from momentum_jax.market.fills import FillTerms  # noqa: E402
from momentum_jax.market.segment import Segment  # noqa: E402
from tests.env.realistic_market import CLOSES, LENGTHS, VIX_BEFORE, make_sessions, realistic  # noqa: E402

SHAPED = {
    "call_bonus": 0.12,
    "put_bonus": 0.1,
    "missed_penalty": -0.06,
    "hold_tax": -0.0005,
    "chase_penalty": -0.03,
    "buy_reward": 0.02,
    "unaffordable_penalty": -0.01,
    "flat_hold": -0.0003,
    "flat_trim": -0.02,
    "flat_exit": -0.01,
    "position_buy": -0.001,
    "pnl_weight": 0.05,
    "overstay_rate": -0.001,
    "overstay_limit": -0.05,
    "stop_penalty": -0.8,
    "position_hold": -0.05,
    "position_hold_ramp": -0.01,
    "position_overstay_ramp": -0.01,
    "low_advantage_penalty": -0.15,
    "tier_weight": 0.5,
}
CASES = {
    "the preset": {},
    "fills at the open, coarse strikes": {"fill": "next_open", "strike_step": 5.0},
    "shaped rewards, dear trades": {**SHAPED, "half_spread_minimum": 0.03, "commission": 2.0},
    "SPX, in listed steps of 5": {"symbol": "SPX"},
    "without costs": {"half_spread": 0.0, "half_spread_minimum": 0.0, "commission": 0.0},
}


LISTED = {"SPY": 1.0, "SPX": 5.0}  # dollars between strikes


def sessions(segment: Segment, options: EnvOptions) -> list[Session]:
    """What the twin takes of each session."""
    found, start = [], 0
    for length, close, vix in zip(LENGTHS, CLOSES, VIX_BEFORE, strict=True):
        part = slice(start, start + length)
        time = segment.bar_time_ns[part]
        features = compute_features(
            segment.bars[part], time, segment.vix_date_ns, segment.vix_close, "previous", FillTerms(fill=options.fill)
        )
        scores = (features.bull_score, features.bear_score, features.bull_chase, features.bear_chase)
        minutes = time // (60 * 10**9) % (24 * 60)
        windows = features.observation
        listed = LISTED[segment.symbol]
        found.append(Session(segment.bars[part], minutes, close, vix, windows, np.stack(scores, axis=1), listed))
        start += length
    return found


def replay(options: EnvOptions, legal: bool, seed: int, symbol: str = "SPY") -> int:
    """Compare rewards, ends, masks, observations and capital of every step; returns positions that were open."""
    segment = dataclasses.replace(make_sessions(), symbol=symbol)
    env, params = Momentum(options), make_params(segment, options, jnp.float64)
    step = jax.jit(lambda state, action: rules.step(state, action, params.market, params.options))
    observe = jax.jit(lambda state: env.observe(None, state, None, params))
    rng, opened = np.random.default_rng(seed), 0
    for place, session in enumerate(sessions(segment, options)):
        twin = NumpyRealistic(session, options)
        state = env.state_at(params.market.starts[place], params)
        over, total = False, 0.0
        while not over:
            mask = twin.mask()
            np.testing.assert_array_equal(np.asarray(env.action_mask(state, params)), mask)
            np.testing.assert_allclose(observe(state), twin.observation(), rtol=1e-6, atol=1e-6)
            # Mostly held on to, so that positions grow old, stop and expire.
            action = HOLD if rng.random() < 0.6 else int(rng.choice(np.flatnonzero(mask) if legal else 6))
            reward, over = twin.step(action)
            state, own, terminated, told = step(state, jnp.int32(action))
            np.testing.assert_allclose(own, reward, rtol=0, atol=1e-9)
            np.testing.assert_allclose(state.capital, twin.capital, rtol=0, atol=1e-6)
            assert bool(terminated) == over
            total += float(told.value_change)
            opened += twin.contract is not None
        assert twin.contract is None and int(state.kind) == 0
        np.testing.assert_allclose(total, float(state.capital) - rules.INITIAL_CAPITAL, rtol=0, atol=1e-6)
    return opened


HOLD = rules.HOLD


def main() -> None:
    for name, changes in CASES.items():
        for legal in (True, False):
            symbol = changes.get("symbol", "SPY")
            own = {option: value for option, value in changes.items() if option != "symbol"}
            opened = replay(realistic(**own), legal, len(name) + legal, symbol)
            assert opened > 100, name
            print(f"{name}, {'legal' if legal else 'any'} actions: {opened} steps in a position")


if __name__ == "__main__":
    main()
