"""Exports of Weights & Biases: runs by any name, and groups of runs, which are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.fields import ConfigError
from tests.analysis.curves.reading import files

WORDS = dict(zip(files.SEEDS, ("dry-sun-12", "calm-sea-3", "red-fog-9", "tall-oak-41"), strict=True))
SWEEP = dict(zip(files.SEEDS, ("fancy-sweep-1", "glad-sweep-2", "fancy-sweep-3", "cool-sweep-4"), strict=True))
BARE = dict(zip(files.SEEDS, ("ppo", "dqn", "sac", "a_c"), strict=True))


def export(folder: Path, runs: Callable[[int], str], spread: float = 0.0, every: int = 1) -> Path:
    """With extremes of every so many values apart from them."""
    table = files.wandb_table(runs=runs)
    for name in table.columns:
        side = {"N": -1, "X": 1}.get(name[-1], 0) if "__M" in name else 0
        table[name] += side * spread * (np.arange(len(table)) % every == 0)
    table.to_csv(folder / "wandb_export.csv", index=False)
    return folder / "wandb_export.csv"


def test_the_runs_their_metric_and_their_names_are_read(tmp_path):
    reading = read_curves([export(tmp_path, "ppo-seed{}".format)])
    assert (reading.curves.arms, reading.curves.seeds) == (("ppo",), tuple(map(str, files.SEEDS)))
    np.testing.assert_array_equal(reading.curves.values, files.curves())
    assert reading.curves.value_name == "eval/return"
    assert reading.notes == ("Seeds are taken from names: ppo-seed0 is seed 0.",)


@pytest.mark.parametrize("names", [WORDS, SWEEP, BARE])
def test_runs_with_names_of_their_own_are_seeds(tmp_path, names):
    reading = read_curves([export(tmp_path, names.get)])
    assert (reading.curves.arms, set(reading.curves.seeds)) == (("all",), set(names.values()))
    assert reading.notes[0].startswith("Names say no arm and are seeds of one: ")


@pytest.mark.parametrize(
    ("name", "spread"), [("Group: {}", 0.0), ("algo: v{}", 50.0), ("env.name: v{}, lr: 0.1", 50.0), (BARE.get, 50.0)]
)
def test_groups_of_runs_are_refused(tmp_path, name, spread):
    with pytest.raises(ConfigError, match=r"a mean over runs .*call it such as ppo_seed0"):
        read_curves([export(tmp_path, name if callable(name) else name.format, spread)])
    renamed = read_curves([export(tmp_path, "ppo_seed{}".format, spread)])
    np.testing.assert_array_equal(renamed.curves.values, files.curves())
    assert any(note.startswith("__MIN and __MAX of ppo_seed0 differ at 100 %") for note in renamed.notes) == bool(
        spread
    )


@pytest.mark.parametrize("name", ["algo: v{}", "seed: {}"])
def test_a_group_of_one_run_is_the_run(tmp_path, name):
    np.testing.assert_array_equal(read_curves([export(tmp_path, name.format)]).curves.values, files.curves())


@pytest.mark.parametrize("name", ["ppo_seed{}".format, WORDS.get, "v{}: again".format])
def test_several_logged_values_in_a_sample_are_no_group(tmp_path, name):
    reading = read_curves([export(tmp_path, name, 50.0, every=4)])
    np.testing.assert_array_equal(np.sort(reading.curves.values, axis=1), files.curves())
    assert "differ at 25 % of its steps" in reading.notes[1]


def test_an_export_an_arm(tmp_path):
    for arm, values in zip(("fast", "slow"), (WORDS, SWEEP), strict=True):
        (tmp_path / arm).mkdir()
        export(tmp_path / arm, values.get)
    assert read_curves([tmp_path]).curves.arms == ("fast", "slow")


def test_the_table_of_this_test_is_as_exported(tmp_path):
    assert list(pd.read_csv(export(tmp_path, "r{}".format)).columns[:4]) == [
        "Step",
        "r0 - eval/return",
        "r0 - eval/return__MIN",
        "r0 - eval/return__MAX",
    ]
