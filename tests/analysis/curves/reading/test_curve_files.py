"""Every format gives the curves that were written into it, with what was derived."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr

from momentum_jax.analysis.curves.choices import choose
from momentum_jax.analysis.curves.noise_floors import noise_levels
from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.analysis.curves.reading.reading import Reading, ReadOptions
from momentum_jax.analysis.export.run_exports import write_netcdf
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import load_run
from tests.analysis.curves.reading import files

LABELS = tuple(map(str, files.SEEDS))


def read(*paths: Path, **options: object) -> Reading:
    return read_curves(paths, ReadOptions(**options))


def assert_known_curves(reading: Reading, arms: tuple[str, ...] = ("all",), seeds: tuple[str, ...] = LABELS) -> None:
    """The known curves, whole."""
    curves = reading.curves
    assert (curves.arms, curves.seeds) == (arms, seeds)
    np.testing.assert_array_equal(curves.steps, files.STEPS)
    np.testing.assert_array_equal(curves.values, files.curves(len(arms)))


def compressed(text: bytes, folder: Path, kind: str) -> Path:
    path = folder / f"table.csv.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("table.csv", text)
    elif kind == "gz":
        path.write_bytes(gzip.compress(text))
    else:
        path.write_bytes(pa.compress(text, codec=kind, asbytes=True))
    return path


def test_a_tidy_table_of_two_arms(tmp_path):
    path = tmp_path / "runs.csv"
    files.tidy(("ppo", "dqn")).to_csv(path, index=False)
    reading = read(path)
    assert_known_curves(reading, ("ppo", "dqn"))
    assert reading.source == "tidy CSV"
    assert reading.notes == ("Columns: seeds from seed, steps from step, arms from arm, values from value.",)
    for alone in (path, str(path)):
        assert_known_curves(read_curves(alone), ("ppo", "dqn"))


@pytest.mark.parametrize("kind", ["gz", "zip", "zstd"])
def test_a_compressed_table_is_known_by_its_bytes(tmp_path, kind):
    assert_known_curves(read(compressed(files.tidy().to_csv(index=False).encode(), tmp_path, kind)), ("ppo",))


@pytest.mark.parametrize(
    ("separator", "decimal", "encoding"),
    [(";", ",", "utf-8"), (";", ".", "utf-8-sig"), ("\t", ".", "utf-16"), (",", ".", "utf-8-sig"), ("|", ",", "utf-8")],
)
def test_separators_decimal_commas_and_byte_order_marks_are_found(tmp_path, separator, decimal, encoding):
    path = tmp_path / "runs.txt"
    files.tidy().to_csv(path, index=False, sep=separator, decimal=decimal, encoding=encoding)
    assert_known_curves(read(path), ("ppo",))


def test_columns_of_other_names_are_read_as_named(tmp_path):
    path = tmp_path / "runs.csv"
    names = {"arm": "lr", "seed": "id", "step": "x", "value": "y"}
    files.tidy().rename(columns=names).assign(other=1.0).to_csv(path, index=False)
    assert_known_curves(read(path, arm="lr", seed="id", step="x", value="y"), ("ppo",))


def test_a_parquet_file_with_an_index_of_seeds_and_steps(tmp_path):
    path = tmp_path / "runs.parquet"
    files.tidy().set_index(["seed", "step"]).to_parquet(path)
    assert_known_curves(read(path), ("ppo",))


def test_columns_of_standard_errors_and_of_counts_are_noise(tmp_path):
    table = files.tidy()
    with_errors, counted = tmp_path / "errors.csv", tmp_path / "counts.csv"
    table.assign(value_se=table["value"] / 4).to_csv(with_errors, index=False)
    table.assign(successes=np.arange(len(table)), totals=200).drop(columns="value").to_csv(counted, index=False)
    np.testing.assert_array_equal(read(with_errors).curves.standard_errors, files.curves() / 4)
    curves = read(counted).curves
    np.testing.assert_array_equal(curves.values.ravel(), np.arange(len(table)) / 2)
    assert curves.unit == "%"
    np.testing.assert_array_equal(curves.totals, np.full(curves.values.shape, 200))


def test_a_general_column_of_errors_is_not_taken_for_another_value(tmp_path):
    path = tmp_path / "runs.csv"
    table = files.tidy()
    table.assign(se=1.0, loss=table["value"]).to_csv(path, index=False)
    assert read(path).curves.standard_errors is not None
    assert read(path, value="loss").curves.standard_errors is None


@pytest.mark.parametrize(
    ("name", "arm"), [("seed_{}", "all"), ("{}", "all"), ("run{}", "all"), ("ppo_{}", "ppo"), ("td3.{}", "td3")]
)
def test_a_wide_table_with_one_column_a_seed(tmp_path, name, arm):
    path = tmp_path / "wide.csv"
    columns = {name.format(seed): values for seed, values in zip(files.SEEDS, files.curves()[0], strict=True)}
    pd.DataFrame({"step": files.STEPS} | columns).to_csv(path, index=False)
    assert_known_curves(read(path), (arm,))


def test_numbered_measurements_are_not_taken_for_seeds(tmp_path):
    path = tmp_path / "log.csv"
    pd.DataFrame({"step": files.STEPS, "loss1": 1.0, "loss2": 2.0}).to_csv(path, index=False)
    with pytest.raises(ConfigError, match="no column of seeds"):
        read(path)


def test_one_file_a_seed_and_one_file_an_arm(tmp_path):
    for seed, values in zip(files.SEEDS, files.curves()[0], strict=True):
        pd.DataFrame({"step": files.STEPS, "value": values}).to_csv(tmp_path / f"seed_{seed}.csv", index=False)
    assert_known_curves(read(*tmp_path.glob("*.csv")))
    assert_known_curves(read(tmp_path))
    arms = tmp_path / "arms"
    arms.mkdir()
    for arm, part in files.tidy(("dqn", "ppo")).groupby("arm"):
        part.drop(columns="arm").to_csv(arms / f"{arm}.csv", index=False)
    assert_known_curves(read(arms / "dqn.csv", arms / "ppo.csv"), ("dqn", "ppo"))


@pytest.mark.parametrize("lead", [(), (2,)])
def test_arrays_with_their_labels(tmp_path, lead):
    path = tmp_path / "curves.npz"
    arms = ("ppo", "dqn")[: len(lead) + 1]
    values = files.curves(len(arms))
    labels = {"arms": np.array(arms)} if lead else {}
    np.savez(path, values=values.reshape(*lead, *values.shape[1:]), steps=files.STEPS, seeds=files.SEEDS, **labels)
    assert_known_curves(read(path), arms if lead else ("all",))


def test_a_bare_array_has_numbered_checkpoints(tmp_path):
    path = tmp_path / "curves.npy"
    np.save(path, files.curves()[0])
    reading = read(path)
    np.testing.assert_array_equal(reading.curves.values, files.curves())
    np.testing.assert_array_equal(reading.curves.steps, np.arange(1, 13))
    assert "numbered from 1 to 12" in reading.notes[0]


def test_event_folders_by_arm_and_seed(tmp_path):
    for arm, of_arm in zip(("dqn", "ppo"), files.curves(2), strict=True):
        for seed, values in zip(files.SEEDS, of_arm, strict=True):
            files.write_events(tmp_path / arm / f"seed_{seed}", values, "return")
    files.write_events(tmp_path / "ppo" / "seed_99", files.curves()[0, 0], "another")
    reading = read(tmp_path, value="return")
    assert_known_curves(reading, ("dqn", "ppo"))
    assert "1 folders have no return" in reading.notes[1]
    assert_known_curves(read(tmp_path / "dqn", tmp_path / "ppo", value="return"), ("dqn", "ppo"))
    with pytest.raises(ConfigError, match="tags return, losses/value, another, expected one: choose by --value=TAG"):
        read(tmp_path)
    with pytest.raises(ConfigError, match=r"no scalar tag 'retrun'.*did you mean return"):
        read(tmp_path, value="retrun")


def test_scalars_that_are_written_as_tensors_are_read_alike(tmp_path):
    """As TensorFlow 2 and what is built on it write them."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for seed, values in zip(files.SEEDS, files.curves()[0], strict=True):
        writer = EventFileWriter(str(tmp_path / f"seed_{seed}"))
        for step, value in zip(files.STEPS.tolist(), values.tolist(), strict=True):
            writer.add_event(Event(step=step, summary=scalar_pb("return", value)))
        writer.close()
    assert_known_curves(read(tmp_path))


