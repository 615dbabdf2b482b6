"""Half-written, foreign and wrong things are refused in one line that names the file."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from momentum_jax import __version__
from momentum_jax.diagnostics.variables import SCHEMA_VERSION
from momentum_jax.run_directory import (
    RunDirectoryError,
    create_run,
    load_run,
    read_arrays,
    replace_config,
    write_atomic,
    write_checkpoint,
    write_policy,
)
from momentum_jax.run_directory.atomic_files import write_arrays


def refusal(action, *arguments) -> str:
    with pytest.raises(RunDirectoryError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_existing_directory_is_not_touched(run_dir, config):
    before = (run_dir / "config.json").read_bytes()
    assert f"{run_dir}: exists already" in refusal(create_run, run_dir, config)
    assert (run_dir / "config.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arms": []}, "at least one"),
        ({"arms": [{"name": "a/b"}]}, "'a/b'"),
        ({"arms": [{"name": "a"}, {"name": "a"}]}, "each name once"),
        ({"seeds": [1, 1]}, "each once"),
        ({"seeds": [0.5]}, "whole numbers"),
        ({"timesteps": "many"}, "expected int"),
        ({"experiment": None}, "'experiment' is None, expected str"),
        ({"learning_rate": float("nan")}, "JSON"),
        ({"device": object()}, "JSON"),
    ],
)
def test_a_wrong_config_makes_no_directory(tmp_path, config, change, words):
    message = refusal(create_run, tmp_path / "run", config | change)
    assert words in message and "config.json" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("keep", [0, 30, 0.5, 0.99])
def test_a_truncated_checkpoint(run_dir, keep):
    path = run_dir / "diagnostics" / "step_00001000.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if keep > 1 else int(keep * len(whole))])
    assert f"{path}: cut short or damaged" in refusal(load_run, run_dir)


def test_a_checkpoint_with_a_flipped_byte(run_dir):
    path = run_dir / "diagnostics" / "step_00001000.npz"
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    assert str(path) in refusal(load_run, run_dir)


def test_a_pickled_checkpoint_is_never_opened(run_dir):
    path = run_dir / "diagnostics" / "step_00002000.npz"
    np.savez(path, env_steps=np.array([print], dtype=object))
    assert str(path) in refusal(load_run, run_dir)
    np.save(path.open("wb"), np.zeros(3))
    assert "expected an .npz archive" in refusal(load_run, run_dir)


def test_a_foreign_archive(run_dir):
    path = run_dir / "diagnostics" / "step_00002000.npz"
    np.savez(path, weights=np.zeros(3))
    assert f"{path}: no int64 scalar 'env_steps'" in refusal(load_run, run_dir)
    np.savez(path, env_steps=np.int64(2_000), update=np.int64(4))
    assert f"{path}: no variables: momentum_jax of a version that it does not name wrote it" in refusal(
        load_run, run_dir
    )
    os.replace(path, path.with_name("other.npz"))
    assert "other.npz: not a checkpoint" in refusal(load_run, run_dir)


def test_a_checkpoint_under_another_name(run_dir):
    path = run_dir / "diagnostics" / "step_00001000.npz"
    os.replace(path, path.with_name("step_00002000.npz"))
    assert "step_00002000.npz: holds env_steps 1000" in refusal(load_run, run_dir)


def test_a_newer_schema(run_dir):
    path = run_dir / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"schema_version": SCHEMA_VERSION + 1}))
    assert f"{path}: schema version {SCHEMA_VERSION + 1} is newer" in refusal(load_run, run_dir)


@pytest.mark.parametrize("content", ["", '{"experiment": "sma', "[1]", "{}", '{"schema_version": true}'])
def test_a_half_written_or_foreign_config(run_dir, content):
    (run_dir / "config.json").write_text(content)
    assert str(run_dir / "config.json") in refusal(load_run, run_dir)


def test_a_foreign_directory(tmp_path):
    assert "is not a run directory" in refusal(load_run, tmp_path)
    assert "is not a run directory" in refusal(load_run, tmp_path / "absent")


def test_a_run_without_checkpoints(tmp_path, config):
    create_run(tmp_path / "run", config)
    assert "no checkpoint yet" in refusal(load_run, tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("reward_sum", np.zeros((2, 3), np.float32), "reward_sum is float32 (2, 3), expected float64"),
        ("reward_sum", np.zeros((3, 2)), "expected float64 (2, 3) [arm, seed]"),
        ("flat_count", np.zeros((2, 3, 6, 5), int), "[arm, seed, setup_score, action]"),
        ("novelty", np.zeros((2, 3)), "unknown variables ['novelty']"),
        ("entropy", None, "missing variables ['entropy']"),
    ],
)
def test_arrays_unlike_the_table(run_dir, arrays, name, value, words):
    changed = arrays(2) | {name: value}
    if value is None:
        del changed[name]
    assert words in refusal(write_checkpoint, run_dir, 2_000, 4, changed)
    assert load_run(run_dir).sizes["checkpoint"] == 2


def test_a_variable_that_this_version_does_not_know_is_refused_with_the_version_that_wrote_it(run_dir, config):
    path = run_dir / "diagnostics" / "step_00001000.npz"
    write_arrays(path, {**read_arrays(path), "novelty": np.zeros((2, 3))})
    replace_config(run_dir, config | {"versions": {"momentum_jax": "9.1.0"}, "git_commit": "abc"})
    words = (
        f"{path}: unknown variables ['novelty']: momentum_jax 9.1.0 wrote it (git commit abc), this is {__version__}"
    )
    assert words in refusal(load_run, run_dir)


def test_negative_steps(run_dir, arrays):
    assert "expected 0 or more" in refusal(write_checkpoint, run_dir, -1, 0, arrays(2))


def test_policies_of_a_wrong_arm_or_seed_count(run_dir):
    assert "'tune9'" in refusal(write_policy, run_dir, "tune9", {})
    assert "expected 3 seeds in front" in refusal(write_policy, run_dir, "tune2", {"a": np.zeros(3), "b": np.zeros(2)})
    assert not list(run_dir.glob("policies/*"))


def test_objects_are_not_written(tmp_path):
    assert "expected numbers" in refusal(write_arrays, tmp_path / "a.npz", {"a": np.array([object()])})


def test_a_write_that_was_killed_leaves_the_old_run(run_dir):
    half = run_dir / "diagnostics" / ".step_00002000.npz.123.tmp"
    half.write_bytes(b"PK\x03\x04 half")
    (run_dir / ".config.json.123.tmp").write_text('{"exp')
    assert load_run(run_dir)["env_steps"].values.tolist() == [0, 1_000]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def fail(*_arguments):
        raise OSError("disk full")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
