"""What a study declares today is what its runs were made with: criteria, margins, arms, seeds and steps, to the digit.

A claim that is changed after its runs, or an arm that claims another arm's results, is found here. The wording of a
statement may change; what decides it may not.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import early_dip, which_path
from experiments.which_path import parts, yoked_rates
from momentum_jax.run_directory.config_json import in_present_terms
from momentum_jax.study import Study, part_name
from tests.conftest import ROOT

DATA = ROOT / "docs" / "studies" / "early_dip" / "data"
STUDIES = {"early_dip": (early_dip.STUDY, DATA), "which_path": (which_path.STUDY, DATA / "which_path")}
MARKETS = ("spy", "synthetic")
# Declared and never condensed: the other market's yoked stops.
ELSEWHERE = {"spy": {"yoked_synthetic"}, "synthetic": {"yoked_spy"}}


def recorded(path: Path) -> dict[str, Any]:
    """The configuration that a condensed run keeps of its config.json, by the present names of settings."""
    with np.load(path) as arrays:
        return in_present_terms(json.loads(str(arrays["config"])))


def decides(claim: dict[str, Any]) -> dict[str, Any]:
    return {"name": claim["name"], "criteria": claim["criteria"]}


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(dataclasses.asdict(value)))


def differences(kept: Any, declared: Any, name: str) -> list[str]:
    """Where the record says something else; fields that a later version added are not in it."""
    if isinstance(kept, dict) and isinstance(declared, dict):
        return [line for key in kept for line in differences(kept[key], declared.get(key), f"{name}.{key}")]
    if isinstance(kept, list) and isinstance(declared, list) and len(kept) == len(declared):
        pairs = enumerate(zip(kept, declared, strict=True))
        return [line for place, pair in pairs for line in differences(*pair, f"{name}[{place}]")]
    return [] if kept == declared else [f"{name}: {kept!r} was run, {declared!r} is declared"]


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("study", STUDIES)
def test_what_is_declared_is_what_was_run(study, market):
    declaration: Study
    declaration, folder = STUDIES[study]
    found, run = [], 0
    for part in declaration.parts:
        name = part_name(part)
        path = folder / market / f"{name}.npz"
        if not path.exists():
            continue
        run += 1
        config = recorded(path)
        kept, declared = ([*map(decides, claims)] for claims in (config["claims"], map(as_json, part.claims)))
        found += differences(kept, declared, f"{name}.claims")
        found += differences(config["arms"], [as_json(arm) for arm in part.arms], f"{name}.arms")
        seeds = [*range(part.first_seed, part.first_seed + part.num_seeds)]
        found += differences(config["seeds"], seeds, f"{name}.seeds")
        found += differences(config["timesteps"], part.timesteps, f"{name}.timesteps")
    assert found == []
    confirmatory = {*declaration.confirmatory} - ELSEWHERE[market]
    assert all((folder / market / f"{name}.npz").exists() for name in confirmatory) and run >= len(confirmatory)


def test_the_second_studys_seeds_are_in_no_run_of_the_first():
    second = {*range(parts.FIRST_SEED, parts.FIRST_SEED + parts.NUM_SEEDS)}
    first = [recorded(path)["seeds"] for path in DATA.glob("[!w]*/*.npz")]
    assert len(second) == 64 and len(first) > 30 and all(second.isdisjoint(seeds) for seeds in first)


@pytest.mark.parametrize("market", MARKETS)
def test_a_seed_is_yoked_to_its_own_tune2_and_to_no_neighbour(market):
    """Rates are those of tune2's forced stops in the study's own run, and each yoked seed has the rate of its name."""
    with np.load(DATA / "which_path" / market / "replication.npz") as run:
        arm = [one["name"] for one in json.loads(str(run["config"]))["arms"]].index("tune2")
        early = run["env_steps"] <= yoked_rates.COUNTED_TO
        stops = run["forced_stop"][arm][:, early].sum(axis=1)
        flat = run["flat_count"][arm][:, early].sum(axis=(1, 2, 3))
    expected = stops / (yoked_rates.COUNTED_TO - flat)
    rates = np.array(yoked_rates.rates(market, parts.FIRST_SEED, parts.NUM_SEEDS))
    np.testing.assert_allclose(rates, expected, rtol=1e-12)

    with np.load(DATA / "which_path" / market / f"yoked_{market}.npz") as run:
        arm = [one["name"] for one in json.loads(str(run["config"]))["arms"]].index("yoked_stop")
        early = run["env_steps"] <= yoked_rates.COUNTED_TO
        drawn = run["yoked_stop"][arm][:, early].sum(axis=1)
        in_position = yoked_rates.COUNTED_TO - run["flat_count"][arm][:, early].sum(axis=(1, 2, 3))

    def spread(by_seed):
        """Standard deviation over seeds of what was drawn, in units of a binomial's own: 1 with each seed's rate."""
        return np.std((drawn - in_position * by_seed) / np.sqrt(in_position * by_seed * (1 - by_seed)))

    assert 0.75 < spread(rates) < 1.25
    assert all(spread(np.roll(rates, shift)) > 1.3 for shift in (-2, -1, 1, 2))
