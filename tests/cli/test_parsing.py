"""The command line, in this process: what is parsed, and what is refused with one line."""

from __future__ import annotations

import dataclasses

import pytest

import experiments
from momentum_jax.cli import command_line
from momentum_jax.config.checkpoint_steps import default_checkpoints
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_options import NEED_BLACK_SCHOLES, SHAPING_REWARDS, EnvOptions
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.ppo.hyper_parameters import PPOConfig


def parse(line):
    return command_line.parse(["launch.py", *line.split()], experiments.load, experiments.names())


def test_the_reference_systems_own_flags():
    line = (
        "--symbols SPY,QQQ,SPX --timesteps 500000 --model-name X --human-momentum --data-source csv --data-path b.csv"
        " --vix-path vix.csv --intraday-days 60 --learning-rate 3e-5 --ent-coef 0.08 --gamma 0.92 --n-steps 512"
    )
    command = parse(line)
    config = command.config
    assert str(command.run_dir) == "runs/X"
    assert (config.timesteps, config.market.symbols) == (500_000, ("SPY", "QQQ", "SPX"))
    assert (config.market.data_source, config.market.intraday_days) == ("csv", 60)
    ppo = config.arms[0].ppo
    assert (ppo.learning_rate, ppo.ent_coef, ppo.gamma, ppo.num_steps) == (3e-5, 0.08, 0.92, 512)


def test_dashes_and_underscores_mean_the_same():
    dashes, underscores = "--num-seeds=3 --ent-coef=-0.0", "--num_seeds=3 --ent_coef=-0.0"
    assert parse(dashes).config == parse(underscores).config


def test_a_value_keeps_its_dashes():
    assert str(parse("--run-dir=runs/a-b").run_dir) == "runs/a-b"


