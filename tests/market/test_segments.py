"""Several segments, parts of the dates, VIX timing and scenarios."""

import dataclasses
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env import momentum_probes
from momentum_jax.env.momentum import Momentum, make_market, make_params
from momentum_jax.market.dataset import REGIMES, load_dataset, load_segment
from momentum_jax.market.errors import DataError
from momentum_jax.market.features import WINDOW, compute_features
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.segment import episode_weights, fingerprint, regime_balance
from momentum_jax.market.synthetic import VIX_HISTORY, SyntheticSource
from momentum_jax.training.fleet import Fleet, program_layouts


def features_of(segment):
    arrays = (segment.bars, segment.bar_time_ns, segment.vix_date_ns, segment.vix_close)
    return compute_features(*arrays, segment.vix_timing)


# --- several segments ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def all_segments():
    return load_dataset(MarketConfig(segments="all")).segments


def test_all_symbols_and_regimes_are_segments(all_segments):
    kinds = [(segment.symbol, segment.regime) for segment in all_segments]
    assert kinds == [(symbol, regime) for symbol in ("SPY", "QQQ", "SPX") for regime in REGIMES]
    assert all_segments[0].fingerprint == load_segment(MarketConfig()).fingerprint
    balance = regime_balance(all_segments)
    assert {regime: entry["bars"] for regime, entry in balance.items()} == {
        "calm": 3 * 9750,
        "normal": 3 * 7800,
        "storm": 3 * 3900,
        "crash": 3 * 1950,
    }
    assert sum(entry["share"] for entry in balance.values()) == pytest.approx(1, abs=1e-3)


def test_the_whole_dataset_has_one_fingerprint(all_segments):
    assert fingerprint(all_segments) != fingerprint(all_segments[::-1]) != fingerprint(all_segments[:2])
    assert fingerprint(all_segments[:1]) == all_segments[0].fingerprint


def test_balanced_episodes_spend_as_many_bars_in_each_regime(all_segments):
    bars = np.array([len(segment.bars) for segment in all_segments])
    regimes = np.array([segment.regime for segment in all_segments])

    def shares(policy):
        spent = episode_weights(all_segments, policy) * bars
        return np.array([spent[regimes == regime].sum() for regime in REGIMES]) / spent.sum()

    np.testing.assert_allclose(shares("balanced"), 0.25)
    np.testing.assert_allclose(shares("all"), [25 / 60, 20 / 60, 10 / 60, 5 / 60])


@pytest.fixture(scope="module")
def short_segments(all_segments):
    return [
        dataclasses.replace(segment, bars=segment.bars[:size], bar_time_ns=segment.bar_time_ns[:size])
        for segment, size in zip(all_segments[::4], (40, 60, 50), strict=True)
    ]


def test_an_episode_on_any_segment_is_the_one_it_has_alone(short_segments):
    """Observations, rewards and the end agree bit for bit with the segment's own market."""
    env, market = Momentum(), make_market(short_segments, "balanced")
    many = make_params(short_segments[0]).replace(market=market)
    played = {}
    for seed in range(20):
        _, state = env.reset(jax.random.key(seed), many)
        played.setdefault(int(np.flatnonzero(np.asarray(market.starts) == int(state.bar))[0]), state)
    assert sorted(played) == [0, 1, 2]
    for place, segment in enumerate(short_segments):
        alone, state = make_params(segment), played[place]
        _, own = env.reset(jax.random.key(0), alone)
        for step in range(len(segment.bars) - WINDOW - 1):
            action = jnp.int32((0, 1, 0, 0, 5, 2, 0, 3)[step % 8])
            seen, state, reward, done, _ = env.step_env(jax.random.key(0), state, action, many)
            expected, own, own_reward, own_done, _ = env.step_env(jax.random.key(0), own, action, alone)
            np.testing.assert_array_equal(seen, expected)
            assert (float(reward), bool(done)) == (float(own_reward), bool(own_done))
        assert bool(done)


def test_episodes_are_drawn_as_often_as_their_weights_say(short_segments):
    market = make_market(short_segments, "balanced")
    keys = jax.random.split(jax.random.key(0), 4000)
    starts = np.asarray(jax.vmap(market.draw_start)(keys))
    drawn = [(starts == start).mean() for start in np.asarray(market.starts)]
    np.testing.assert_allclose(drawn, episode_weights(short_segments, "balanced"), atol=0.03)


def test_a_probe_bar_and_the_bar_that_judges_it_lie_in_the_same_segment(short_segments):
    """At every bar at which an episode can decide, and judged as the segment's own market would judge it."""
    market, env = make_market(short_segments), Momentum()
    bars = momentum_probes.draw_probe_bars(market.starts, market.ends)
    place = np.searchsorted(np.asarray(market.starts), bars, side="right") - 1
    assert bars.shape == (2, 43) and np.unique(bars).size == 86  # of 19 + 39 + 29 decisions
    assert (bars + 1 <= np.asarray(market.ends)[place]).all()
    params = make_params(short_segments[0])
    scores = np.asarray(env.probe_contexts(env.flat_observation(bars), params.replace(market=market)))
    for index, segment in enumerate(short_segments):
        own = bars[place == index] - int(market.starts[index]) + WINDOW
        alone = params.replace(market=make_market([segment]))
        np.testing.assert_array_equal(scores[place == index], env.probe_contexts(env.flat_observation(own), alone))


