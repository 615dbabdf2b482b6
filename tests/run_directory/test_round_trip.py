"""What is written comes back, named and described."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from momentum_jax.diagnostics.variables import SCHEMA_VERSION, shapes, table
from momentum_jax.env.momentum_diagnostics import ACTIONS, MOMENTUM
from momentum_jax.run_directory import (
    RunDirectoryError,
    append_log,
    load_policies,
    load_run,
    load_seed_policy,
    read_arrays,
    read_config,
    write_arrays,
    write_checkpoint,
    write_policy,
)

VARIABLES = table(MOMENTUM)


def test_every_number_comes_back(run_dir, arrays):
    ds = load_run(run_dir)
    assert set(ds.data_vars) == set(VARIABLES)
    for position in (0, 1):
        expected = arrays(position)
        for name, variable in VARIABLES.items():
            found = ds[name].isel(checkpoint=position)
            np.testing.assert_array_equal(found, expected[name], err_msg=name)
            assert found.dtype == variable.dtype
            assert ds[name].dims == ("arm", "seed", "checkpoint", *variable.dims)


def test_coordinates_and_attributes(run_dir, config):
    ds = load_run(run_dir)
    assert ds["env_steps"].values.tolist() == [0, 1_000] and ds["update"].values.tolist() == [0, 2]
    assert ds["env_steps"].dtype == ds["update"].dtype == np.int64
    assert ds["arm"].values.tolist() == ["tune2", "ent_coef=0.1"] and ds["seed"].values.tolist() == [3, 1, 4]
    assert ds["action"].values.tolist() == list(ACTIONS) and ds["probe_half"].values.tolist() == ["A", "B"]
    assert ds.attrs["experiment"] == "small" and ds.attrs["run_name"] == "small"
    assert ds.attrs["data_fingerprint"] == "sha256:abc"
    assert json.loads(ds.attrs["config"]) == {**config, "schema_version": SCHEMA_VERSION}
    for name, variable in VARIABLES.items():
        assert ds[name].attrs == variable.attributes
        assert ds[name].attrs["good_direction"] in (-1, 0, 1) and ds[name].attrs["long_name"]


def test_a_seed_is_found_by_its_number(run_dir, arrays):
    found = load_run(run_dir)["reward_sum"].sel(arm="tune2", seed=4).isel(checkpoint=1)
    assert float(found) == arrays(1)["reward_sum"][0, 2]


def test_a_checkpoint_is_found_by_its_step(run_dir, arrays):
    run = load_run(run_dir)
    found = run["reward_sum"].sel(arm="tune2", seed=4, checkpoint=1_000)
    assert float(found) == arrays(1)["reward_sum"][0, 2]
    assert run["checkpoint"].values.tolist() == run["env_steps"].values.tolist()
    with pytest.raises(KeyError, match="not all values found"):
        run.sel(checkpoint=5_000)
    assert int(run.sel(checkpoint=900, method="nearest")["env_steps"]) == 1_000


def test_netcdf_can_carry_the_dataset(run_dir, tmp_path):
    pytest.importorskip("scipy")
    ds = load_run(run_dir)
    ds.to_netcdf(tmp_path / "run.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "run.nc", engine="scipy") as again:
        np.testing.assert_array_equal(again["flat_count"], ds["flat_count"])


@pytest.mark.parametrize("absent", ["entropy", "exit", "flat_count", "failed_step", "p_action"])
def test_a_variable_that_did_not_exist_yet_is_nan_with_one_warning(run_dir, arrays, absent):
    for path in (run_dir / "diagnostics").glob("*.npz"):
        write_arrays(path, {name: array for name, array in read_arrays(path).items() if name != absent})
    with pytest.warns(UserWarning, match=rf"{run_dir}: {absent} did not exist when it was written, so NaN") as told:
        ds = load_run(run_dir)
    assert [warning.category for warning in told].count(UserWarning) == 1  # garbage of other tests may warn beside it
    assert json.loads(ds.attrs["not_recorded"]) == [absent]
    assert ds[absent].shape == (2, 3, 2, *shapes(MOMENTUM)[absent]) and ds[absent].isnull().all()
    for name in VARIABLES.keys() - {absent}:
        np.testing.assert_array_equal(ds[name].isel(checkpoint=1), arrays(1)[name], err_msg=name)
    # A run that went on with a version that has the variable.
    write_checkpoint(run_dir, 1_000, 2, arrays(7))
    with pytest.warns(UserWarning, match=absent):
        ds = load_run(run_dir)
    assert ds[absent].isel(checkpoint=0).isnull().all()
    np.testing.assert_array_equal(ds[absent].isel(checkpoint=1), arrays(7)[absent])


def test_a_checkpoint_passed_again_is_replaced(run_dir, arrays):
    write_checkpoint(run_dir, 1_000, 2, arrays(7))
    ds = load_run(run_dir)
    assert ds.sizes["checkpoint"] == 2
    np.testing.assert_array_equal(ds["entropy"].isel(checkpoint=1), arrays(7)["entropy"])


def test_file_names(run_dir):
    names = sorted(str(path.relative_to(run_dir)) for path in run_dir.rglob("*") if path.is_file())
    assert names == ["config.json", "diagnostics/step_00000000.npz", "diagnostics/step_00001000.npz"]


def test_unknown_config_keys_pass_through(run_dir, config):
    assert read_config(run_dir)["something_else"] == config["something_else"]


def test_a_setting_that_had_another_name_is_read_by_its_present_one(run_dir):
    path = run_dir / "config.json"
    path.write_text(path.read_text().replace('"ppo": {}', '"ppo": {"initial_hold_bias": 0.5}'))
    assert read_config(run_dir)["arms"][0]["ppo"] == {"initial_action_bias": 0.5}
    assert json.loads(load_run(run_dir).attrs["config"])["arms"][0]["ppo"] == {"initial_action_bias": 0.5}


def test_policies_come_back(run_dir):
    kernel = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    write_policy(run_dir, "ent_coef=0.1", {"policy/dense_0/kernel": kernel, "step": np.arange(3)})
    found = load_policies(run_dir, "ent_coef=0.1")
    assert set(found) == {"policy/dense_0/kernel", "step"}
    np.testing.assert_array_equal(found["policy/dense_0/kernel"], kernel)
    assert found["policy/dense_0/kernel"].dtype == np.float32
    with pytest.raises(RunDirectoryError, match=r"final_tune2\.npz: not found"):
        load_policies(run_dir, "tune2")
    with pytest.raises(RunDirectoryError, match="no arm 'tune9'"):
        load_policies(run_dir, "tune9")


def test_one_seeds_policy_is_its_row(run_dir, config):
    kernel = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    write_policy(run_dir, "tune2", {"policy/dense_0/kernel": kernel, "step": np.arange(3)})
    for position, seed in enumerate(config["seeds"]):
        found = load_seed_policy(run_dir, "tune2", seed)
        np.testing.assert_array_equal(found["policy/dense_0/kernel"], kernel[position])
        assert found["step"] == position
    with pytest.raises(RunDirectoryError, match="no seed 99"):
        load_seed_policy(run_dir, "tune2", 99)


def test_the_log_grows_by_lines(run_dir):
    append_log(run_dir, "first")
    append_log(run_dir, "second\n")
    assert (run_dir / "log.txt").read_text() == "first\nsecond\n"
