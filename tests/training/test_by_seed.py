"""Values by seed inside the programs: each seed trains with its own, whichever seeds and arms run beside it."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training.fleet import Fleet, program_layouts
from tests.quick_programs import compiled_quickly
from tests.training.engine_runs import SMALL
from tests.training.resumable import make_config
from tests.training.resumed_runs import assert_same_run, made_up_market, train  # noqa: F401 (a fixture)

PPO = PPOConfig(**SMALL)
ENT_COEFS, CALL_BONUSES = (0.0, 0.2, 0.4, 0.6, 0.8), (1.0, -1.0, 2.0, -2.0, 3.0)
# An arm before it, and one of another width after it, whose program is another.
BESIDE = Arm(name="beside", ppo=PPO)
BY_SEED = Arm(name="by_seed", ppo=PPO, by_seed={"ent_coef": ENT_COEFS, "call_bonus": CALL_BONUSES})
WIDER = Arm(name="wider", ppo=dataclasses.replace(PPO, hidden_sizes=(4,)), by_seed={"gamma": (0.1, 0.3, 0.5, 0.7, 0.9)})
# Groups of one size, however few runs there are: the parts of it that are trained alone have the same programs.
CONFIG = RunConfig(
    experiment="test", arms=(WIDER, BESIDE, BY_SEED), timesteps=96, num_seeds=5, first_seed=20, group_width=(2,)
)


@pytest.fixture(scope="module", autouse=True)
def quick_programs():
    """What is compared here bit by bit was computed by one program."""
    with compiled_quickly():
        yield


def advanced(config, market, seeds=None, updates=2):
    """Leaves [arms, seeds, ...] of the records of the last update, and parameters by arm."""
    seeds = config.seeds if seeds is None else seeds
    fleet = Fleet(config, Momentum(), market.params.market, program_layouts(config, Momentum(), len(seeds)), seeds)
    for _ in range(updates):
        record = fleet.fetch(fleet.update())
    lead = len(config.arms), len(seeds)
    leaves = [np.asarray(leaf).reshape(*lead, *leaf.shape[1:]) for leaf in jax.tree.leaves(record)]
    kernels = {name: np.stack(list(arrays["policy/dense_1/kernel"].rows)) for name, arrays in fleet.policies()}
    return leaves, kernels


@pytest.fixture(scope="module")
def together(market):
    return advanced(CONFIG, market)


@pytest.mark.parametrize("position", [0, 3])
def test_a_seed_of_an_arm_by_seed_is_the_run_of_that_seed_with_its_values(market, together, position):
    env, ppo = EnvOptions(call_bonus=CALL_BONUSES[position]), dataclasses.replace(PPO, ent_coef=ENT_COEFS[position])
    single = dataclasses.replace(
        CONFIG, arms=(Arm(name="single", env=env, ppo=ppo),), num_seeds=1, first_seed=20 + position
    )
    alone, kernels = advanced(single, market)
    for leaf, expected in zip(together[0], alone, strict=True):
        np.testing.assert_array_equal(leaf[2, position], expected[0, 0])
    np.testing.assert_array_equal(together[1]["by_seed"][position], kernels["single"][0])


def test_the_values_matter_and_each_program_has_its_own(together):
    """Seeds of the arm beside it, and of the other program, learn from other rewards or at another discount."""
    kernels = together[1]
    assert all((kernels["by_seed"][n] != kernels["beside"][n]).any() for n in range(5))
    assert kernels["wider"].shape != kernels["beside"].shape


def test_a_process_with_some_of_the_seeds_has_their_values(market, together):
    """The second of two processes: its first seed is not the run's first."""
    leaves, kernels = advanced(CONFIG, market, seeds=CONFIG.seeds[3:])
    for leaf, expected in zip(leaves, together[0], strict=True):
        np.testing.assert_array_equal(leaf, expected[:, 3:])
    for name in ("by_seed", "wider"):
        np.testing.assert_array_equal(kernels[name], together[1][name][3:])


def test_a_run_goes_on_with_its_values_and_with_no_others(tmp_path):
    arms = tuple(dataclasses.replace(arm, by_seed={"ent_coef": (0.0, 0.3, 0.6)}) for arm in make_config().arms[:1])
    short = dataclasses.replace(make_config(timesteps=256, checkpoints=(128,)), arms=arms)
    train(tmp_path / "run", short)
    others = dataclasses.replace(arms[0], by_seed={"ent_coef": (0.0, 0.3, 0.5)})
    longer = short.extended(512)
    with pytest.raises(ConfigError, match=r"arms\[0\]\.by_seed\.ent_coef\[2\] was 0.6, now 0.5"):
        train(tmp_path / "run", dataclasses.replace(longer, arms=(others,)), resume=True)
    train(tmp_path / "run", longer, resume=True)
    train(tmp_path / "whole", dataclasses.replace(longer, checkpoints=(128, 256)))
    assert_same_run(tmp_path / "run", tmp_path / "whole")