def test_a_run_draws_its_probe_states_from_its_segments(short_segments, monkeypatch):
    class Drawn(Exception):  # noqa: N818 (ends the construction before anything is compiled)
        pass

    def draw(*arguments):
        raise Drawn(*[np.asarray(argument).tolist() for argument in arguments])

    monkeypatch.setattr(momentum_probes, "draw_probe_bars", draw)
    config = RunConfig(experiment="probes", arms=(Arm(name="a"),), num_seeds=1)
    with pytest.raises(Drawn) as drawn:
        Fleet(config, Momentum(), make_market(short_segments), program_layouts(config, Momentum(), num_seeds=1))
    assert drawn.value.args == ([20, 40, 80], [39, 79, 109])


def test_the_probe_bars_of_one_segment_are_those_of_the_recorded_runs():
    """Every recorded P(HOLD) depends on this draw: here for the 8 580 bars of tune2 on SPY."""
    bars = momentum_probes.draw_probe_bars(20, 8_579)
    assert bars[:, :4].tolist() == [[20, 35, 57, 70], [22, 28, 51, 52]]
    assert zlib.crc32(bars.astype("<i4").tobytes()) == 2_879_734_089
    np.testing.assert_array_equal(bars, momentum_probes.draw_probe_bars([20], [8_579]))


# --- parts of the dates ----------------------------------------------------------------------------------

SPLIT = {"train_end": "2024-02-09", "validation_end": "2024-03-01", "segments": "all", "symbols": ("SPY",)}


def test_parts_are_apart_and_a_window_is_purged_before_each_boundary():
    whole = load_dataset(MarketConfig(segments="all", symbols=("SPY",))).segments
    stamps = np.sort(np.concatenate([segment.bar_time_ns for segment in whole]))
    parts = {}
    for part in ("train", "validation", "test"):
        segments = load_dataset(MarketConfig(data_part=part, **SPLIT)).segments
        parts[part] = np.sort(np.concatenate([segment.bar_time_ns for segment in segments]))
        assert all(segment.describe()["split"]["part"] == part for segment in segments)
    place = {part: np.searchsorted(stamps, found) for part, found in parts.items()}
    assert place["train"][0] == 0 and place["test"][-1] == len(stamps) - 1
    assert place["validation"][0] - place["train"][-1] == WINDOW + 1
    assert place["test"][0] - place["validation"][-1] == WINDOW + 1
    assert all((np.diff(found) == 1).all() for found in place.values())
    assert pd.Timestamp(parts["validation"][0]) == pd.Timestamp("2024-02-12 09:30")


def test_no_part_sees_a_later_vix():
    train = load_dataset(MarketConfig(data_part="train", **SPLIT)).segments[0]
    assert pd.Timestamp(int(train.vix_date_ns[-1])) == pd.Timestamp("2024-02-09")


def test_the_split_is_in_the_fingerprint():
    config = MarketConfig(data_part="test", train_end="2024-02-09", validation_end="2024-03-01")
    segment = load_segment(config)
    assert dataclasses.replace(segment, split=()).fingerprint != segment.fingerprint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data_part": "train"}, "data_part is 'train' but train_end is missing"),
        ({"data_part": "test", "train_end": "2024-02-09"}, "'test' but validation_end is missing"),
        ({"train_end": "2024-03-09", "validation_end": "2024-03-01"}, "train_end 2024-03-09 is after validation_end"),
    ],
)
def test_a_split_without_meaning_is_refused(options, words):
    with pytest.raises(DataError, match=words):
        MarketConfig(**options)


def test_an_empty_part_is_refused():
    config = MarketConfig(data_part="test", train_end="2024-03-01", validation_end="2024-06-01")
    with pytest.raises(DataError, match="no bars in data_part test; bars cover 2024-01-02 to 2024-03-27"):
        load_segment(config)


# --- VIX timing ------------------------------------------------------------------------------------------


def test_a_bar_sees_the_close_before_its_day_and_its_change():
    segment = load_segment(MarketConfig(vix_timing="previous"))
    reference = load_segment(MarketConfig())
    assert segment.fingerprint != reference.fingerprint
    vix = SyntheticSource(0).vix
    observation = features_of(segment).observation[:, -1]  # [R, 19]
    days = pd.DatetimeIndex(segment.bar_time_ns[WINDOW - 1 : -1]).normalize()  # of each window's last bar
    place = vix.index.get_indexer(days)
    assert (place >= VIX_HISTORY).all()
    close = vix.to_numpy()
    np.testing.assert_allclose(observation[:, 5], close[place - 1] / 50, rtol=1e-6)
    np.testing.assert_allclose(observation[:, 6], np.tanh((close[place - 1] - close[place - 2]) / 5), rtol=1e-5)
    same_day = features_of(reference).observation[:, -1]
    np.testing.assert_allclose(same_day[:, 5], close[place] / 50, rtol=1e-6)


