"""The early part of a run: steps of the environment's own study, else shares of the run's length."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np

from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.dips.evidence import gather
from momentum_jax.analysis.dips.noise_table import noise_table
from momentum_jax.analysis.report.data_warnings import quality_table, warnings_of
from momentum_jax.analysis.report.rendering import to_markdown
from momentum_jax.analysis.report.run_tables import checkpoint_table, dip_table
from momentum_jax.analysis.report.sections import report_sections
from momentum_jax.analysis.report.summary import summarise
from momentum_jax.analysis.report.terminal import summary
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.run_directory import diagnostics_in, load_run
from tests.analysis.other_environment import DRIVING, write_run


def derived_run(folder, timesteps=1_000_000, num_checkpoints=20):
    """A run of an environment without steps of its own study, ten times as long as one of the momentum study."""
    steps = tuple(timesteps * k // num_checkpoints for k in range(num_checkpoints + 1))
    plain = dataclasses.replace(DRIVING, early=None)
    return write_run(folder, plain, steps=steps, returns=[np.nan, 10, 50, 20, 60, *[80] * (num_checkpoints - 4)])


def test_the_early_part_of_a_run_without_steps_of_its_own_is_a_share_of_its_length(tmp_path):
    """Dips at 10 to 15 % of a million steps: none of the momentum study's steps reaches them."""
    run = derived_run(tmp_path)
    ds = load_run(run)
    early = early_steps(ds)
    assert (early.horizon, early.baselines, early.landmarks) == (250_000, (0, 50_000), (50_000, 100_000))
    assert early.prediction == (50_000,)  # 2 and 5 % have the same nearest checkpoint
    dips = dip_table(ds).query("arm == 'plain' and metric == 'episode_return'")
    assert (dips["trough_step"] == 150_000).all() and (dips["depth"] == 30).all()
    assert sorted(dips["baseline"].unique()) == [0, 50_000] and (dips["landmark_depth"] == -40).all()
    assert noise_table(ds, draws=50)["baseline"].unique().tolist() == [0, 50_000]
    assert checkpoint_table(ds, "plain").index.get_level_values(0).unique().tolist() == [
        50_000, 100_000, 250_000, 500_000, 1_000_000
    ]  # fmt: skip
    sentences = " ".join(summarise(ds, dip_table(ds)))
    assert "so far within the first 25 % of the run (250 000 steps) in 8 of 8 healthy seeds" in sentences
    assert "Between steps 50 000 and 100 000" in sentences
    whole = summary(run) + to_markdown("", report_sections(ds, dip_table(ds), gather(ds, draws=50), [], ""))
    assert "These steps are shares of this run's length: the horizon 25 %" in whole
    assert not re.search(r"\b(25|10|5|2) ?000\b|\b(25|10|5|2)k\b", whole.replace("250 000", ""))


def test_a_run_that_is_still_going_is_looked_at_as_it_was_planned(tmp_path):
    ds = load_run(derived_run(tmp_path)).isel(checkpoint=slice(4))
    assert early_steps(ds).horizon == 250_000
    assert any("The run ends at step 150 000" in line for line in warnings_of(ds, quality_table(ds)))


def test_a_run_of_few_checkpoints_has_two_landmarks_all_the_same(tmp_path):
    assert early_steps(load_run(derived_run(tmp_path, 400, 4))).landmarks == (100, 200)


def test_the_description_keeps_its_steps_and_older_momentum_runs_get_theirs():
    assert Diagnostics.from_json(json.loads(json.dumps(DRIVING.to_json()))).early == DRIVING.early
    older = MOMENTUM.to_json()
    del older["early"]
    assert diagnostics_in({"diagnostics": older}).early == MOMENTUM.early
    assert diagnostics_in({"diagnostics": older | {"environment": "walking"}}).early is None
