"""Every field of every configuration has the type that it declares, or is refused in one line with what to write."""

from __future__ import annotations

import ast
import dataclasses
import re
from datetime import date, datetime
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.cli.batch_file import SlurmConfig
from momentum_jax.config import Arm, Claim, Criterion, EnvOptions, Experiment, PPOConfig, RunConfig, experiment_file
from momentum_jax.field_checks import check_fields
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.processes.distributed import DistributedConfig
from momentum_jax.study import Study

ARM = Arm(name="a")
EXPERIMENT = Experiment(name="e", description="", arms=(ARM,))
STUDY = {"name": "s", "question": "?", "primary": "p", "beside": "b", "horizon": 1, "threshold": 5.0}
CONFIGS = (
    ARM,
    EXPERIMENT,
    RunConfig(experiment="e", arms=(ARM,)),
    PPOConfig(),
    EnvOptions(),
    MarketConfig(),
    DistributedConfig(),
    SlurmConfig(),
    Claim(name="c", statement="", unmeasured="so"),
    Criterion(arm="a", metric="m", step=1),
    Study(**STUDY, parts=(EXPERIMENT,), confirmatory=()),
)


def checked(config):
    """A configuration as a run would use it: those of an arm are checked in it."""
    if isinstance(config, PPOConfig):
        return Arm(name="a", ppo=config).ppo
    return Arm(name="a", env=config).env if isinstance(config, EnvOptions) else config


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("wrong", [object(), b"bytes", {1: 2}, {"a", "b"}, [[1]]], ids=lambda value: str(type(value)))
def test_no_field_takes_what_is_of_no_declared_type(config, wrong):
    for field in dataclasses.fields(config):
        if isinstance(wrong, dict) and field.type.startswith("Mapping"):
            continue
        with pytest.raises((ConfigError, DataError), match=rf"{field.name}\b.*, expected ") as caught:
            checked(dataclasses.replace(config, **{field.name: wrong}))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_no_number_is_taken_from_text(config):
    for field in dataclasses.fields(config):
        if re.match("int|float|bool", field.type):
            with pytest.raises((ConfigError, DataError), match=rf"{field.name}='1' is text, expected "):
                checked(dataclasses.replace(config, **{field.name: "1"}))


@pytest.mark.parametrize(
    ("setting", "written", "meant"),
    [
        ("learning_rate", np.float32(1e-3), 1e-3),
        ("learning_rate", np.float32(1 / 3), 0.33333334),
        ("learning_rate", np.float64(1 / 3), 1 / 3),
        ("learning_rate", jnp.asarray(1e-3, jnp.bfloat16), 1e-3),
        ("learning_rate", np.float64(1e-3), 1e-3),
        ("learning_rate", jnp.asarray(0.5), 0.5),
        ("ent_coef", np.array(0.5), 0.5),
        ("ent_coef", 0, 0),
        ("num_envs", np.int64(2), 2),
        ("normalize_advantage", np.bool_(False), False),
        ("normalize_rewards", np.True_, True),
        ("hidden_sizes", [32, 32], (32, 32)),
        ("hidden_sizes", np.array([32, 16]), (32, 16)),
        ("hidden_sizes", (np.int32(8),), (8,)),
        ("hidden_sizes", range(8, 10), (8, 9)),
        ("network", np.str_("lstm"), "lstm"),
    ],
)
def test_what_means_the_same_is_converted(setting, written, meant):
    found = getattr(Arm(name="a", ppo=PPOConfig(**{setting: written})).ppo, setting)
    assert found == meant and type(found) is type(meant)
    if isinstance(meant, tuple):
        assert {type(item) for item in found} == {int}


def test_what_is_inside_is_converted_too():
    arm = Arm(name="a", by_seed={"gamma": np.array([0.5, 0.9], np.float32), "anneal_learning_rate": [True, np.False_]})
    assert arm.by_seed == {"gamma": (0.5, 0.9), "anneal_learning_rate": (True, False)}
    assert [type(value) for value in arm.by_seed["gamma"]] == [float, float]
    experiment = Experiment(
        name="e", description="", arms=[arm], checkpoints=[np.int64(64), 128], num_seeds=np.int64(2)
    )
    assert experiment.arms == (arm,) and experiment.checkpoints == (64, 128) and type(experiment.num_seeds) is int