def test_premiums_use_the_vix_that_the_bar_sees():
    segment = load_segment(MarketConfig(vix_timing="previous"))
    close = SyntheticSource(0).vix
    day = pd.Timestamp(int(segment.bar_time_ns[WINDOW])).normalize()
    expected = 1.3 * close.iloc[close.index.get_loc(day) - 1] / 100
    assert features_of(segment).sigma[0] == pytest.approx(expected)


def test_no_vix_before_the_first_day_is_refused():
    segment = load_segment(MarketConfig(vix_timing="previous"))
    first_day = segment.bar_time_ns[0] // (86_400 * 10**9) * (86_400 * 10**9)
    late = segment.vix_date_ns >= first_day
    with pytest.raises(DataError, match="no VIX close before 20"):
        compute_features(
            segment.bars, segment.bar_time_ns, segment.vix_date_ns[late], segment.vix_close[late], "previous"
        )


def test_the_vix_may_come_from_bars_of_the_same_source(tmp_path):
    made = SyntheticSource(0)
    spy = made.bars("SPY")
    spy.to_parquet(tmp_path / "SPY.parquet")
    minutes = made.vix.reindex(spy.index.tz_localize(None).normalize()).to_numpy() + 0.001 * (spy.index.hour != 15)
    vix = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), minutes), index=spy.index.rename("datetime"))
    vix.assign(volume=0.0).to_parquet(tmp_path / "VIX.parquet")
    options = {"data_source": "parquet", "data_path": str(tmp_path), "symbols": ("SPY",)}
    segment = load_segment(MarketConfig(vix_symbol="VIX", **options))
    np.testing.assert_array_equal(segment.bars, load_segment(MarketConfig()).bars)
    np.testing.assert_array_equal(segment.vix_close, made.vix.to_numpy()[VIX_HISTORY:])
    later = MarketConfig(vix_symbol="VIX", vix_timing="previous", start_date="2024-01-08", **options)
    assert pd.Timestamp(int(load_segment(later).vix_date_ns[0])) == pd.Timestamp("2024-01-02")
    with pytest.raises(DataError, match=r"vix_symbol 'SPY' has a close of \d+\.\d+ on 2024-.*: that is no VIX"):
        load_segment(MarketConfig(vix_symbol="SPY", **options))
    fractions = vix.assign(volume=0.0)
    fractions[["open", "high", "low", "close"]] /= 100
    fractions.to_parquet(tmp_path / "FRACTION.parquet")
    with pytest.raises(DataError, match=r"'FRACTION' has a close of 0\.\d+ on 2024-.*from 2 to 150 .*: that is no VIX"):
        load_segment(MarketConfig(vix_symbol="FRACTION", **options))
    with pytest.raises(DataError, match=r"vix_path is missing: give vix_path.*or vix_symbol"):
        load_segment(MarketConfig(**options))
    with pytest.raises(DataError, match="vix_path and vix_symbol are both given"):
        MarketConfig(vix_symbol="VIX", vix_path="v.csv", **options)


# --- scenarios -------------------------------------------------------------------------------------------


def returns_of(scenario: str) -> np.ndarray:
    """Log returns within sessions by session, [sessions, 390]."""
    bars = SyntheticSource(0, scenario).bars("SPY")
    return np.log(bars["close"] / bars["open"]).to_numpy().reshape(-1, 390)


def variance_ratio(scenario: str) -> float:
    """Variance of half-hour moves over 30 times that of minutes: 1 for independent minutes."""
    returns = returns_of(scenario)
    returns = returns / returns.std(axis=1, keepdims=True)
    return float(returns.reshape(len(returns), 13, 30).sum(2).var() / (30 * returns.var()))


def test_scenarios_are_what_they_are_called():
    assert (SyntheticSource(0, "calm").vix.iloc[VIX_HISTORY:] < 18).all()
    assert (SyntheticSource(0, "crash").vix.iloc[VIX_HISTORY:] >= 35).all()
    assert variance_ratio("trending") > 1.5 * variance_ratio("mixed") > 1.5
    assert variance_ratio("choppy") < 1
    assert returns_of("crash").sum() < -0.25 < returns_of("calm").sum()
    assert returns_of("calm").std() < 0.5 * returns_of("crash").std()


def test_a_scenario_and_its_key_make_one_market():
    prints = {
        (scenario, seed): load_segment(MarketConfig(synthetic_scenario=scenario, synthetic_seed=seed)).fingerprint
        for scenario in ("mixed", "calm", "trending", "choppy", "crash")
        for seed in (0, 1)
    }
    assert len(set(prints.values())) == 10
    assert load_segment(MarketConfig(synthetic_scenario="crash")).regime == "crash"
