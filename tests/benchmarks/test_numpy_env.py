"""The rival's plain environment against the reference's records and against this project's rules."""

from __future__ import annotations

import warnings

import gymnasium.utils.env_checker
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.numpy_env import NumpyMomentum
from momentum_jax.env import rules
from momentum_jax.env.device_market import FIRST_BAR
from momentum_jax.env.environment_options import PRESETS, EnvOptions
from momentum_jax.env.momentum import make_params
from momentum_jax.market.features import compute_features
from tests.conftest import golden_dir, golden_records, require
from tests.env.replay import traces

RECORDS = golden_records("environment_*.npz") or [golden_dir() / "environment_spy_2024.npz"]


@pytest.fixture(scope="module")
def features(market):
    segment = market.segment
    return compute_features(segment.bars, segment.bar_time_ns, segment.vix_date_ns, segment.vix_close)


def make_env(record, trace, preset):
    num_bars = int(record[f"{trace}/num_bars"])
    features = compute_features(
        record["bars"][:num_bars], record["bar_time_ns"][:num_bars], record["vix_date_ns"], record["vix_close"]
    )
    return NumpyMomentum(features, EnvOptions(**PRESETS[preset]))


@pytest.mark.golden
@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_replays_the_references_records(path):
    record = np.load(require(path))
    preset = "reference_1217" if "1217" in path.name else "reference"
    stop_column = [str(name) for name in record["info_columns"]].index("forced_stop_loss")
    for trace in traces(record):
        env = make_env(record, trace, preset)
        observation, _ = env.reset()
        observations, masks, rewards, ends, stops, capital = [observation], [env.action_masks()], [], [], [], []
        for action in record[f"{trace}/action"]:
            observation, reward, terminated, _, info = env.step(action)
            observations.append(observation)
            masks.append(env.action_masks())
            rewards.append(reward)
            ends.append(terminated)
            stops.append(info.get("forced_stop_loss", False))
            capital.append(env.capital)
            if terminated:
                env.reset()
        np.testing.assert_allclose(observations, record[f"{trace}/obs"], rtol=0, atol=1e-6, err_msg=trace)
        np.testing.assert_array_equal(masks, record[f"{trace}/action_mask"])
        np.testing.assert_allclose(rewards, record[f"{trace}/reward"], rtol=0, atol=1e-9, err_msg=trace)
        np.testing.assert_array_equal(ends, record[f"{trace}/terminated"])
        np.testing.assert_array_equal(stops, record[f"{trace}/info"][:, stop_column])
        np.testing.assert_allclose(capital, record[f"{trace}/position"][:, 0], rtol=0, atol=1e-8)


def test_agrees_with_this_projects_rules_on_random_play(market, features):
    actions = np.random.default_rng(0).integers(0, 6, market.num_bars - 21)
    env = NumpyMomentum(features)
    env.reset()
    rewards = [env.step(action)[1] for action in actions]
    with jax.enable_x64(True):
        expected = _rewards(market.segment, actions)
    np.testing.assert_allclose(rewards, expected, rtol=0, atol=1e-12)
    assert np.unique(np.round(expected, 3)).size > 8  # purchases, trims, stops and holds took part


def _rewards(segment, actions):
    params = make_params(segment, dtype=jnp.float64)

    def step(state, action):
        state, reward, *_ = rules.step(state, action, params.market, params.options)
        return state, reward

    return jax.lax.scan(step, rules.initial_state(jnp.float64, FIRST_BAR), jnp.asarray(actions, jnp.int32))[1]


def test_passes_gymnasiums_own_check(features):
    # Most of what the check finds it only warns of.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gymnasium.utils.env_checker.check_env(NumpyMomentum(features), skip_render_check=True)


@pytest.mark.parametrize("changes", [{"trim_reduces_cost": True}, {"stop_fires": False}, {"yoked_stop_rate": 0.1}])
def test_refuses_what_it_does_not_know(features, changes):
    with pytest.raises(ValueError, match=f"{min(changes)} is set"):
        NumpyMomentum(features, EnvOptions(**changes))
