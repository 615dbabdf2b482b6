"""What is said of rewards in positions, on the study's own condensed runs."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.which_path import positions, tables
from momentum_jax.analysis.pages.study_market import Market
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(ROOT / "docs/studies/early_dip/data/which_path/spy")


def test_rewards_are_of_the_decisions_that_were_taken_in_positions(market):
    table = positions.rewards(market).set_index("arm")
    run = market.parts["links"].sel(arm="no_stop")
    early = run.isel(checkpoint=run["env_steps"].values <= 5_000).sum("checkpoint")
    trims = early.sel(action=["TRIM_50", "TRIM_70"]).sum("action")
    expected = float((trims["position_reward_sum"] / trims["position_count"]).mean())
    assert table.loc["no_stop", "reward_of_trim"] == pytest.approx(expected)
    # Nothing is stopped there, so that no stop has a reward; in tune2 a stop costs its tier and its penalty.
    assert table.loc["no_stop", "stops_per_100"] == 0 and np.isnan(table.loc["no_stop", "reward_of_stop"])
    assert table.loc["tune2", "reward_of_stop"] == pytest.approx(-1.7, abs=0.1)
    assert table.loc["stop_reward_0", "reward_of_stop"] == 0
    # What is decided flat, in a position, and by a stop, is every step.
    flat = early["flat_count"].sum(["setup_score", "action"])
    stops = early["forced_stop"] + early["yoked_stop"]
    assert (flat + early["position_count"].sum("action") + stops == 5_000).all()


def test_single_updates_of_tune2_are_given_in_percent_and_thousandths(market):
    own, every = positions.single_updates(market), tables.churn(market)
    tune2 = every[every["arm"] == "tune2"]
    np.testing.assert_allclose(own["churn_pct"], 100 * tune2["churn"])
    np.testing.assert_allclose(own["policy_kl_thousandths"], 1_000 * tune2["policy_kl"])
    assert own["p_hold"].tolist() == tune2["p_hold"].tolist()
