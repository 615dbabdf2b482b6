"""The description of its environment that a run directory carries."""

from __future__ import annotations

import dataclasses

import pytest

from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.run_directory import (
    RunDirectoryError,
    diagnostics_in,
    diagnostics_of,
    load_run,
    read_config,
    replace_config,
)


def test_a_run_without_a_description_is_of_the_momentum_environment(run_dir):
    assert diagnostics_of(load_run(run_dir)) == MOMENTUM


def test_a_run_is_read_with_its_own_description(run_dir):
    own = dataclasses.replace(MOMENTUM, environment="another", primary="buy_pct")
    replace_config(run_dir, read_config(run_dir) | {"diagnostics": own.to_json()})
    assert diagnostics_of(load_run(run_dir)) == own


@pytest.mark.parametrize("found", [{"environment": "x", "smells": []}, [1], {"variables": 3}])
def test_a_description_of_another_version_is_refused_with_the_version_that_wrote_it(config, found):
    with pytest.raises(RunDirectoryError, match=r"diagnostics in config\.json: .*momentum_jax of a version"):
        diagnostics_in(config | {"diagnostics": found})
