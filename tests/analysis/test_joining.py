"""Several runs: what is paired, what is left out, what is refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from momentum_jax.analysis.report.arm_settings import common_settings, differing_settings, numeric_dose
from momentum_jax.analysis.report.build import write_report
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.run_directory import load_run
from momentum_jax.run_directory.joining import ComparisonError, load_runs
from tests.analysis.conftest import STEPS


def change_config(run_dir, **changes):
    path = run_dir / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_common_seeds_are_paired_by_number(simulate):
    first = simulate(arms=("a",), num_seeds=4, name="one")
    second = simulate(arms=("b",), num_seeds=3, name="two")
    change_config(second, seeds=[9, 2, 0])
    joined = load_runs([first, second])
    assert joined["seed"].values.tolist() == [0, 2] and joined["arm"].values.tolist() == ["a", "b"]
    expected = load_run(second)["flat_count"].sel(arm="b", seed=2).values
    np.testing.assert_array_equal(joined["flat_count"].sel(arm="b", seed=2).values, expected)
    left_out = json.loads(joined.attrs["left_out"])
    assert left_out[0].startswith("2 seeds of one") and left_out[1].startswith("1 seeds of two")


def test_arms_of_the_same_name_carry_their_runs_name(simulate):
    joined = load_runs([simulate(arms=("a", "b"), name="one"), simulate(arms=("a",), name="two")])
    assert joined["arm"].values.tolist() == ["one:a", "b", "two:a"]
    assert [arm["name"] for arm in json.loads(joined.attrs["config"])["arms"]] == ["one:a", "b", "two:a"]


def test_checkpoints_are_taken_up_to_the_first_that_differs(simulate, one_figure):
    longer = simulate(arms=("a",), name="one", steps=(0, 1_000, 5_000, 10_000))
    shorter = simulate(arms=("b",), name="two", steps=(0, 1_000, 4_000))
    joined = load_runs([longer, shorter])
    assert joined["env_steps"].values.tolist() == [0, 1_000]
    assert "2 later checkpoints of one were left out" in json.loads(joined.attrs["left_out"])
    path = write_report([longer, shorter])
    assert path == longer / "report" / "with_two" / "report.md"
    assert "later checkpoints of one" in path.read_text()


def test_probe_states_in_a_position_that_were_drawn_otherwise_are_refused(simulate):
    first, second = simulate(name="one"), simulate(name="two")
    (twins,) = MOMENTUM.probe_sets
    plain = MOMENTUM.to_json()
    del plain["probe_sets"][0]["draw"]  # written before there was such a number
    change_config(second, diagnostics=plain)
    assert load_runs([first, second]).sizes["arm"] == 4
    redrawn = dataclasses.replace(MOMENTUM, probe_sets=(dataclasses.replace(twins, draw=2),))
    change_config(second, diagnostics=redrawn.to_json())
    words = (
        r"two: its probe states in a position were drawn in another way \(number 2\) than those of .*one \(number 1\)"
    )
    with pytest.raises(ComparisonError, match=words):
        load_runs([first, second])


def test_another_environment_is_refused(simulate):
    first, second = simulate(name="one"), simulate(name="two")
    change_config(second, diagnostics=dataclasses.replace(MOMENTUM, environment="CartPole-v1").to_json())
    with pytest.raises(ComparisonError, match=r"two: trained on CartPole-v1, .*one on momentum; they are not compared"):
        load_runs([first, second])
    swapped = dataclasses.replace(MOMENTUM, actions=(*MOMENTUM.actions[1:], "WAIT"))
    change_config(second, diagnostics=swapped.to_json())
    with pytest.raises(ComparisonError, match="two: its labels of action differ from those of"):
        load_runs([first, second])


def test_a_variable_that_one_run_does_not_have_is_nan_in_it(simulate):
    first, second = simulate(arms=("a",), name="one"), simulate(arms=("b",), name="two")
    fewer = tuple(variable for variable in MOMENTUM.variables if variable.name != "trim")
    change_config(first, diagnostics=dataclasses.replace(MOMENTUM, variables=fewer, shown_events=()).to_json())
    for path in (first / "diagnostics").glob("*.npz"):
        arrays = dict(np.load(path))
        del arrays["trim"]
        np.savez(path, **arrays)
    for runs in ([first, second], [second, first]):
        joined = load_runs(runs)
        assert joined["trim"].sel(arm="a").isnull().all() and joined["trim"].sel(arm="b").notnull().all()


def test_other_data_are_refused(simulate):
    first, second = simulate(name="one"), simulate(name="two")
    change_config(second, data={"fingerprint": "sha256:fedc"})
    with pytest.raises(ComparisonError, match=r"two: data fingerprint sha256:fedc, unlike sha256:0123"):
        load_runs([first, second])


def test_other_probe_states_are_refused(simulate):
    first, second = simulate(name="one"), simulate(name="two")
    path = second / "diagnostics" / f"step_{STEPS[0]:08d}.npz"
    arrays = dict(np.load(path))
    arrays["probe_count"][..., 0, :2] += [1, -1]
    np.savez_compressed(path, **arrays)
    with pytest.raises(ComparisonError, match=r"probe states \(probe_count\) of arm tune2 differ"):
        load_runs([first, second])


def test_arms_that_judge_setups_otherwise_may_count_probe_states_otherwise(simulate):
    first, second = simulate(arms=("a",), name="one"), simulate(arms=("b",), name="two")
    change_config(second, arms=[{"name": "b", "env": {"put_setup": -1.0}, "ppo": {}}])
    for step in STEPS:
        path = second / "diagnostics" / f"step_{step:08d}.npz"
        arrays = dict(np.load(path))
        arrays["probe_count"][..., 0, :2] += [1, -1]
        np.savez_compressed(path, **arrays)
    assert load_runs([first, second]).sizes["arm"] == 2


def test_runs_without_a_common_seed_or_checkpoint_are_refused(simulate):
    first, second = simulate(name="one"), simulate(name="two", num_seeds=1)
    change_config(second, seeds=[99])
    with pytest.raises(ComparisonError, match="no seed in common"):
        load_runs([first, second])
    third = simulate(name="three", steps=(0, 500, 2_000))
    with pytest.raises(ComparisonError, match="first checkpoints differ"):
        load_runs([first, third])
    with pytest.raises(ComparisonError, match="expected at least one"):
        load_runs([])


def arm(name, **ppo):
    return {"name": name, "env": {"hold_tax": 0.0}, "ppo": {"ent_coef": 0.08, "hidden": [64], **ppo}}


def test_what_arms_differ_in():
    arms = [arm("a"), arm("b", ent_coef=0.1)]
    assert differing_settings(arms).to_dict("records") == [{"setting": "ppo.ent_coef", "a": "0.08", "b": "0.1"}]
    assert common_settings(arms)["setting"].tolist() == ["env.hold_tax", "ppo.hidden"]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_setting_that_an_older_version_did_not_have_was_its_default(turn):
    """Arms differ by its value, not by having one; where an arm recorded no settings, nothing is known."""
    older = arm("older")
    newer = {**arm("newer"), "env": {"hold_tax": 0.0, "stop_fires": True, "yoked_stop_rate": 0.5}}
    (row,) = differing_settings([older, newer][::turn]).to_dict("records")
    assert row == {"setting": "env.yoked_stop_rate", "older": "0.0", "newer": "0.5"}
    assert numeric_dose([older, newer][::turn]) == ("env.yoked_stop_rate", [0.0, 0.5][::turn])
    unknown = {"name": "unknown"}
    assert set(differing_settings([unknown, newer])["unknown"]) == {"–"}


def test_a_dose_is_one_number_that_differs_in_every_arm():
    assert numeric_dose([arm("a"), arm("b", ent_coef=0.1)]) == ("ppo.ent_coef", [0.08, 0.1])
    assert numeric_dose([arm("a")]) is None
    assert numeric_dose([arm("a"), arm("b")]) is None
    assert numeric_dose([arm("a"), arm("b", ent_coef=0.1), arm("c", ent_coef=0.1)]) is None
    assert numeric_dose([arm("a"), arm("b", ent_coef=0.1, hidden=[32])]) is None
    assert numeric_dose([arm("a", anneal=True), arm("b", anneal=False)]) is None
