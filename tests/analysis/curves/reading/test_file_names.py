"""A dot in a name is a part of the name, unless it begins an ending that says the format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.analysis.curves.reading.file_endings import without_endings
from momentum_jax.analysis.curves.reading.reading import Reading
from momentum_jax.fields import ConfigError
from tests.analysis.curves.reading import files

ARMS = ("lr_0.001", "lr_0.01")
ENDINGS = ("csv", "csv.gz", "CSV", "tsv", "txt")


def write(table: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, sep="\t" if path.name.endswith("tsv") else ",")
    return path


def assert_both_arms(reading: Reading) -> None:
    assert reading.curves.arms == ARMS
    np.testing.assert_array_equal(reading.curves.values, files.curves(2))


def wide(table: pd.DataFrame) -> pd.DataFrame:
    return table.pivot(index="step", columns="seed", values="value").add_prefix("seed_").reset_index()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/lr_0.01.csv", "a/lr_0.01"),
        ("a/lr_0.01.csv.gz", "a/lr_0.01"),
        ("a/lr_0.01.snappy", "a/lr_0.01.snappy"),
        ("a/0.monitor.csv", "a/0"),
        ("a/lr_0.01.monitor.csv.gz", "a/lr_0.01"),
        ("a/monitor.csv", "a"),
        ("a/lr_0.01.npz", "a/lr_0.01"),
        ("a/lr_0.01", "a/lr_0.01"),
        ("a/Seed.1.CSV", "a/Seed.1"),
    ],
)
def test_only_endings_that_say_the_format_are_taken_off(name, expected):
    assert without_endings(Path(name)) == Path(expected)


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_table_an_arm(tmp_path, ending):
    parts = dict(list(files.tidy(ARMS).groupby("arm")))
    paths = [write(parts[arm].drop(columns="arm"), tmp_path / f"{arm}.{ending}") for arm in ARMS]
    reading = read_curves(paths)
    assert_both_arms(reading)
    assert "Each file is an arm, called as the file: lr_0.001, lr_0.01." in reading.notes


@pytest.mark.parametrize("shape", [wide, lambda table: table])
def test_tables_of_one_name_are_called_as_their_folders(tmp_path, shape):
    parts = dict(list(files.tidy(ARMS).groupby("arm")))
    paths = [write(shape(parts[arm].drop(columns="arm")), tmp_path / arm / "runs.csv") for arm in ARMS]
    assert_both_arms(read_curves(paths))
    assert_both_arms(read_curves([tmp_path]))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", ["{arm}_seed{seed}", "seed{seed}_{arm}", "{arm}/seed.{seed}", "{arm}_{seed}"])
def test_one_file_a_run(tmp_path, name, ending):
    table = files.tidy(ARMS)
    paths = [
        write(run[["step", "value"]], tmp_path / f"{name.format(arm=arm, seed=seed)}.{ending}")
        for (arm, seed), run in table.groupby(["arm", "seed"], sort=False)
    ]
    assert_both_arms(read_curves(paths))


def test_monitor_files_compressed_or_not(tmp_path):
    for name in ("lr_0.1_seed1.monitor.csv", "lr_0.1_seed2.monitor.csv", "lr_0.2_seed1.monitor.csv"):
        path = files.write_monitor(tmp_path / name, np.arange(60.0), np.full(60, 5))
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert read_curves([tmp_path]).curves.arms == ("lr_0.1", "lr_0.2")


def test_columns_of_settings_are_not_taken_for_runs(tmp_path):
    table = pd.DataFrame({"step": files.STEPS, "lr_0.1": 1.0, "lr_0.2": 2.0})
    with pytest.raises(ConfigError, match="where each column is a run, call them seed_0, seed_1"):
        read_curves([write(table, tmp_path / "wide.csv")])
    called = table.rename(columns={"lr_0.1": "lr_0.1/seed_0", "lr_0.2": "lr_0.2/seed_0"})
    assert read_curves([write(called, tmp_path / "called.csv")]).curves.arms == ("lr_0.1", "lr_0.2")
