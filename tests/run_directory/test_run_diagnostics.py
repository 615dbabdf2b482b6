"""The description of its environment that a run directory carries."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from momentum_jax.diagnostics.description import Count, Variable
from momentum_jax.diagnostics.variables import shapes, table
from momentum_jax.env.momentum_diagnostics import BEFORE_DESCRIPTIONS, MOMENTUM
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.run_directory import (
    RunDirectoryError,
    create_run,
    diagnostics_in,
    diagnostics_of,
    load_run,
    read_config,
    replace_config,
    write_checkpoint,
)


def test_a_run_without_a_description_recorded_what_the_momentum_environment_had_then(tmp_path, config, arrays):
    del config["diagnostics"]
    create_run(tmp_path / "run", config)
    later = {"position_count", "position_reward_sum", "stop_reward_sum", "p_action_position", "probe_count_position"}
    later |= {"churn_position", "policy_kl_position", "yoked_stop", "forced_trim"}
    write_checkpoint(tmp_path / "run", 0, 0, {name: array for name, array in arrays(0).items() if name not in later})
    ds = load_run(tmp_path / "run")
    assert diagnostics_of(ds) == BEFORE_DESCRIPTIONS and later.isdisjoint(ds) and "flat_count" in ds


def test_a_run_is_read_with_its_own_description(run_dir):
    own = dataclasses.replace(MOMENTUM, environment="another", primary="buy_pct")
    replace_config(run_dir, read_config(run_dir) | {"diagnostics": own.to_json()})
    assert diagnostics_of(load_run(run_dir)) == own


@pytest.mark.parametrize("found", [{"environment": "x", "smells": []}, [1], {"variables": 3}])
def test_a_description_of_another_version_is_refused_with_the_version_that_wrote_it(config, found):
    with pytest.raises(RunDirectoryError, match=r"diagnostics in config\.json: .*momentum_jax of a version"):
        diagnostics_in(config | {"diagnostics": found})


def test_a_run_is_written_and_read_by_its_own_table(tmp_path, config, arrays):
    """A later version of the environment records one variable more and another one less."""
    jumps = Variable(name="jumps", long_name="jumps", source=Count(actions=("HOLD",)))
    kept = tuple(variable for variable in MOMENTUM.variables if variable.name != "trim")
    own = dataclasses.replace(MOMENTUM, variables=(jumps, *kept))
    create_run(tmp_path / "run", config | {"diagnostics": own.to_json()})
    found = arrays(0)
    found["jumps"] = found.pop("trim")
    write_checkpoint(tmp_path / "run", 0, 0, found)
    ds = load_run(tmp_path / "run")
    np.testing.assert_array_equal(ds["jumps"].isel(checkpoint=0), found["jumps"])
    assert "trim" not in ds and ds["jumps"].attrs["long_name"] == "jumps" and ds.attrs["not_recorded"] == "[]"
    with pytest.raises(RunDirectoryError, match=r"missing variables \['jumps'\], unknown variables \['trim'\]"):
        write_checkpoint(tmp_path / "run", 1_000, 0, arrays(0))


def test_a_dimension_of_contexts_has_the_runs_own_name_and_labels(tmp_path, config):
    plain = plain_diagnostics("CartPole-v1", 2)
    create_run(tmp_path / "run", config | {"diagnostics": plain.to_json()})
    sizes, rows = shapes(plain), table(plain)
    written = {name: np.ones((2, 3, *sizes[name]), row.dtype) for name, row in rows.items()}
    write_checkpoint(tmp_path / "run", 0, 0, written)
    ds = load_run(tmp_path / "run")
    assert ds["action_count"].dims == ("arm", "seed", "checkpoint", "context", "action")
    assert ds["context"].values.tolist() == ["any"] and ds["action"].values.tolist() == ["action_0", "action_1"]
