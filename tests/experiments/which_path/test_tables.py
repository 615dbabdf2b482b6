"""The study's tables and figures on a simulated market whose dips are known: tune2 and two other arms dip."""

from __future__ import annotations

import dataclasses
import json

import pytest

from experiments.which_path import STUDY, parts
from momentum_jax.analysis.pages.condensed import write_condensed
from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.run_directory import load_run
from momentum_jax.study import DECLARATION_NAME, declaration, part_name
from tests.analysis.conftest import simulator

STEPS = (0, 1_000, 5_000, 8_000, 10_000, 25_000, 30_000)
DIP = ("tune2", "no_stop", "tune3")
CONTROLS = [arm.name for arm in parts.CONTROLS.arms]
LEFT, WANDER = 0.02, 0.03  # of the dip in the other arms, and in the controls
RUN = (parts.REPLICATION, parts.CONTROLS, parts.LINKS)


def write_part(folder, target, part, seeds=8):
    arms = [arm.name for arm in part.arms]
    run_dir = simulator(folder)(arms, num_seeds=seeds, steps=STEPS, name=part_name(part))
    ds = load_run(run_dir).load()
    for arm in (arm for arm in arms if arm not in DIP):
        own = ds["p_action"].sel(arm=arm)
        start = own.sel(checkpoint=0, drop=True)
        ds["p_action"].loc[{"arm": arm}] = start + (WANDER if arm in CONTROLS else LEFT) * (own - start)
    config = json.loads(ds.attrs["config"]) | {"claims": [dataclasses.asdict(claim) for claim in part.claims]}
    write_condensed(ds.assign_attrs(config=json.dumps(config)), run_dir, target / f"{part_name(part)}.npz")


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Market:
    """A market of the page's data, with a first study's market where the page keeps it."""
    folder = tmp_path_factory.mktemp("which_path")
    target = folder / "page" / "data" / "which_path" / "made_up"
    target.mkdir(parents=True)
    declaration.declare(STUDY, target)
    for part in RUN:
        write_part(folder, target, part)
    earlier = folder / "page" / "data" / "made_up"
    earlier.mkdir()
    (earlier / DECLARATION_NAME).write_bytes((target / DECLARATION_NAME).read_bytes())
    (earlier / "reproduction.npz").write_bytes((target / "replication.npz").read_bytes())
    return Market(target)


@pytest.fixture(scope="module")
def page():
    return load_study_page("which_path")


@pytest.mark.slow
def test_every_table_and_figure_is_made_and_names_its_rows(market, page):
    for name in page.tables:
        table = page.table(name, market)
        keys = list(page.keys.get(name, table.columns[:1])) if len(table) else []
        assert not table.duplicated(keys).any() if keys else name == "yoked", name
    assert all(page.figure(name, market) is not None for name in page.figures)


def test_a_link_is_judged_by_what_is_left_without_it(market, page):
    table = page.table("mediation", market).set_index("arm")
    # Eight seeds do not show that a mean depth is more than half of another: a ninth may have none.
    assert table.loc["no_stop", ["no_dip", "half"]].tolist() == ["not supported", "undecided"]
    gone = ["supported", "not supported", "undecided"]
    assert table.loc["stop_reward_0", ["no_dip", "half", "dose"]].tolist() == gone
    assert table.loc["no_stop", "share_5k"] == pytest.approx(1, abs=0.2)
    assert table.loc["stop_reward_0", ["share_5k", "share_8k", "share_depth"]].tolist() == pytest.approx(
        [LEFT] * 3, abs=0.01
    )


def test_declared_verdicts_are_those_of_the_links(market, page):
    declared = page.table("declared", market).drop_duplicates("claim").set_index("claim")["claim_verdict"]
    assert declared["dip"] == declared["stop_reward_necessary"] == "supported"
    assert declared["stop_necessary"] == "not supported"


def test_an_arm_has_the_control_of_its_own_environment(market, page):
    table = page.table("own_controls", market)
    pairs = set(zip(table["arm"], table["control"], strict=True))
    assert pairs == {("tune2", "permuted"), ("trim", "permuted_trim"), ("fixed", "permuted_fixed")}
    assert (table.loc[table["arm"] == "tune2", "difference"] > 10).all()


def test_the_same_seeds_replicate_themselves(market, page):
    table = page.table("replication", market)
    # The first study calls its arms otherwise, and only the names that both know are compared.
    assert set(table["arm"]) == {"tune2", "tune3"} and set(table["within"]) == {"yes"}
    assert table["earlier"].tolist() == pytest.approx(table["new"].tolist())
