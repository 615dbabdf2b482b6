"""Arms with values by seed: what they mean, what is refused before anything is compiled, and how they are kept."""

from __future__ import annotations

import dataclasses
import json

import pytest

from momentum_jax import field_checks
from momentum_jax.config import Arm, EnvOptions, Experiment, PPOConfig, RunConfig, resolve_arms
from momentum_jax.fields import ConfigError

BY_SEED = {"ent_coef": (0.0, 0.25, 0.5), "call_bonus": (1.0, 2.0, 3.0), "trim_reduces_cost": (True, False, True)}


def make_config(by_seed, num_seeds=3, **settings):
    return RunConfig(experiment="test", arms=(Arm(name="a", by_seed=by_seed),), num_seeds=num_seeds, **settings)


def test_each_seed_has_its_own_values_and_the_arms_others():
    arm = Arm(name="a", env=EnvOptions(put_bonus=7.0), ppo=PPOConfig(gamma=0.5), by_seed=BY_SEED)
    for position in range(3):
        own = arm.of_seed(position)
        assert own.ppo == PPOConfig(gamma=0.5, ent_coef=BY_SEED["ent_coef"][position])
        bonus, reduces = BY_SEED["call_bonus"][position], BY_SEED["trim_reduces_cost"][position]
        assert own.env == EnvOptions(put_bonus=7.0, call_bonus=bonus, trim_reduces_cost=reduces)
        assert own.by_seed == {} and own.name == "a"


@pytest.mark.parametrize(
    ("by_seed", "words"),
    [
        ({"ent_cof": (0.1, 0.2, 0.3)}, "by_seed of arm a='ent_cof' is unknown: choose one of .*; did you mean ent_co"),
        ({"num_steps": (1, 2, 3)}, "by_seed of arm a has num_steps, in which seeds of one program cannot differ"),
        ({"network": ("a", "b", "c")}, "has network, in which seeds of one program cannot differ: make an arm for"),
        ({"gamma": (0.1, 0.2)}, r"has 2 values of gamma for 3 seed\(s\): give one for each seed in the run's order"),
        ({"gamma": 0.5}, r"arm a: by_seed\['gamma'\]=0.5 is a float, expected a tuple of numbers .*=\(0.5,\)$"),
        ({"gamma": "0.5"}, r"arm a: by_seed\['gamma'\]='0.5' is text, expected a tuple of numbers .*=\(0.5,\)$"),
        ({"gamma": (0.1, None, 0.3)}, r"by_seed\['gamma'\]=\(0.1, None, 0.3\), expected a tuple of numbers"),
        ({"gamma": (0.1, True, 0.3)}, "has True among the values of gamma: expected a number"),
        ({"liquidate_at_end": (True, 0.5, False)}, "has 0.5 among the values of liquidate_at_end: expected True"),
        ({"gamma": (0.1, 0.2, 1.5)}, "by_seed of arm a, seed 12: gamma=1.5 is too large: use at most 1"),
        ({"put_sign": (1, 0.5, 1)}, "by_seed of arm a, seed 11: put_sign=0.5 is not a sign"),
        ({"ent_coef": (0.1, float("nan"), 0.3)}, "seed 11: ent_coef=nan is not a finite number"),
    ],
)
def test_values_that_cannot_be_are_refused_in_one_line(by_seed, words):
    with pytest.raises(ConfigError, match=words) as caught:
        make_config(by_seed, first_seed=10).validate()
    assert "\n" not in str(caught.value)


def test_the_advice_is_right():
    """One value for each seed in the run's order, and numbers or truth values as the option has them."""
    for by_seed, num_seeds in ((BY_SEED, 3), ({"gamma": (0.1, 0.2)}, 2)):
        config = make_config(by_seed, num_seeds)
        config.validate()
        own = [config.arms[0].of_seed(position) for position in range(num_seeds)]
        for name, values in by_seed.items():
            assert tuple(getattr(one.ppo if hasattr(one.ppo, name) else one.env, name) for one in own) == values


def test_the_work_of_checking_grows_with_the_number_of_seeds_and_no_faster(monkeypatch):
    """Each seed's arm is made of its own values; those of all seeds are not converted once more for it."""
    converted = []
    fitted = field_checks._fitted
    monkeypatch.setattr(field_checks, "_fitted", lambda kind, value: converted.append(kind) or fitted(kind, value))

    def conversions(num_seeds):
        arm = Arm(name="a", by_seed={"ent_coef": tuple(0.1 for _ in range(num_seeds))})
        converted.clear()
        arm.validate(range(num_seeds))
        return len(converted)

    few, many = conversions(10), conversions(100)
    assert few > 0 and many <= 10 * few


def test_in_a_run_with_other_seeds_each_keeps_its_values():
    arm = Arm(name="a", by_seed={"gamma": (0.1, 0.2, 0.3), "ent_coef": (1.0, 2.0, 3.0)})
    assert arm.for_seeds(range(7, 10), (8, 9)).by_seed == {"gamma": (0.2, 0.3), "ent_coef": (2.0, 3.0)}
    assert arm.for_seeds(range(7, 10), range(7, 10)) == arm
    with pytest.raises(ConfigError, match="no value for seed 10: choose seeds from 7 to 9"):
        arm.for_seeds(range(7, 10), (8, 9, 10))


def test_options_of_the_momentum_environment_are_refused_on_another_one():
    make_config({"ent_coef": (0.0, 0.25, 0.5)}, environment="CartPole-v1").validate()
    with pytest.raises(ConfigError, match="arm a has settings of the environment momentum"):
        make_config(BY_SEED, environment="CartPole-v1").validate()


def test_a_run_keeps_them_in_its_config_and_reads_them_back():
    config = make_config(BY_SEED)
    plain = json.loads(json.dumps(config.to_json()))
    assert plain["arms"][0]["by_seed"]["ent_coef"] == [0.0, 0.25, 0.5]
    assert RunConfig.from_json(plain).arms == config.arms
    del plain["arms"][0]["by_seed"]  # written before there was such a thing
    assert RunConfig.from_json(plain).arms == (Arm(name="a"),)


def test_flags_and_presets_do_not_lie_on_top_of_them():
    arms = (Arm(name="a", by_seed={"ent_coef": (0.1, 0.2), "flat_hold": (0.0, 1.0)}),)
    with pytest.raises(ConfigError, match="ent_coef is what the seeds of arm a differ in: leave --ent_coef out"):
        resolve_arms(arms, "reference", {"ent_coef": 0.3})
    with pytest.raises(ConfigError, match="preset=reference_1217 sets flat_hold, in which the seeds of arm a differ"):
        resolve_arms(arms, "reference_1217", {})
    (resolved,) = resolve_arms(arms, "reference", {"gamma": 0.5})
    assert resolved.by_seed == arms[0].by_seed and resolved.of_seed(1).ppo == PPOConfig(gamma=0.5, ent_coef=0.2)


def test_a_run_is_not_made_longer_if_one_of_its_seeds_anneals():
    config = make_config({"anneal_learning_rate": (False, False, True)}, timesteps=1_024)
    with pytest.raises(ConfigError, match="arm a anneals its learning rate to zero"):
        config.extended(2_048)
    still = dataclasses.replace(config, arms=(Arm(name="a", by_seed={"ent_coef": (0.1, 0.2, 0.3)}),))
    assert still.extended(2_048).arms == still.arms


def test_an_experiment_may_declare_them():
    experiment = Experiment(name="mine", description="", arms=(Arm(name="a", by_seed={"gamma": (0.1, 0.2)}),))
    assert experiment.arms[0].of_seed(0).ppo.gamma == 0.1
