"""Replayed updates: the copy as it was is the run's own update, edits touch what they say, and paths add up."""

from __future__ import annotations

import dataclasses
import io
from functools import partial

import jax
import numpy as np
import pandas as pd
import pytest

from experiments.early_dip import counterfactual, counterfactual_results
from experiments.early_dip import counterfactual_update as replaying
from momentum_jax.config import EnvOptions, PPOConfig
from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env.momentum_events import EVENT_WORD
from momentum_jax.ppo import learner
from momentum_jax.ppo.streams import seed_streams
from tests import quick_programs

CONFIG = PPOConfig(num_steps=64, minibatch_size=32, num_epochs=1, hidden_sizes=(8,), learning_rate=1e-3)


@pytest.fixture(scope="module")
def replayed(market):
    """A state after a few updates, the state after the next, and what its copies do."""
    params = market.params
    probes = replaying.TASK.probe_states(params.market)[PRIMARY]
    state = replaying._init(CONFIG, params, seed_streams(0))
    for _ in range(2):
        before = state
        state, found = replaying.replay(CONFIG, params, np.int32(4), probes, before)
    return before, state, found, probes


@pytest.mark.slow
def test_the_run_goes_on_with_its_own_update(market, replayed):
    before, after, found, probes = replayed
    update = jax.jit(partial(learner.update, replaying.TASK, CONFIG), compiler_options=quick_programs.OPTIONS)
    plain, record = update(market.params, np.int32(4), before)
    for ours, expected in zip(jax.tree.leaves(after.params), jax.tree.leaves(plain.params), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)
    held = [
        float(replaying._p_hold(CONFIG, market.params, probes, dataclasses.replace(before, params=state.params)))
        for state in (before, plain)
    ]
    assert float(found.before) == pytest.approx(held[0], abs=1e-6)
    assert float(found.change[0, 0]) == pytest.approx(held[1] - held[0], abs=2e-6)
    assert int(found.forced_stops) == int(EVENT_WORD.flag(record.event, "forced_stop").sum()) > 0
    assert int(found.flat_decisions) == int(EVENT_WORD.flag(record.event, "is_flat").sum())


def test_the_copies_differ(replayed):
    change = np.asarray(replayed[2].change)
    assert change.shape == (2, 3) and len(np.unique(change)) == 6


def test_an_edit_touches_the_stops_rewards_alone():
    event = EVENT_WORD.pack(
        np.zeros((3, 2), np.int32),
        is_flat=np.array([[True, False], [False, False], [False, True]]),
        forced_stop=np.array([[False, False], [True, False], [False, False]]),
    )
    rewards = np.arange(1.0, 7.0, dtype=np.float32).reshape(3, 2)
    is_flat = EVENT_WORD.flag(event, "is_flat")
    copies, heard = replaying._copies(jax.numpy.asarray(rewards), event, jax.numpy.asarray(is_flat))
    edited = [[1, 2], [0, 4], [5, 6]]
    assert np.asarray(copies).tolist() == [rewards.tolist()] * 3 + [edited] * 3
    # Environment by environment, as a batch has them.
    flat = [1, 0, 0, 0, 0, 1]
    assert np.asarray(heard).tolist() == [[1] * 6, flat, [1 - place for place in flat]] * 2


CHANGES = {
    ("as_they_were", "all"): 5.0,
    ("as_they_were", "flat"): 3.0,
    ("as_they_were", "position"): 1.5,
    ("no_stop_reward", "all"): 1.0,
    ("no_stop_reward", "flat"): 0.75,
    ("no_stop_reward", "position"): 0.5,
}


def rows(seeds=10, updates=4):
    """Changes that grow with the update, and differ a little between seeds."""
    return pd.DataFrame(
        {"seed": seed, "update": update, "rewards": reward, "decisions": kind, "change": update * value + 0.01 * seed}
        for (reward, kind), value in CHANGES.items()
        for seed in range(seeds)
        for update in range(1, updates + 1)
    )


def test_the_paths_are_differences_between_copies_and_the_rest_is_their_interaction():
    found = counterfactual_results.effects(rows().sample(frac=1, random_state=0))
    update = np.arange(1, 5)
    for path, value in {"all": 4.0, "flat": 2.25, "position": 1.0, "interaction": 0.75}.items():
        np.testing.assert_allclose(found["stops"][path], np.broadcast_to(value * update, (10, 4)), atol=1e-9)
    np.testing.assert_allclose(found["update"]["position"][3], 1.5 * update + 0.03)
    np.testing.assert_allclose(found["update"]["interaction"][3], 0.5 * update - 0.03)


def test_the_table_has_means_of_the_halves_and_of_the_whole():
    table = counterfactual_results.effect_table(rows()).set_index(["effect", "updates", "path"])
    effect, path = counterfactual_results.EFFECTS["update"], counterfactual_results.PATHS["all"]
    assert table.loc[(effect, "1 to 2", path), "points_an_update"] == pytest.approx(7.5 + 0.045)
    assert table.loc[(effect, "3 to 4", path), "points_an_update"] == pytest.approx(17.5 + 0.045)
    whole = table.loc[(effect, "1 to 4", path)]
    assert whole["points_an_update"] == pytest.approx(12.5 + 0.045) and whole["seeds"] == 10
    assert whole["points_an_update_low"] < 12.545 < whole["points_an_update_high"]


def test_the_figure_has_a_line_for_each_path():
    drawn = counterfactual_results.plot_effects(rows(), "made up")
    assert [len(axis.get_lines()) - 1 for axis in drawn.axes] == [4, 4]
    drawn.canvas.print_png(io.BytesIO())


@pytest.mark.parametrize(
    ("words", "message"), [([], "give the file to write"), (["--out=x", "y"], "'y' is not a flag: write --name=value")]
)
def test_a_line_that_cannot_be_is_refused(words, message, capsys):
    assert counterfactual.main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_the_options_replayed_are_tune2s():
    assert counterfactual.tune2.ARM.env == EnvOptions() and counterfactual.tune2.ARM.ppo == PPOConfig()