def test_evaluations_keep_their_episodes(tmp_path):
    noise = np.array([-1.0, 0.0, 1.0])
    for seed, values in zip(files.SEEDS, files.curves()[0], strict=True):
        files.write_evaluations(tmp_path / f"ppo_{seed}" / "evaluations.npz", values[:, None] + noise)
    reading = read(tmp_path)
    assert_known_curves(reading, ("ppo",))
    expected = files.curves()[:, :, None, :] + noise[:, None]
    np.testing.assert_array_equal(reading.curves.replicates, expected)


def test_monitor_files_become_windows_whose_episodes_are_replicates(tmp_path):
    key = np.random.default_rng(0)
    returns = {seed: key.normal(20, 5, 100).round(3) for seed in files.SEEDS}
    for seed, values in returns.items():
        files.write_monitor(tmp_path / f"seed_{seed}" / "monitor.csv", values, np.full(100, 10))
    reading = read(tmp_path)
    curves = reading.curves
    assert (curves.arms, curves.seeds) == (("all",), LABELS)
    np.testing.assert_allclose(curves.steps, np.arange(1, 11) * 100)
    for row, values in enumerate(returns.values()):
        in_windows = values.reshape(10, 10)
        np.testing.assert_allclose(curves.values[0, row], in_windows.mean(axis=1))
        np.testing.assert_array_equal(curves.replicates[0, row], in_windows.T)
    assert "each of 10 windows, 10 or more in each, which are kept as replicates" in reading.notes[-1]
    equal = read(tmp_path, align="bins:5")
    assert equal.curves.steps.tolist() == [200, 400, 600, 800, 1000]
    assert "5 equal windows of 200 steps, about 20 in each" in equal.notes[-1]
    single = read(tmp_path, align="bins:100")
    assert single.curves.replicates is None and "never two, so that they say nothing" in single.notes[-1]