@pytest.mark.parametrize("owner", [EnvOptions, PPOConfig, RunConfig])
def test_every_declared_field_is_a_flag_that_arrives(owner):
    values = {float: "0.25", int: "64", tuple: "7,8", str: "relu"}
    beside = {"trim_cost_share": " --trim_reduces_cost", "forced_trim_rate": " --trims_legal=false"}
    beside["eval_max_steps"] = " --eval_episodes=2"
    beside["mark_to_market"] = " --session_episodes"
    beside["lstm_size"] = " --network=lstm"
    beside |= dict.fromkeys(NEED_BLACK_SCHOLES, " --session_episodes --mark_to_market=black_scholes")
    special = {
        "evaluate_every": "2",
        "put_sign": "-1",
        "matmul_precision": "tf32",
        "mark_to_market": "black_scholes",
        "implied_volatility": "calibrated",
        "fill": "next_open",
        "minibatching": "rotation",
        "network": "layer_norm",
        "optimizer": "sgd",
        "put_setup": "-1",
        "fixed_streams": "init",
        "minibatch_size": "128",
        "num_steps": "1024",
        "group_width": "3",
    }
    for field in dataclasses.fields(owner):
        if "help" not in field.metadata:
            continue
        kind = tuple if str(field.type).startswith("tuple") else type(field.default)
        other = str(not field.default).lower() if kind is bool else values.get(kind, "64")
        text = special.get(field.name) or other
        config = parse(f"--{field.name}={text}{beside.get(field.name, '')}").config
        holder = {EnvOptions: config.arms[0].env, PPOConfig: config.arms[0].ppo, RunConfig: config}[owner]
        assert getattr(holder, field.name) != field.default, field.name


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--experiment=tune9", ["tune9", "tune2", "trim_trap"]),
        ("--nonsense=1", ["nonsense"]),
        ("stray", ["stray", "--name=value"]),
        ("--num_seeds=-3", ["num_seeds=-3", "at least 1"]),
        ("--num_seeds=many", ["num_seeds", "many"]),
        ("--first_seed=-1", ["first_seed=-1", "at least 0"]),
        ("--gamma=1.2", ["gamma=1.2", "at most 1"]),
        ("--gamma=nan", ["gamma=nan", "finite"]),
        ("--learning_rate=-1", ["learning_rate=-1", "at least 0"]),
        ("--num_steps=500", ["num_steps=500", "minibatch_size=64", "divide"]),
        ("--n-steps=100 --num_envs=3", ["300", "minibatch_size=64"]),
        ("--activation=sin", ["activation", "tanh"]),
        ("--hidden_sizes=64,wide", ["hidden_sizes", "64,64"]),
        ("--put_sign=0.5", ["put_sign=0.5", "+1 or -1"]),
        ("--preset=other", ["preset", "reference_1217"]),
        ("--timesteps=0", ["timesteps=0", "at least 1"]),
        ("--checkpoints=5000,200000", ["200000", "timesteps=100000"]),
        ("--fixed_streams=init,luck", ["luck", "minibatch"]),
        ("--experiment=entropy --ent_coef=0.1", ["ent_coef", "differ"]),
        ("--nohuman_momentum", ["human_momentum"]),
        ("--data_source=csv", ["data_path"]),
        ("--data_source=ftp", ["data_source", "csv"]),
        ("--start_date=2024-13-01 --data_source=csv --data_path=a --vix_path=b", ["2024-13-01", "YYYY-MM-DD"]),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(line, words):
    with pytest.raises((ConfigError, DataError)) as refused:
        parse(line)
    message = str(refused.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_help_names_every_flag_and_experiment():
    text = parse("--help")
    for name in (*experiments.names(), "learning_rate", "trim_reduces_cost", "run_dir", "vix_path", "preset"):
        assert name in text
    assert max(map(len, text.splitlines())) <= 110


def test_the_realistic_preset_brings_its_market_unless_a_flag_says_otherwise():
    found = parse("--experiment=tune2 --preset=realistic").config
    assert (found.market.vix_timing, found.market.segments) == ("previous", "all")
    assert (found.arms[0].env.mark_to_market, found.arms[0].env.call_bonus) == ("black_scholes", 0.0)
    found = parse("--preset=realistic --segments=first --commission=1 --fill=next_open").config
    assert (found.market.vix_timing, found.market.segments) == ("previous", "first")
    assert (found.arms[0].env.commission, found.arms[0].env.fill) == (1.0, "next_open")


def test_the_realistic_experiment_is_the_preset_with_and_without_costs_and_with_tune2s_rewards():
    config = parse("--experiment=realistic").config
    arms = {arm.name: arm.env for arm in config.arms}
    preset = parse("--preset=realistic").config
    # The study's runs struck options in steps of 1 for every symbol.
    assert arms["realistic"] == dataclasses.replace(preset.arms[0].env, strike_step=1.0)
    assert config.market == preset.market
    assert len(config.programs) == 1
    assert (arms["without_costs"].commission, arms["without_costs"].half_spread) == (0.0, 0.0)
    shaped, tune2 = arms["shaped"], EnvOptions()
    assert all(getattr(shaped, name) == getattr(tune2, name) for name in (*SHAPING_REWARDS, "tier_weight"))
    assert shaped.account_value_weight == 0 and shaped.switches == arms["realistic"].switches


def test_presets_go_on_top_of_an_arms_weights():
    arm = parse("--experiment=baseline --preset=reference_1217 --position_hold=-0.2").config.arms[0]
    assert (arm.env.call_bonus, arm.env.low_advantage_penalty, arm.env.position_hold) == (0.05, -0.15, -0.2)


def test_published_settings_of_the_experiments():
    weights = {name: experiments.load(name).arms[0] for name in ("baseline", "tune1", "tune2", "tune3", "full")}
    table = {
        "baseline": (0.05, 0.02, -0.02, 0.0, -0.07, 0.02),
        "tune1": (0.10, 0.08, -0.05, -0.001, -0.03, 0.06),
        "tune2": (0.12, 0.10, -0.06, -0.0005, -0.03, 0.08),
        "tune3": (0.12, 0.10, -0.06, -0.0005, -0.03, 0.10),
        "full": (0.12, 0.10, -0.06, -0.0005, -0.03, 0.08),
    }
    names = ("call_bonus", "put_bonus", "missed_penalty", "hold_tax", "chase_penalty")
    for name, arm in weights.items():
        assert (*(getattr(arm.env, field) for field in names), arm.ppo.ent_coef) == table[name]
    assert experiments.load("full").timesteps == 500_000
    doses = [arm.ppo.ent_coef for arm in experiments.load("entropy").arms]
    assert doses == [0.02, 0.04, 0.06, 0.08, 0.10, 0.12]
    assert [arm.env.trim_reduces_cost for arm in experiments.load("trim_trap").arms] == [False, True]


def test_checkpoints_are_dense_then_spaced_and_always_hold_the_published_steps():
    steps = default_checkpoints(500_000)
    assert steps[:21] == tuple(range(0, 20_001, 1_000))
    assert {5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000} <= set(steps)
    assert list(steps) == sorted(set(steps))
    assert len(steps) < 60
    config = parse("--timesteps=3000").config
    assert config.planned_checkpoints == (0, 1_000, 2_000, 3_000, 3_072)
