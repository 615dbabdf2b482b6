"""What a run may not go on with is refused with the difference; runs of older versions go on."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.config.arms import Arm
from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics.variables import table
from momentum_jax.env import momentum_probes, registry
from momentum_jax.env.momentum_diagnostics import BEFORE_DESCRIPTIONS, MOMENTUM
from momentum_jax.fields import ConfigError
from momentum_jax.market.dataset import Dataset
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.run_directory import config_json
from momentum_jax.run_directory.atomic_files import read_arrays, write_arrays
from momentum_jax.training.resume import compatibility
from tests.markets import make_segment
from tests.training.resumable import ARMS, SMALL, make_config
from tests.training.resumed_runs import interrupt, train


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_seeds": 4}, "seeds"),
        ({"fixed_streams": ("init",)}, "fixed_streams"),
        ({"timesteps": 1_400, "checkpoints": ()}, "timesteps was 1500, now 1400"),
        (
            {"arms": (dataclasses.replace(ARMS[0], ppo=dataclasses.replace(SMALL, gamma=0.5)), ARMS[1])},
            "gamma was 0.92, now 0.5",
        ),
        (
            {
                "arms": tuple(
                    dataclasses.replace(a, ppo=dataclasses.replace(SMALL, matmul_precision="tf32")) for a in ARMS
                )
            },
            r"arms\[0\].ppo.matmul_precision was float32, now tf32",
        ),
    ],
)
def test_changed_settings_are_refused_with_the_difference(tmp_path, change, words):
    interrupt(tmp_path / "run", 200)
    config = dataclasses.replace(make_config(), **change)
    with pytest.raises(ConfigError, match=words):
        train(tmp_path / "run", config, resume=True)


def test_changed_data_is_refused_with_the_difference(tmp_path, monkeypatch):
    interrupt(tmp_path / "run", 200)
    monkeypatch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment(seed=1)], []))
    with pytest.raises(ConfigError, match=r"data\.fingerprint was "):
        train(tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("novelty",), r"config\.json has unknown \['novelty'\]"),
        (("arms", 0, "ppo", "novelty"), r"PPOConfig has unknown fields \['novelty'\]"),
    ],
)
def test_a_run_of_a_newer_version_is_refused_with_that_version(tmp_path, uninterrupted, place, words):
    run_dir = tmp_path / "run"
    shutil.copytree(uninterrupted, run_dir)
    config = run_directory.read_config(run_dir)
    assert config["versions"]["momentum_jax"] == momentum_jax.__version__
    config["versions"]["momentum_jax"] = "9.1.0"
    owner = config
    for step in place[:-1]:
        owner = owner[step]
    owner[place[-1]] = 1
    run_directory.replace_config(run_dir, config)
    with pytest.raises(ConfigError, match=rf"{words}: momentum_jax 9\.1\.0 wrote it .* resume it with that"):
        train(run_dir, resume=True)


def test_a_run_of_an_older_version_goes_on(tmp_path, uninterrupted):
    """What was not recorded yet has its default's meaning; the width of all groups was one number."""
    run_dir = tmp_path / "run"
    shutil.copytree(uninterrupted, run_dir)
    config = run_directory.read_config(run_dir)
    for name in ("jax_settings", "probe_draw", "num_processes", "claims", "fixed_streams"):
        del config[name]
    del config["data"]["regime"], config["market"]["vix_timing"], config["versions"]["momentum_jax"]
    for arm in config["arms"]:
        del arm["ppo"]["network"], arm["ppo"]["optimizer"]
        del arm["ppo"]["matmul_precision"], arm["env"]["decision_time_setup"], arm["redrawn_streams"]
    config["group_width"] = 3
    run_directory.replace_config(run_dir, config)
    assert "finished already" in train(run_dir, resume=True)[0]
    assert compatibility.stored_run(run_dir).group_width == (3,)


def test_a_run_that_recorded_numbers_and_dates_in_another_form_goes_on(tmp_path):
    """Types were not checked, and a date had several spellings."""
    run_dir = tmp_path / "run"
    dates = {"start_date": "2024-01-02", "end_date": "2024-02-20"}
    market, machine = MarketConfig(**dates, intraday_days=5), {"num_devices": 1}
    interrupt(run_dir, 200, dataclasses.replace(make_config(), market=market, **machine))
    config, expected = run_directory.read_config(run_dir), run_directory.read_config(run_dir)
    spelled = {"start_date": "20240102", "end_date": "2024-W08-2", "intraday_days": 5.0}
    config = config | {"timesteps": float(config["timesteps"]), "checkpoints": [*map(float, config["checkpoints"])]}
    config |= {"market": config["market"] | spelled, **{name: float(value) for name, value in machine.items()}}
    for arm in config["arms"]:
        arm["ppo"] = arm["ppo"] | {"num_envs": float(arm["ppo"]["num_envs"]), "hidden_sizes": [16.0]}
    path = run_dir / "config.json"
    path.write_text(json.dumps(config))
    assert json.dumps(run_directory.read_config(run_dir)) == json.dumps(expected)
    assert compatibility.stored_run(run_dir).market == market
    train(run_dir, dataclasses.replace(make_config(), market=market, **machine), resume=True)
    assert run_directory.is_finished(run_dir)


