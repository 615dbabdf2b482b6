"""Exports: every number comes back, in the layouts that other tools read."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from momentum_jax.analysis.export import run_exports
from momentum_jax.analysis.export.tensorboard import write_events
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.run_directory import RunDirectoryError, load_run
from tests import oracle
from tests.conftest import ROOT


@pytest.fixture
def ds(simulate) -> xr.Dataset:
    return load_run(simulate(num_seeds=3, steps=(0, 1_000, 5_000, 10_000), failed={(0, 1): 5_000}))


def test_netcdf_gives_the_dataset_back(ds, tmp_path):
    path = run_exports.write_netcdf(ds, tmp_path / "run.nc")
    back = xr.load_dataset(path)
    assert back.attrs == ds.attrs
    for name, variable in ds.variables.items():
        assert back[name].dims == variable.dims and back[name].attrs == variable.attrs
        np.testing.assert_array_equal(back[name].values, variable.values)
        assert back[name].dtype.kind == variable.dtype.kind or variable.dtype.kind == "U"
    assert [file.name for file in tmp_path.iterdir() if file.suffix] == ["run.nc"]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_long_table_gives_every_value_back(ds, tmp_path, suffix):
    path = tmp_path / f"curves.{suffix}"
    {"parquet": run_exports.write_parquet, "csv": run_exports.write_csv}[suffix](ds, path)
    table = pd.read_parquet(path) if suffix == "parquet" else pd.read_csv(path)
    assert list(table.columns) == ["arm", "seed", "env_steps", "update", "variable", "value"]
    table = table.astype({"arm": str, "variable": str})
    pivot = table.set_index(["variable", "arm", "seed", "env_steps"])["value"]
    for variable, values in {"entropy": ds["entropy"], "hold_pct": derive_curves(ds)["hold_pct"]}.items():
        back = pivot[variable].to_numpy().reshape(2, 3, 4)
        np.testing.assert_array_equal(back, values.transpose("arm", "seed", "checkpoint").values)
    strong = ds["flat_count"].sel(arm="tune3", seed=2, setup_score=3, action="HOLD").values
    of_score = pivot["flat_count[setup_score=3,action=HOLD]"]
    np.testing.assert_array_equal(of_score.xs("tune3").xs(2), strong)


def test_rliable_reads_its_layout(ds, tmp_path):
    library, metrics = oracle.rliable()
    run_exports.write_rliable(ds, tmp_path)
    scores = dict(np.load(tmp_path / "rliable_scores.npz"))
    assert {arm: values.shape for arm, values in scores.items()} == {"tune2": (2, 2), "tune3": (3, 2)}
    points, intervals = library.get_interval_estimates(scores, lambda x: np.array([metrics.aggregate_mean(x)]), reps=50)
    expected = derive_curves(ds)[["p_buy", "p_buy_strong"]].sel(arm="tune3").isel(checkpoint=-1).to_array().mean() / 100
    assert points["tune3"][0] == pytest.approx(float(expected))
    assert intervals["tune3"].shape == (2, 1)
    curves = dict(np.load(tmp_path / "rliable_curves.npz"))
    assert curves.pop("env_steps").tolist() == [0, 1_000, 5_000, 10_000]
    assert curves["tune2"].shape == (2, 2, 4)
    np.testing.assert_array_equal(curves["tune2"][:, :, -1], scores["tune2"])


@pytest.mark.parametrize("name", ["env_steps", "file", "allow_pickle", "self"])
def test_an_arm_of_any_name_is_exported_and_read_through_rliable(simulate, tmp_path, name):
    library, metrics = oracle.rliable()
    ds = load_run(simulate(arms=(name, "tune2"), num_seeds=3, steps=(0, 1_000, 5_000)))
    run_exports.write_rliable(ds, tmp_path)
    scores = dict(np.load(tmp_path / "rliable_scores.npz"))
    assert list(scores) == [name, "tune2"]
    points, _ = library.get_interval_estimates(scores, lambda x: np.array([metrics.aggregate_mean(x)]), reps=50)
    expected = derive_curves(ds)[["p_buy", "p_buy_strong"]].sel(arm=name).isel(checkpoint=-1).to_array().mean() / 100
    assert points[name][0] == pytest.approx(float(expected))
    curves = dict(np.load(tmp_path / "rliable_curves.npz"))
    assert curves.pop(run_exports.frames_key([name, "tune2"])).tolist() == [0, 1_000, 5_000]
    assert {arm: values.shape for arm, values in curves.items()} == {name: (3, 2, 3), "tune2": (3, 2, 3)}


def test_a_fresh_process_reads_the_export_through_rliable_and_leaves_pandas_as_it_was(ds, tmp_path):
    oracle.rliable()
    run_exports.write_rliable(ds, tmp_path)
    program = (
        "import sys, numpy as np, pandas.util._decorators as before; own = before.deprecate_kwarg;"
        "from momentum_jax.analysis.export.rliable_import import import_rliable; library, metrics = import_rliable();"
        "scores = dict(np.load(sys.argv[1]));"
        "print(library.get_interval_estimates(scores, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=50)[0]);"
        "sys.exit(before.deprecate_kwarg is not own)"
    )
    command = [sys.executable, "-W", "error::FutureWarning", "-c", program, str(tmp_path / "rliable_scores.npz")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tune2" in done.stdout and "tune3" in done.stdout


def test_reliability_curves_are_one_file_per_arm_metric_and_healthy_seed(ds, tmp_path):
    paths = run_exports.write_reliability(ds, tmp_path / "r")
    assert len(paths) == 2 * 2 * 3 - 2
    table = pd.read_csv(tmp_path / "r" / "tune3" / "p_buy" / "seed_2.csv")
    assert list(table.columns) == ["env_steps", "p_buy"]
    expected = derive_curves(ds)["p_buy"].sel(arm="tune3", seed=2).values
    np.testing.assert_array_equal(table["p_buy"], expected)
    assert not (tmp_path / "r" / "tune2" / "p_buy" / "seed_1.csv").exists()


def test_an_earlier_export_is_replaced_but_nothing_else(ds, tmp_path):
    run_exports.write_reliability(ds, tmp_path / "r")
    run_exports.write_reliability(ds.sel(seed=[0]), tmp_path / "r")
    assert len(list((tmp_path / "r").rglob("*.csv"))) == 2 * 2
    (tmp_path / "r" / "thesis.docx").touch()
    with pytest.raises(RunDirectoryError, match=r"thesis\.docx: not an exported curve"):
        run_exports.write_reliability(ds, tmp_path / "r")


def test_only_known_formats_are_exported(ds, tmp_path):
    with pytest.raises(ValueError, match=r"\['excel'\] are unknown, expected some of netcdf"):
        run_exports.export_run(ds, tmp_path, ["csv", "excel"])
    paths = run_exports.export_run(ds, tmp_path / "new", ["csv", "netcdf"])
    assert [path.name for path in paths] == ["run.nc", "curves.csv"]


def read_events(folder) -> dict[str, dict[int, float]]:
    """Scalars by tag and step, decoded with the package's own protocol buffers."""
    from tensorboardX.proto import event_pb2

    (path,) = folder.glob("events.out.tfevents.*")
    data, place, found = path.read_bytes(), 0, {}
    while place < len(data):
        length = int.from_bytes(data[place : place + 8], "little")
        event = event_pb2.Event.FromString(data[place + 12 : place + 12 + length])
        place += 16 + length
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_event_files_hold_every_seed_and_the_quantiles(ds, tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed: pip install 'momentum_jax[tensorboard]'")
    folders = write_events(ds, tmp_path)
    assert len(folders) == 2 * (3 + 1)
    seed = read_events(tmp_path / "tune3" / "seed_2")
    curve = derive_curves(ds)["p_hold"].sel(arm="tune3")
    assert list(seed["flat/p_hold"]) == [0, 1_000, 5_000, 10_000]
    np.testing.assert_allclose(list(seed["flat/p_hold"].values()), curve.sel(seed=2).values, rtol=1e-6)
    assert {"position/p_hold_position", "position/hold_position_pct", "flat/churn_position"} <= seed.keys()
    together = read_events(tmp_path / "tune3" / "all_seeds")
    np.testing.assert_allclose(list(together["flat/p_hold/median"].values()), curve.median("seed").values, rtol=1e-6)
    assert list(read_events(tmp_path / "tune2" / "seed_1")["flat/p_hold"]) == [0, 1_000]
    write_events(ds, tmp_path)
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) == 2 * (3 + 1)
