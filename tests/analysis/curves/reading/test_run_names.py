"""Arms and seeds from what runs are called."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.curves.reading.run_names import is_numbered, names_in_words, run_names


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
        (
            ["dry-sun-12", "calm-sea-3", "dry-sun-4", "red-fog-5"],
            ["all " + n for n in ("dry-sun-12", "calm-sea-3", "dry-sun-4", "red-fog-5")],
        ),
        # One run more of an arm than of the others does not make it none.
        (["ppo_1", "ppo_2", "dqn_1"], ["ppo 1", "ppo 2", "dqn 1"]),
        (
            ["ppo-cart-1", "ppo-cart-2", "dqn-cart-3", "dqn-cart-4"],
            ["ppo-cart 1", "ppo-cart 2", "dqn-cart 3", "dqn-cart 4"],
        ),
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
        (["lr=0.1", "lr=0.2"], ["all lr=0.1", "all lr=0.2"]),
        (["lr0.1", "lr0.2"], ["all lr0.1", "all lr0.2"]),
        (["lr_3e-4", "lr_1e-4"], ["all lr_3e-4", "all lr_1e-4"]),
        (["lr_3e-4_0", "lr_1e-4_0"], ["lr_3e-4 0", "lr_1e-4 0"]),
        (["lr_0.1.0", "lr_0.1.1", "lr_0.2.0"], ["lr_0.1 0", "lr_0.1 1", "lr_0.2 0"]),
        # A number that ends a word is part of it, and the dot behind it separates.
        (["td3.0", "td3.1", "sac.0", "sac.1"], ["td3 0", "td3 1", "sac 0", "sac 1"]),
        (["Pole-v0.0", "Pole-v0.1"], ["Pole-v0 0", "Pole-v0 1"]),
        # However many are alone in their arm, seeds at the end are seeds.
        (["ppo_0", "ppo_1", "a2c_0", "dqn_0"], ["ppo 0", "ppo 1", "a2c 0", "dqn 0"]),
        (["ppo-cart-1", "dqn-cart-1"], ["ppo-cart 1", "dqn-cart 1"]),
        (
            ["a/dry-sun-1", "a/red-sea-2", "b/red-fog-1", "b/dry-sea-2"],
            ["a dry-sun-1", "a red-sea-2", "b red-fog-1", "b dry-sea-2"],
        ),
        # Times, and numbers amid a word, are none.
        (["x_24-05-01_12-30-45", "x_24-05-01_13-30-46"], ["all x_24-05-01_12-30-45", "all x_24-05-01_13-30-46"]),
        (["pole__1__1714566645", "pole__2__1714566646"], ["all pole__1__1714566645", "all pole__2__1714566646"]),
        (["a2c", "td3"], ["all a2c", "all td3"]),
    ],
)
def test_names_hold_arm_and_seed(names, expected):
    assert [" ".join(run) for run in run_names(names)] == expected


@pytest.mark.parametrize("number", [8, 40, 200])
@pytest.mark.parametrize("nouns", [["sweep"], [f"noun{'abcdefghijkl'[place]}" for place in range(12)]])
def test_random_words_of_weights_and_biases_are_no_arms(number, nouns):
    key = np.random.default_rng(number)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b for a in letters[:8] for b in letters[:12]]
    names = [f"{key.choice(words)}-{key.choice(nouns)}-{place + 1}" for place in range(number)]
    assert run_names(names) == [("all", name) for name in names]


@pytest.mark.parametrize("name", ["seed_3", "ppo/run_2", "7", "s3", "td3.0", "sac.11", "lr_0.01_seed3", "lr_0.1.0"])
def test_columns_of_runs_are_numbered(name):
    assert is_numbered(name)


@pytest.mark.parametrize("name", ["lr_0.01", "lr=0.001", "lr0.01", "lr 0.5", "0.5", "lr_3e-4", "td3", "return"])
def test_columns_of_settings_are_not_numbered(name):
    assert not is_numbered(name)


def test_what_the_names_say_is_said():
    """The advice works: seeds at the end of the names make arms."""
    names = ["ppo", "dqn"]
    assert names_in_words(names, run_names(names)) == (
        "Names say no arm and are seeds of one: ppo, dqn …; where they are arms, end them with the word seed and its "
        "number, as in ppo_seed1."
    )
    assert run_names([f"{name}_seed1" for name in names]) == [("ppo", "1"), ("dqn", "1")]
    assert names_in_words(["7", "8"], run_names(["7", "8"])) == "Seeds are taken from names: 7 is seed 7."