def test_values_by_seed_that_were_recorded_in_another_form_get_the_type_of_their_option():
    by_seed = {"critic_only_updates": (10, 0), "gamma": (0.5, 1.0), "anneal_learning_rate": (True, False)}
    config = RunConfig(experiment="e", arms=(Arm(name="a", by_seed=by_seed),), num_seeds=2)
    stored = json.loads(json.dumps(config.to_json()))
    stored["arms"][0]["by_seed"]["critic_only_updates"] = [10.0, 0.0]
    found = RunConfig.from_json(config_json.in_present_terms(stored))
    found.validate()
    assert json.dumps(found.to_json()) == json.dumps(config.to_json())
    stored["arms"][0]["by_seed"] = {"no_such_option": [1.0]}
    assert config_json.in_present_terms(stored)["arms"][0]["by_seed"] == {"no_such_option": [1.0]}


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("start_date", "2024-02-30", "write it as YYYY-MM-DD"), ("intraday_days", 2.5, "expected a whole number")],
)
def test_a_market_that_cannot_be_is_refused_with_the_runs_path(tmp_path, uninterrupted, option, value, words):
    run_dir = tmp_path / "run"
    shutil.copytree(uninterrupted, run_dir)
    config = run_directory.read_config(run_dir)
    run_directory.replace_config(run_dir, config | {"market": config["market"] | {option: value}})
    refusal = rf"^{run_dir}: {option}.*{words}.* wrote it .*; resume it with that version$"
    with pytest.raises(ConfigError, match=refusal):
        compatibility.stored_run(run_dir)


def test_a_run_whose_probe_states_were_drawn_otherwise_is_refused(tmp_path, monkeypatch, uninterrupted):
    """Several segments: each one's last bar was drawn too before the draw was recorded."""
    shutil.copytree(uninterrupted, tmp_path / "run")
    config = run_directory.read_config(tmp_path / "run")
    assert config.pop("probe_draw") == 1  # one segment: the same draw as ever
    run_directory.replace_config(tmp_path / "run", config)
    assert "finished already" in train(tmp_path / "run", resume=True)[0]
    with monkeypatch.context() as patch:
        patch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment(), make_segment()], []))
        assert registry.find("momentum", MarketConfig()).load().probe_draw == 2
    refusal = "drew its probe states differently: resume it with that version, or start"
    with monkeypatch.context() as patch:
        patch.setattr(momentum_probes, "draw_version", lambda num_segments: 2)
        with pytest.raises(ConfigError, match=refusal):
            train(tmp_path / "run", resume=True)
    twins = [dataclasses.replace(one, draw=0) for one in MOMENTUM.probe_sets]
    recorded = dataclasses.replace(MOMENTUM, probe_sets=tuple(twins)).to_json()
    run_directory.replace_config(tmp_path / "run", config | {"diagnostics": recorded})
    with pytest.raises(ConfigError, match=refusal):
        train(tmp_path / "run", resume=True)


def test_a_run_that_records_other_variables_is_refused(tmp_path, uninterrupted):
    """Its table asks for what is counted no more. Names in words, labels and metrics may change."""
    shutil.copytree(uninterrupted, tmp_path / "run")
    config = run_directory.read_config(tmp_path / "run")
    renamed = dataclasses.replace(MOMENTUM.variables[1], long_name="said otherwise")
    reworded = dataclasses.replace(MOMENTUM, variables=(MOMENTUM.variables[0], renamed, *MOMENTUM.variables[2:]))
    run_directory.replace_config(tmp_path / "run", config | {"diagnostics": reworded.to_json()})
    assert "finished already" in train(tmp_path / "run", resume=True)[0]
    more = dataclasses.replace(MOMENTUM.variables[-1], name="sneezes")
    other = dataclasses.replace(MOMENTUM, variables=(*MOMENTUM.variables[:-1], more))
    run_directory.replace_config(tmp_path / "run", config | {"diagnostics": other.to_json()})
    with pytest.raises(ConfigError, match=r"recorded other variables of momentum \(sneezes\): momentum_jax .*"):
        train(tmp_path / "run", resume=True)


def test_a_run_that_was_begun_before_some_variables_goes_on_without_them(tmp_path, uninterrupted):
    """It had fewer flags too, and no probe states in a position."""
    run_dir = tmp_path / "run"
    interrupt(run_dir, 200)
    older = dataclasses.replace(BEFORE_DESCRIPTIONS, flags=BEFORE_DESCRIPTIONS.flags[:7])
    run_directory.replace_config(run_dir, run_directory.read_config(run_dir) | {"diagnostics": older.to_json()})
    kept = {"env_steps", "update", *table(older)}
    for path in (run_dir / "diagnostics").glob("*.npz"):
        write_arrays(path, {name: array for name, array in read_arrays(path).items() if name in kept})
    train(run_dir, resume=True)
    found, expected = momentum_jax.load_run(run_dir), momentum_jax.load_run(uninterrupted)
    assert set(found.data_vars) == set(table(older)) and found.attrs["not_recorded"] == "[]"
    for name in table(older):
        np.testing.assert_array_equal(found[name].values, expected[name].values, err_msg=name)


@pytest.mark.parametrize("option", ["anneal_learning_rate", "anneal_clip_range"])
def test_an_annealed_run_is_not_made_longer(option: str):
    annealed = dataclasses.replace(ARMS[0], ppo=dataclasses.replace(SMALL, **{option: True}))
    with pytest.raises(ConfigError, match=rf"anneals .*\({option}\)"):
        dataclasses.replace(make_config(), arms=(annealed,)).extended(3_000)