def test_a_path_is_text(tmp_path):
    market = MarketConfig(data_source="csv", data_path=tmp_path / "bars.csv", vix_path=Path("vix.csv"))
    assert (market.data_path, market.vix_path) == (f"{tmp_path}/bars.csv", "vix.csv")
    assert MarketConfig(cache_path=Path("cache")).cache_path == "cache"
    assert Arm(name="a", ppo=PPOConfig(network=Path("own.py:Net"))).ppo.network == "own.py:Net"


MARKETS = {
    "start_date": (date(2024, 1, 2), "'2024-01-02'"),
    "validation_end": (20240102, "'2024-01-02'"),
    "end_date": (datetime(2024, 1, 2, 9, 30), "'2024-01-02'"),
    "train_end": (np.datetime64("2024-01-02"), "'2024-01-02'"),
    "exclude_findings": ({"wick", "gap"}, "('gap', 'wick')"),
    "symbols": (frozenset({"SPY"}), "('SPY',)"),
}


@pytest.mark.parametrize("option", MARKETS)
def test_dates_and_sets_are_refused_with_what_to_write_and_that_is_taken(option):
    value, advised = MARKETS[option]
    with pytest.raises(DataError, match=rf"^{option}=.*, expected .*: write {option}={re.escape(advised)}$"):
        MarketConfig(**{option: value})
    assert getattr(MarketConfig(**{option: ast.literal_eval(advised)}), option) == ast.literal_eval(advised)


@pytest.mark.parametrize(
    ("option", "remedy"),
    [
        ("start_date", ""),
        ("vix_path", ""),
        ("exclude_findings", ""),
        ("data_source", ": write e.g. data_source='synthetic'"),
    ],
)
def test_no_number_in_place_of_text_is_advised_as_text(option, remedy):
    """It would be refused next."""
    with pytest.raises(DataError, match=rf"^{option}=20240230 is an int, expected [a-zA-Z ]+{re.escape(remedy)}$"):
        MarketConfig(**{option: 20240230})


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("learning_rate", 10**400, "learning_rate=2**1328…, expected a number that a float can hold: write e.g. lear"),
        ("num_envs", 10**5_000, "num_envs=2**16609…, expected a number that a float can hold: write e.g. num_envs=1"),
        ("gamma", 10**400, "gamma=2**1328… is too large: use at most 1"),
        ("gamma", -(10**400), "gamma=-2**1328… is too small: use at least 0"),
        ("learning_rate", float("inf"), "learning_rate=inf is not a finite number"),
    ],
    ids=["no limit", "beyond what Python writes out", "upper limit", "lower limit", "infinite"],
)
def test_a_number_that_no_float_can_hold_is_refused_in_one_line(setting, value, message):
    with pytest.raises(ConfigError, match=rf"^{re.escape(message)}[^\n]*$"):
        checked(PPOConfig(**{setting: value})).validate()


@pytest.mark.parametrize("wrong", [{"sizes": {3: "x"}}, {1, "a"}, b"x"], ids=["dictionary", "set", "bytes"])
def test_what_is_no_dataclass_is_refused_in_a_line_that_can_be_read(wrong):
    """Its default has dozens of fields."""
    for setting, advised in (("env", "EnvOptions()"), ("ppo", "PPOConfig()")):
        with pytest.raises(ConfigError, match=rf": write e\.g\. {setting}={re.escape(advised)}$") as caught:
            Arm(name="a", **{setting: wrong})
        assert len(str(caught.value)) < 150
    with pytest.raises(DataError, match=r"exclude_findings=.* is a set, expected a tuple of texts in quotes$"):
        MarketConfig(exclude_findings={1, "a"})


