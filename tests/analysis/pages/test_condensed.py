"""What is kept of a run, of an environment with words of its own too, and the outcomes that follow from it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from momentum_jax.analysis.metrics.derived_curves import derive_curves, failed_steps
from momentum_jax.analysis.pages.blocks.depth_tables import depths
from momentum_jax.analysis.pages.blocks.event_rates import event_rates
from momentum_jax.analysis.pages.blocks.run_list import runs
from momentum_jax.analysis.pages.condensed import condense, read_condensed, restore, write_condensed
from momentum_jax.analysis.pages.study_market import Market
from momentum_jax.run_directory import RunDirectoryError, load_run, write_atomic
from momentum_jax.run_directory.atomic_files import read_arrays, write_arrays
from tests.analysis.other_environment import SPREAD, write_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A market of one part, with a made-up environment's run."""
    root = tmp_path_factory.mktemp("market")
    run_dir = write_run(root)
    declaration = {"name": "x", "horizon": 25_000, "threshold": 5.0, "parts": ["drive"], "confirmatory": ["drive"]}
    write_atomic(root / "town/study.json", json.dumps(declaration).encode())
    write_condensed(load_run(run_dir), run_dir, root / "town/drive.npz")
    return root


def test_every_curve_of_another_environment_is_kept(folder):
    whole, kept = load_run(folder / "driving"), read_condensed(folder / "town/drive.npz")
    before, after = derive_curves(whole), derive_curves(kept)
    assert set(before.data_vars) == set(after.data_vars)
    for name in before.data_vars:
        if not name.endswith("_half"):  # the halves are kept as one
            np.testing.assert_allclose(after[name].values, before[name].values, rtol=1e-6, atol=0.01, err_msg=name)
    assert kept["road"].values.tolist() == ["any"] and kept["action"].values.tolist() == ["slow", "fast"]


def test_depths_are_of_its_primary_metric_and_against_its_good_direction(folder):
    market = Market(folder / "town")
    outcome = market.outcome("plain")
    assert outcome.depth.tolist() == outcome.windowed_depth.tolist() == [60.0] * 8  # from 100 to 40
    assert outcome.temporary_depth.tolist() == [60.0] * 8
    assert outcome.peak_step.tolist() == [10_000.0] * 8 and outcome.landmark.tolist() == [-60.0] * 8
    table = depths(market).set_index("arm")
    assert table.loc["careful", "depth"] == 60 and table.loc["careful", "seeds_that_dip_pct"] == 100
    assert runs(market)["arms"].tolist() == [2] and SPREAD > 0


def test_its_events_are_counted_per_decision(folder):
    ds = Market(folder / "town").joined(["drive"])
    table = event_rates(ds, ("plain", "careful"), ("fast",), {"crashes": "crash"}, (0, 2_000, 10_000))
    assert table["crashes"].tolist() == pytest.approx([10, 20, 5, 10])


def test_what_did_not_exist_when_it_was_written_is_not_known(simulate):
    arrays = condense(load_run(simulate(num_seeds=2)))
    for name in ("bad_chase", "churn", "trade_return_sum"):
        del arrays[name]
    ds = restore(arrays)
    assert all(np.isnan(ds[name].values).all() for name in ("bad_chase", "churn", "trade_return_sum"))
    assert ds["good_buy"].dtype == np.int64 and (ds["good_buy"].values >= 0).all()


def test_a_file_of_another_kind_is_refused(folder, tmp_path):
    arrays = read_arrays(folder / "town/drive.npz")
    del arrays["p_action"]
    write_arrays(tmp_path / "drive.npz", arrays)
    with pytest.raises(RunDirectoryError, match=r"not a condensed run .*p_action.*condense it again"):
        read_condensed(tmp_path / "drive.npz")


def test_parts_of_a_market_that_were_not_run_are_none(folder, tmp_path):
    market = Market(folder / "town")
    assert market.joined(["absent"]) is None and market.outcome("plain", "absent") is None
    assert market.joined(["drive", "absent"]) is market.joined(["drive"])
    with pytest.raises(RunDirectoryError, match=r"study\.json: not found"):
        Market(tmp_path)


def test_a_study_says_itself_what_is_kept(folder):
    whole = load_run(folder / "driving").load()
    own = xr.Dataset({"return": whole["episode_return"].fillna(0.25).astype(np.float16).assign_attrs(units="reward")})
    path = folder / "own.npz"
    write_condensed(whole, folder / "driving", path, lambda ds: own)
    kept = read_condensed(path)
    assert set(kept.data_vars) == {"return", "failed_step"} and read_arrays(path)["own.return"].dtype == np.float16
    assert kept["return"].dtype == np.float64 and kept["return"].attrs == own["return"].attrs
    np.testing.assert_array_equal(kept["return"].values, own["return"].transpose("arm", "seed", "checkpoint").values)
    for name in ("arm", "seed", "env_steps"):
        np.testing.assert_array_equal(kept[name].values, whole[name].values)
    assert (failed_steps(kept) == -1).all() and kept.attrs["config"] == restore(condense(whole)).attrs["config"]
