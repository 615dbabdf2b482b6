"""Parts of a study that end at different steps: what is judged to whose end, and what is said of a part's length."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from momentum_jax.analysis.claims.verdicts import judge
from momentum_jax.analysis.pages.blocks.designed_claims import PartsNumbers
from momentum_jax.analysis.pages.blocks.run_list import runs
from momentum_jax.config import Claim, Criterion
from momentum_jax.run_directory import load_run
from momentum_jax.run_directory.joining import join_runs
from tests.analysis.conftest import STEPS

STOPPED, END = 25_000, STEPS[-1]


@pytest.fixture
def market(simulate) -> SimpleNamespace:
    """A part that was stopped and one that ran to its end."""
    steps = [step for step in STEPS if step <= STOPPED]
    parts = {
        "stopped": load_run(simulate(["a", "b"], 6, steps=steps, name="stopped")),
        "whole": load_run(simulate(["c", "d"], 6, name="whole")),
    }
    return SimpleNamespace(parts={name: ds.assign_attrs(log="") for name, ds in parts.items()})


@pytest.fixture
def numbers(market) -> PartsNumbers:
    names = tuple(market.parts)
    return PartsNumbers(market, names, join_runs(list(market.parts.values()), names))


def at_end(arm: str, versus: str = "") -> Claim:
    criterion = Criterion(arm=arm, versus=versus, metric="hold_pct", counted="exact", step=END, maximum=50.0)
    return Claim(name="at_end", statement="", criteria=(criterion,))


def test_a_claim_on_arms_of_one_part_is_judged_to_that_parts_end(numbers):
    assert numbers.ds["env_steps"].values[-1] == STOPPED
    for claim in (at_end("c"), at_end("c", "d")):
        assert judge(numbers, claim).findings[0].seeds == 6


def test_a_claim_across_parts_or_on_the_shorter_one_is_judged_to_the_common_end(numbers):
    for claim in (at_end("a"), at_end("c", "a"), at_end("a", "b")):
        (finding,) = judge(numbers, claim).findings
        assert finding.seeds == 0 and "no checkpoint at step 100 000 in a run that ends at 25 000" in finding.reason
    assert numbers.for_arms({"a", "c"}) is numbers.for_arms({"a"}) is numbers


def test_a_part_is_listed_with_the_steps_it_took_and_no_time_where_it_logged_none(market):
    table = runs(market).set_index("part")
    assert table["steps"].tolist() == [STOPPED, END]
    assert table["seconds"].isna().all() and table["env_steps_millions"].isna().all()