def test_what_is_right_stays_the_same_object():
    """Whoever makes many arms of one configuration holds it once."""
    ppo, sizes = PPOConfig(), (1_000, 2_000)
    assert Arm(name="a", ppo=ppo).ppo is ppo
    assert PPOConfig(hidden_sizes=sizes).hidden_sizes is sizes


WRONG = {
    "gamma": ("5", "gamma='5' is text, expected a number: write e.g. gamma=0.92"),
    "learning_rate": ("1e-3", "learning_rate='1e-3' is text, expected a number: write learning_rate=0.001"),
    "ent_coef": (True, "ent_coef=True is a bool, expected a number: write e.g. ent_coef=0.08"),
    "vf_coef": (None, "vf_coef is None, expected a number: write e.g. vf_coef=0.5"),
    "normalize_advantage": (
        "False",
        "normalize_advantage='False' is text, expected True or False: write normalize_advantage=False",
    ),
    "normalize_rewards": (1, "normalize_rewards=1 is an int, expected True or False: write normalize_rewards=True"),
    "num_envs": (2.0, "num_envs=2.0 is a float, expected a whole number: write num_envs=2"),
    "num_steps": (0.25, "num_steps=0.25 is a float, expected a whole number: write e.g. num_steps=512"),
    "hidden_sizes": (32, "hidden_sizes=32 is an int, expected a tuple of whole numbers: write hidden_sizes=(32,)"),
    "network": (3, "network=3 is an int, expected text in quotes: write e.g. network='towers'"),
    "activation": (3, "activation=3 is an int, expected text in quotes: write e.g. activation='tanh'"),
}


@pytest.mark.parametrize("setting", WRONG)
def test_the_message_says_what_to_write_and_that_is_taken(setting):
    value, message = WRONG[setting]
    with pytest.raises(ConfigError) as caught:
        checked(PPOConfig(**{setting: value}))
    assert str(caught.value).removeprefix("arm a: ") == message
    advised = ast.literal_eval(message.rpartition("=")[2])
    check_fields(checked(PPOConfig(**{setting: advised})))


HEAD = "import numpy as np\nfrom momentum_jax.config import *\n\nP = PPOConfig(num_steps=64)\n"
FILES = {
    "arms=(Arm(name='a'))": "arms=Arm(…) is an Arm, expected a tuple of Arm: write arms=(Arm(…),)",
    "arms=()": "arms is empty: give at least one, such as arms=(Arm(name='ppo'),)",
    "arms=(Arm(name='a'), Arm(name='a', ppo=P))": "two arms are named 'a': give each a name of its own",
    "arms=(Arm(name='a/b'),)": "arm name 'a/b', expected letters, digits and _.,+=- (it names a file)",
    "arms=(Arm(name='a', ppo=PPOConfig(gamma='5')),)": f"arm a: {WRONG['gamma'][1]}",
    "arms=(Arm(name='a'),), num_seeds='2'": "num_seeds='2' is text, expected a whole number: write num_seeds=2",
    "arms=(Arm(name='a'),), checkpoints=[64, 128.5]": (
        "checkpoints=[64, 128.5], expected a tuple of whole numbers: write checkpoints=(64, 128)"
    ),
    "arms=(Arm(name='a'),), market={'sybmols': ('SPY',)}": "market option='sybmols' is unknown: choose one of ",
}


@pytest.mark.parametrize("text", FILES)
def test_a_mistake_in_an_experiments_file_is_told_with_its_line(text, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"{HEAD}EXPERIMENT = Experiment(name='mine', description='', {text})\n")
    with pytest.raises(ConfigError) as caught:
        experiment_file.load_file(str(path), "experiment")
    assert str(caught.value).startswith(f"experiment='{path}' (line 5): {FILES[text]}")


def test_limits_and_types_hold_for_a_learners_settings_by_themselves():
    for setting, value in (("gamma", "0.5"), ("gamma", 5.0), ("ent_coef", "-3")):
        with pytest.raises(ConfigError, match=setting):
            PPOConfig(**{setting: value}).validate()
