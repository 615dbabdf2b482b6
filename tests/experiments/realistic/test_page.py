"""The realistic study's page on its own condensed data: quick tables as written, the whole page to the same bytes."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from experiments.realistic import SPLITS, page, tables
from experiments.realistic.claims import TRADING
from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.page_templates import SUFFIX
from momentum_jax.analysis.pages.study_market import Market
from tests.conftest import ROOT
from tests.experiments.remade_page import assert_as_written, assert_remade_to_the_same

PAGE = ROOT / "docs" / "studies" / "realistic"
MARKETS = sorted(path.name for path in (PAGE / "data").iterdir())


@pytest.fixture(scope="module")
def spy() -> Market:
    return Market(PAGE / "data" / "spy")


@pytest.mark.parametrize("name", ["judged_days", "runs"])
def test_a_table_is_as_it_was_written(spy, name):
    table = load_study_page("realistic").table(name, spy)
    assert_as_written(table.to_csv(index=False), PAGE / "tables" / "spy" / f"{name}.csv")


@pytest.mark.slow
def test_the_page_is_remade_to_the_same_bytes(tmp_path):
    assert_remade_to_the_same(PAGE, tmp_path)


def test_every_table_and_figure_is_on_the_page():
    templates = sorted((ROOT / "experiments" / "realistic").glob(f"*{SUFFIX}"))
    assert [path.name.removesuffix(SUFFIX) for path in templates] == ["README", "appendix"]
    prose = "".join(path.read_text() for path in templates)
    for kind, names in (("table", page.TABLES), ("figure", page.FIGURES)):
        for market in MARKETS:
            assert set(re.findall(rf"\b{market}\.{kind}\(\"(\w+)\"\)", prose)) == set(names)
    assert f"all {len(TRADING)} claims" in prose


@pytest.mark.parametrize("name", MARKETS)
def test_it_was_trained_on_the_declared_days_and_judged_after_them(name):
    market = Market(PAGE / "data" / name)
    for ds in market.parts.values():
        trained = json.loads(ds.attrs["config"])["market"]
        assert {option: trained[option] for option in SPLITS[name]} == SPLITS[name]
    days = pd.read_csv(PAGE / "tables" / name / "judged_days.csv")
    assert days["part"].tolist() == list(market.parts) and set(days["rules"]) == {"realistic"}
    assert (days["trained_days_judged"] == 0).all()
    assert (days["judged_from"] > SPLITS[name]["validation_end"]).all()
    assert (days["trained_to"] <= SPLITS[name]["train_end"]).all()


def test_that_no_trained_policy_beats_doing_nothing_is_said_only_where_no_claim_of_it_is_supported():
    prose = (PAGE / "README.md").read_text()
    assert "No trained policy is shown to earn more than doing nothing" in prose
    for name in MARKETS:
        judged = pd.read_csv(PAGE / "tables" / name / "judged.csv").set_index("claim")["verdict"]
        earns = judged[judged.index.str.endswith("_earns")]
        assert len(earns) == 8 and not (earns == "supported").any()


def test_what_sampled_policies_lose_per_trade_is_what_the_tables_give():
    prose = " ".join((PAGE / "README.md").read_text().split())
    losses = {}
    for name in MARKETS:
        table = pd.read_csv(PAGE / "tables" / name / "trading.csv")
        sampled = table[table["policy"] == "sampled"].set_index("arm")
        losses[name] = -(sampled["pnl_per_day"] / sampled["trades_per_day"])
    spy, synthetic = losses["spy"], losses["synthetic"]
    assert f"lose {spy.min():.0f} to {spy.max():.0f} dollars a trade" in prose
    assert f"(on the synthetic market {synthetic.min():.0f} to {synthetic.max():.0f})" in prose
    assert f"per trade: {spy['realistic']:.0f} dollars against {spy['permuted_realistic']:.0f}" in prose


def test_that_no_arm_dips_where_prices_are_right_is_what_the_claims_say():
    for name in MARKETS:
        declared = pd.read_csv(PAGE / "tables" / name / "declared.csv").drop_duplicates("claim")
        verdicts = declared.set_index("claim")["claim_verdict"]
        dips = {arm: verdicts[f"{arm}_dips"] for arm in ("tune2", "realistic", "without_costs", "shaped")}
        assert dips.pop("tune2") == "supported" and set(dips.values()) == {"not supported"}
        assert verdicts["realistic_gives_up"] == verdicts["costs_teach_to_hold"] == "supported"


def test_a_curve_is_read_at_the_step_itself_and_nowhere_else():
    curve = xr.DataArray(
        [[1.0, 2.0, 3.0]], dims=("seed", "checkpoint"), coords={"env_steps": ("checkpoint", [0, 8_000, 40_000])}
    )
    assert [tables.at_step(curve, step).tolist() for step in (0, 8_000, 40_000)] == [[1.0], [2.0], [3.0]]
    assert np.isnan(tables.at_step(curve, 5_000)).all()


def test_profits_on_validation_days_are_dollars_of_arms_that_are_rewarded_by_them(spy):
    found = {(arm, way): curve for arm, way, curve in tables.profits(spy)}
    assert set(found) == {(arm, way) for arm in tables.ON_VALIDATION for way in ("sampled", "greedy")}
    rewards = spy.parts["main"]["eval_return"].sel(arm="realistic", evaluated="greedy", seed=2_003).values
    np.testing.assert_allclose(found["realistic", "greedy"].sel(seed=2_003).values, 7_000 * rewards)
