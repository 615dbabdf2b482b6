"""What the atlas says of an environment that it leaves out, by the pilot itself."""

from __future__ import annotations

import re

import pytest

from experiments.atlas.environments import BY_PUREJAX, LEFT_OUT
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.run_directory import load_run
from tests.training.resumed_runs import train

STEPS = 65_536


@pytest.mark.slow
def test_frozen_lake_gains_too_little_for_a_dip_to_be_seen(tmp_path):
    pilot = RunConfig(
        experiment="pilot",
        environment="FrozenLake-misc",
        arms=(Arm(name="ppo", ppo=BY_PUREJAX),),
        timesteps=STEPS,
        checkpoints=(STEPS,),
        first_seed=9_001,  # none of the study's
        num_seeds=8,
        eval_episodes=64,
    )
    train(tmp_path / "run", pilot)
    ends = load_run(tmp_path / "run").sel(arm="ppo", evaluated="sampled").isel(checkpoint=[0, -1]).mean("seed")
    start, last = ends["eval_return"].values
    reason = LEFT_OUT["FrozenLake-misc"]
    said = [float(number) for number in re.findall(r"\d\.\d+", reason)]
    assert [start, last] == pytest.approx(said, abs=0.01) and "65 536 steps" in reason
    assert (last - start) / 5 < 0.4 * ends["eval_return_se"].values[-1]
