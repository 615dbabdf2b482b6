"""Arms and seeds from what runs are called."""

from __future__ import annotations

import pytest

from momentum_jax.analysis.curves.reading.run_names import run_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["ppo/seed_0", "ppo/seed_1", "dqn/seed_0"], ["ppo 0", "ppo 1", "dqn 0"]),
        (["run_seed3", "run_seed10"], ["run 3", "run 10"]),
        (["seed=1_lr=0.1", "seed=2_lr=0.1"], ["lr=0.1 1", "lr=0.1 2"]),
        (["PPO_1", "PPO_2", "DQN_1", "DQN_2"], ["PPO 1", "PPO 2", "DQN 1", "DQN 2"]),
        (["0", "1", "02"], ["all 0", "all 1", "all 2"]),
        (["run-4", "run-5"], ["all 4", "all 5"]),
        # Names that happen to end in numbers are no arms of one seed each.
        (["dry-sun-12", "calm-sea-3"], ["all dry-sun-12", "all calm-sea-3"]),
        # A seed that is called so stays one, though each arm has but one.
        (["ppo_seed1", "dqn_seed2"], ["ppo 1", "dqn 2"]),
        (["a/x", "a/y", "b/x", "b/y"], ["a x", "a y", "b x", "b y"]),
        (["x", "y"], ["all x", "all y"]),
        (["lr_0.1/seed_1", "lr_0.2/seed_1"], ["lr_0.1 1", "lr_0.2 1"]),
        (["seed_1", "seed_01"], ["all seed_1", "all seed_01"]),
        (["speed_1", "speed_2"], ["speed 1", "speed 2"]),
        (["lr_0.001_seed0", "lr_0.01_seed0"], ["lr_0.001 0", "lr_0.01 0"]),
        (["seed3_lr0.001", "seed11_lr0.01"], ["lr0.001 3", "lr0.01 11"]),
        (["seed.0", "seed.1"], ["all 0", "all 1"]),
        # Digits behind a decimal point are no seed.
        (["lr_0.1", "lr_0.2"], ["all lr_0.1", "all lr_0.2"]),
        (["lr_0.1_0", "lr_0.1_1", "lr_0.2_0", "lr_0.2_1"], ["lr_0.1 0", "lr_0.1 1", "lr_0.2 0", "lr_0.2 1"]),
        (["s_0.1_run1", "s_0.2_run1"], ["s_0.1 1", "s_0.2 1"]),
    ],
)
def test_names_hold_arm_and_seed(names, expected):
    assert [" ".join(run) for run in run_names(names)] == expected
