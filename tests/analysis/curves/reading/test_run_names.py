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
        (["pole__1234567", "ring__1234568"], ["all pole__1234567", "all ring__1234568"]),
        (["a2c", "td3"], ["all a2c", "all td3"]),
    ],
)
def test_names_hold_arm_and_seed(names, expected):
    assert [" ".join(run) for run in run_names(names)] == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Pole-v1__ppo__1__1714566645", "Pole-v1__dqn__1__1714566645"], ["Pole-v1__ppo 1", "Pole-v1__dqn 1"]),
        (["pole__1__1714566645", "pole__2__1714566646"], ["pole 1", "pole 2"]),
        (["May01_12-30-45_ppo1", "May01_12-30-46_ppo2"], ["ppo 1", "ppo 2"]),
        (["2024-05-01_12-30-45_seed1", "2024-05-01_12-31-02_seed2"], ["all 1", "all 2"]),
        (["runs/2024-05-01/12-30-45/0", "runs/2024-05-01/12-30-45/1"], ["runs 0", "runs 1"]),
        (["20240501-ppo-1", "20240501-dqn-1"], ["ppo 1", "dqn 1"]),
        (["PPO_84a1d_00000_0_seed=1_2024-05-01_12-30-45", "PPO_84a1d_00001_1_seed=2"], ["PPO 1", "PPO 2"]),
    ],
)
def test_times_are_left_out_where_names_differ_without_them(names, expected):
    assert [" ".join(run) for run in run_names(names)] == expected


@pytest.mark.parametrize(
    "names",
    [
        ["May01_12-30-45_node12", "May01_12-31-02_node12", "May01_12-32-02_node12"],
        ["2024-05-01_12-30-45_ppo1", "2024-05-01_12-31-45_ppo1"],
        ["2024-05-01_12-30-45_seed1", "2024-05-01_12-31-45_seed1"],
        ["20240501_123045_gpu0", "20240501_123145_gpu0"],
        ["run_20240501_123045", "run_20240501_123145", "run_20240502_123145"],
        ["run_2024_05_01-12_30_45", "run_2024_05_01-12_31_45"],
        ["May01_12-30-45_a", "May01_12-30-50_a", "May01_12-31-45_a", "May01_12-31-50_a"],
        ["2024-05-01/12-30-45", "2024-05-01/12-31-45", "2024-05-02/12-30-45", "2024-05-02/12-31-45"],
        ["PPO_84a1d_00000_0_2024-05-01_12-30-45", "PPO_84a1d_00001_1_2024-05-01_12-30-45"],
    ],
)
def test_names_that_differ_in_their_times_alone_are_seeds_of_one_arm(names):
    assert run_names(names) == [("all", name) for name in names]


def test_several_names_beside_times_are_arms():
    names = [f"{arm}/May01_12-3{minute}-45" for arm in ("ppo", "dqn") for minute in range(3)]
    assert run_names(names) == [(name[:3], name) for name in names]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["ppo_1000000_1", "ppo_2000000_1"], ["ppo_1000000 1", "ppo_2000000 1"]),
        (["lr_0.000001_1", "lr_0.000002_1"], ["lr_0.000001 1", "lr_0.000002 1"]),
        (["ppo_seed1714566645", "dqn_seed1714566645"], ["ppo 1714566645", "dqn 1714566645"]),
        (["ppo_64_64_10", "ppo_64_64_9"], ["ppo_64_64 10", "ppo_64_64 9"]),
        (["net_64-64-64_1", "net_32-32-32_1"], ["net_64-64-64 1", "net_32-32-32 1"]),
    ],
)
def test_settings_and_long_seeds_are_no_times(names, expected):
    assert [" ".join(run) for run in run_names(names)] == expected


def test_a_comma_separates_as_in_overrides_of_hydra():
    assert run_names(["lr=0.1,seed=1", "lr=0.2,seed=1"]) == [("lr=0.1", "1"), ("lr=0.2", "1")]
    assert run_names(["seed=1,lr=0.1", "seed=2,lr=0.1"]) == [("lr=0.1", "1"), ("lr=0.1", "2")]


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