def test_windows_of_few_episodes_are_as_unsure_as_they_are(tmp_path):
    """Long episodes first: two or three in an early window, fifteen in a late one."""
    key, lengths = np.random.default_rng(0), np.repeat([500, 80], [20, 175])
    for seed in range(3):
        files.write_monitor(tmp_path / f"seed_{seed}" / "monitor.csv", key.normal(20, 5, len(lengths)), lengths)
    curves = read(tmp_path, align="bins:19").curves
    number = (~np.isnan(curves.replicates[0, 0])).sum(axis=0)
    assert number.min() <= 3 and number.max() >= 14
    level = noise_levels(curves, choose(curves, good="up"))[0]
    assert (level.freedom >= 16).all() and (level.freedom < 20).all() and (level.block >= 8).all()
    # Each window by itself would say from 0.1 to 2 times the truth.
    np.testing.assert_allclose(level.sigma * np.sqrt(number) / 5, 1, atol=0.5)


def test_windows_hold_as_many_episodes_whatever_their_length(tmp_path):
    """Of every run, as long as it has so many to come; one run's episodes shorten later, and one run ends early."""
    lengths = (np.repeat([500, 80], [20, 175]), np.repeat([400, 80], [40, 100]), np.full(60, 300))
    for seed, each in enumerate(lengths):
        files.write_monitor(tmp_path / f"seed_{seed}" / "monitor.csv", np.arange(len(each)), each)
    curves = read(tmp_path, allow_missing=True).curves
    number = (~np.isnan(curves.replicates[0])).sum(axis=1)
    assert number.sum(axis=1).tolist() == [195, 140, 60]
    to_come = number.sum(axis=1, keepdims=True) - np.cumsum(number, axis=1) + number
    assert number[to_come >= 10].min() == 10 and curves.steps[-1] == max(each.sum() for each in lengths)
    assert np.isnan(curves.values[0, 2, -1])


def test_the_environments_of_one_run_are_joined_in_time_and_single_files_are_seeds(tmp_path):
    """As load_results of Stable-Baselines3: rows of all files by t, steps from the lengths in that order."""
    paths = []
    for rank, (lengths, value) in enumerate([((10,) * 60, 1.0), ((5,) * 60, 3.0)]):
        path = tmp_path / "one" / f"{rank}.monitor.csv"
        paths.append(files.write_monitor(path, np.full(60, value), np.array(lengths), np.arange(60) * 10.0 + rank))
    reading = read(tmp_path / "one", align="bins:6")
    assert reading.curves.values.shape == (1, 1, 6)
    np.testing.assert_allclose(reading.curves.values, 2.0)
    np.testing.assert_allclose(reading.curves.steps[-1], 900)
    assert "environments of one run" in " ".join(reading.notes)
    assert read(*paths, align="bins:6", allow_missing=True).curves.seeds == ("0", "1")


def test_netcdf_by_names_of_dimensions(tmp_path):
    path = tmp_path / "curves.nc"
    array = xr.DataArray(files.curves()[0].T, {"frame": files.STEPS, "run": list(files.SEEDS)}, name="score")
    array.to_netcdf(path, engine="netcdf4")
    reading = read(path)
    assert_known_curves(reading)
    assert reading.curves.value_name == "score"


def test_a_run_directory_gives_its_metric_with_counts_and_so_does_its_export(tmp_path, simulate):
    run = simulate(num_seeds=3, failed={(0, 1): 25_000})
    reading = read(run, allow_missing=True)
    assert (reading.curves.value_name, reading.curves.good, reading.curves.arms) == (
        "p_hold",
        "down",
        ("tune2", "tune3"),
    )
    assert "primary one, exact P(HOLD)" in reading.notes[0]
    assert "1 of 6 runs failed" in reading.notes[2]
    assert not np.nansum(reading.curves.standard_errors)
    windowed = read(run, value="hold_pct", allow_missing=True).curves
    assert reading.curves.steps[0] == 0 and windowed.steps.tolist() == reading.curves.steps[1:].tolist()
    np.testing.assert_allclose(100 * windowed.successes / windowed.totals, windowed.values)
    write_netcdf(load_run(run), tmp_path / "run.nc")
    exported = read(tmp_path / "run.nc", allow_missing=True)
    np.testing.assert_array_equal(exported.curves.values, reading.curves.values)
    with pytest.raises(ConfigError, match=r"seed 1, step 25000: the value is missing.*--allow_missing"):
        read(run)
