"""A report of an environment with many actions shows the most frequent ones, and the others as one share."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.metrics.frequent_actions import MAX_SHARES, others_in_words, with_frequent_actions
from momentum_jax.analysis.report.build import write_report
from momentum_jax.analysis.report.terminal import summary
from momentum_jax.config import PPOConfig
from momentum_jax.diagnostics.variables import shapes, table
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.run_directory import create_run, diagnostics_of, load_run, write_checkpoint

ACTIONS = 40
FREQUENT = (3, 39, 17, 0, 8, 21, 22, 5, 30, 12, 2, 35)  # most frequent first
STEPS = (0, 1_000, 2_000, 5_000)


def shares(actions: int = ACTIONS) -> np.ndarray:
    """Probability of each action."""
    weight = np.full(actions, 1.0)
    for place, action in enumerate(FREQUENT):
        if action < actions:
            weight[action] = 40.0 - 3 * place
    return weight / weight.sum()


def write(folder, actions: int = ACTIONS, claims=()):
    diagnostics = plain_diagnostics("wide", actions)
    sizes = shapes(diagnostics)
    config = {"experiment": "many", "arms": [{"name": "a", "ppo": dataclasses.asdict(PPOConfig())}], "seeds": [0, 1]}
    config |= {"timesteps": STEPS[-1], "checkpoints": list(STEPS), "data": {"fingerprint": "none"}}
    create_run(folder / "run", config | {"claims": list(claims), "diagnostics": diagnostics.to_json()})
    for step in STEPS:
        arrays = {name: np.zeros((1, 2, *sizes[name]), variable.dtype) for name, variable in table(diagnostics).items()}
        arrays["failed_step"][...] = -1
        arrays["probe_count"][...] = 64
        arrays["p_action"][...] = shares(actions)
        if step:
            arrays["action_count"][..., 0, :] = np.round(100_000 * shares(actions))
        write_checkpoint(folder / "run", step, step // 100, arrays)
    return folder / "run"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return write(tmp_path_factory.mktemp("runs"))


def fewer(run_dir) -> xr.Dataset:
    return with_frequent_actions(load_run(run_dir))


def test_the_most_frequent_stay_and_the_others_are_summed(run_dir):
    ds = fewer(run_dir)
    names = [name for name in diagnostics_of(ds).metric_names if name.startswith("action_")]
    assert names == [f"action_{action}_pct" for action in sorted(FREQUENT)] and len(FREQUENT) == MAX_SHARES
    curves = derive_curves(ds).isel(arm=0, seed=0, checkpoint=-1)
    kept = [float(curves[name]) for name in names]
    np.testing.assert_allclose(kept, 100 * shares()[sorted(FREQUENT)], rtol=1e-3)
    rest = 100 - 100 * shares()[list(FREQUENT)].sum()
    np.testing.assert_allclose(float(curves["other_actions_pct"]), rest, rtol=1e-2)
    np.testing.assert_allclose(float(curves["p_other_actions"]), rest, rtol=1e-6)
    assert ds.action_count.sizes["action"] == ACTIONS


def test_the_page_and_the_terminal_say_so(run_dir):
    page = write_report(run_dir).read_text()
    assert "The 12 most frequent actions have columns; *28 other actions* are summed." in page
    assert "action 39" in page and "action 38" not in page
    text = summary(run_dir)
    assert "28 other actions %" in text and "action 39 %" in text and "action 38 %" not in text


def test_where_there_are_few_nothing_changes(tmp_path):
    ds = load_run(write(tmp_path, MAX_SHARES))
    assert with_frequent_actions(ds) is ds and others_in_words(diagnostics_of(ds)) == ""


def test_what_a_claim_names_stays(tmp_path):
    config = json.loads(load_run(write(tmp_path)).attrs["config"])
    ds = load_run(tmp_path / "run")
    ds = ds.assign_attrs(config=json.dumps(config | {"claims": [{"name": "x", "metric": "p_action_1"}]}))
    names = diagnostics_of(with_frequent_actions(ds)).metric_names
    assert "action_1_pct" in names and "action_4_pct" not in names
