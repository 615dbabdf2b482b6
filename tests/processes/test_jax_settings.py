"""JAX's settings in the environment: random numbers do not depend on them, the others are recorded and compared."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import pytest

from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import STREAMS
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.processes import distributed, jax_settings
from momentum_jax.training import runner
from tests.conftest import ROOT
from tests.training.resumed_runs import assert_same_run, made_up_market, train, uninterrupted  # noqa: F401 (fixtures)

DRAWN_OTHERWISE = {
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_RANDOM_SEED_OFFSET": "7",
    "JAX_HIGH_DYNAMIC_RANGE_GUMBEL": "1",
}


def test_a_run_has_the_same_bits_whatever_the_environment_says_of_random_numbers(tmp_path, uninterrupted):  # noqa: F811
    command = [sys.executable, "-m", "tests.training.resumable", str(tmp_path / "run")]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | DRAWN_OTHERWISE, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert_same_run(tmp_path / "run", uninterrupted)


def test_keys_name_their_implementation():
    """Also in a program that never called `runtime.start`."""
    expected = [jax.random.key_data(key).tolist() for key in seed_streams(3)]
    with jax.default_prng_impl("rbg"):
        streams = seed_streams(3)
    assert len(streams) == len(STREAMS)
    assert [jax.random.key_data(key).tolist() for key in streams] == expected
    assert {str(jax.random.key_impl(key)) for key in streams} == {"threefry2x32"}


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("jax_enable_x64", True, "jax_enable_x64=False, now it is True, .*: set JAX_ENABLE_X64=0, or start a new"),
        ("XLA_FLAGS", "--fast", "XLA_FLAGS='', now it is '--fast', .*: unset XLA_FLAGS, or start a new run"),
        (
            "jax_threefry_partitionable",
            False,
            "jax_threefry_partitionable=True, now it is False, .*: start a new run",
        ),
    ],
)
def test_a_changed_setting_is_refused_with_both_values_and_a_remedy(
    monkeypatch,
    uninterrupted,  # noqa: F811
    setting,
    value,
    words,
):
    changed = jax_settings.current() | {setting: value}
    monkeypatch.setattr(jax_settings, "current", lambda: changed)
    with pytest.raises(ConfigError, match=f"{uninterrupted} was begun with {words}"):
        train(uninterrupted, resume=True)


def test_a_further_process_with_other_settings_is_refused(uninterrupted, monkeypatch):  # noqa: F811
    """Only the first process makes or compares the run directory; each has an environment of its own."""
    job = distributed.Job(index=1, count=2)
    monkeypatch.setattr(job, "broadcast", lambda name, value: str(False))
    description = {"jax_settings": jax_settings.current() | {"jax_default_prng_impl": "rbg"}}
    with (
        pytest.raises(ConfigError, match="begun with jax_default_prng_impl='threefry2x32', now it is 'rbg'"),
        runner._opened(uninterrupted, description, False, job),
    ):
        pass


@pytest.mark.parametrize(
    ("setting", "value"), [("jax_enable_x64", True), ("jax_numpy_dtype_promotion", "strict"), ("jax_disable_jit", True)]
)
def test_a_setting_with_which_nothing_trains_is_refused_before_anything_is_written(
    tmp_path, monkeypatch, setting, value
):
    needed = jax_settings.current()
    monkeypatch.setattr(jax_settings, "current", lambda: needed | {setting: value})
    with pytest.raises(ConfigError, match=f"{setting} is {value}, training needs .*: set {setting.upper()}="):
        train(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_from_before_settings_were_recorded_is_taken_to_have_had_jax_defaults():
    jax_settings.check_same("run", None, jax_settings.current())
    with pytest.raises(ConfigError, match="begun with jax_enable_x64=False"):
        jax_settings.check_same("run", None, jax_settings.current() | {"jax_enable_x64": True})


def test_flags_that_change_no_number_are_not_recorded(monkeypatch):
    before = jax_settings.current()
    assert before["XLA_FLAGS"] == ""  # though this program sets some
    monkeypatch.setenv("XLA_FLAGS", f"{os.environ['XLA_FLAGS']} --xla_dump_to=/tmp/x --xla_cpu_enable_fast_math=true")
    assert jax_settings.current() == before | {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"}


def test_the_flags_that_this_program_sets_for_a_card_are_not_a_setting_of_the_run(monkeypatch):
    own = " ".join(jax_settings.OWN_XLA_FLAGS + jax_settings.OWN_CUDA_FLAGS)
    monkeypatch.setenv("XLA_FLAGS", f"{own} --xla_gpu_autotune_level=0")
    assert jax_settings.current()["XLA_FLAGS"] == "--xla_gpu_autotune_level=0"
