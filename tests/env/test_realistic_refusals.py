"""What the switches of the preset `realistic` refuse, in one line and before anything is compiled."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

from momentum_jax.config.arms import Arm, resolve_arms
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.env.momentum import Momentum, make_params
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from tests.env.realistic_market import make_sessions, realistic


def test_what_cannot_be_traded_is_refused_in_one_line():
    segment = make_sessions()
    short = dataclasses.replace(segment, bars=segment.bars[:21], bar_time_ns=segment.bar_time_ns[:21])
    cheap = dataclasses.replace(segment, bars=np.column_stack([segment.bars[:, :4] / 1_000, segment.bars[:, 4]]))
    early = dataclasses.replace(segment, vix_date_ns=segment.vix_date_ns[2:], vix_close=segment.vix_close[2:])
    cases = [
        (short, {}, "no session is long enough: the longest has 21 bars, an episode needs 22"),
        (cheap, {}, "strike_step=1: 660 of 660 fills|strike_step=1: .* fills are at 0.4.* where the strike is 0"),
        (early, {}, "no VIX close before 2024-11-27"),
        (segment, {"commission": 500.0}, "buying and selling costs 10.* dollars a share, the usual premium is"),
    ]
    for market, changes, message in cases:
        with pytest.raises(DataError, match=message) as raised:
            make_params(market, realistic(**changes))
        assert "\n" not in str(raised.value)
    make_params(cheap, realistic(strike_step=0.01, half_spread_minimum=0.0, commission=0.0))  # the remedy


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mark_to_market": "black_scholes"}, "set session_episodes=true"),
        ({"commission": 0.65}, "commission=0.65 has no effect .* set mark_to_market=black_scholes"),
        ({"strike_step": -1.0}, "strike_step=-1.0 is too small"),
        ({"half_spread": 1.0}, "half_spread=1.0 is too large"),
        ({"fill": "yesterday"}, "fill='yesterday' is unknown"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        EnvOptions(**options).validate()


def test_arms_share_the_switches_and_the_clock_is_the_exchange_s():
    arms = (Arm(name="a", env=realistic()), Arm(name="b"))
    with pytest.raises(ConfigError, match=r"arms a and b differ in mark_to_market .* run them apart"):
        RunConfig(experiment="x", arms=arms).validate()
    with pytest.raises(ConfigError, match=r"session_clock=naive_utc .* set session_clock=exchange"):
        RunConfig(experiment="x", arms=arms[:1], market=MarketConfig(session_clock="naive_utc")).validate()
    RunConfig(experiment="x", arms=arms[:1]).validate()


def test_the_preset_replaces_every_weight_of_an_arm_but_not_what_arms_differ_in():
    arm = Arm(name="a", env=EnvOptions(call_bonus=0.5))
    assert resolve_arms([arm], "realistic", {})[0].env == EnvOptions(**PRESETS["realistic"])
    with pytest.raises(ConfigError, match="preset=realistic sets call_bonus, in which the arms"):
        resolve_arms([arm, Arm(name="b")], "realistic", {})


def test_an_environment_refuses_options_of_other_switches():
    params = make_params(make_sessions(), realistic())
    with pytest.raises(ValueError, match="the environment has"):
        Momentum().reset(jax.random.key(0), params)
