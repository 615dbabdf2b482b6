"""Counts against a plain Python loop, at steps that fall inside rollouts, also with several environments."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.diagnostics.variables import HEALTH_METRICS, table
from momentum_jax.env.momentum_diagnostics import FLAGS, MOMENTUM, SETUP_SCORES
from momentum_jax.training.recorder import Recorder

RUNS, UPDATES = 3, 7
WORD = EventWord.of(MOMENTUM)
ALL_FLAGS = ("episode_end", *FLAGS)
# Counted under their own names.
EVENTS = ["good_buy", "missed_opportunity", "bad_chase", "low_advantage", "forced_stop", "yoked_stop", "forced_trim"]
BY_ACTION = ("flat_count", "position_count", "position_reward_sum", "stop_reward_sum")


def fake_records(rng, steps, envs):
    """Random event words, rewards and metrics of UPDATES updates: [R, T, M] and [R]."""
    records = []
    for _ in range(UPDATES):
        shape = (RUNS, steps, envs)
        word = WORD.pack(
            rng.integers(0, 6, shape, np.int32),
            rng.integers(0, 5, shape, np.int32),
            **{name: rng.random(shape) < 0.2 for name in ALL_FLAGS},
        )
        metrics = {name: rng.normal(size=RUNS) for name in (*HEALTH_METRICS, "loss")}
        metrics["explained_variance"][0] = np.nan
        records.append(
            SimpleNamespace(event=word, reward=rng.normal(size=shape), outcome=rng.normal(size=shape), metrics=metrics)
        )
    return records


def as_update_record(record):
    """The record with what the recorder asks of a `records.UpdateRecord`."""
    from momentum_jax.ppo.records import UpdateMetrics, UpdateRecord

    return UpdateRecord(record.event, record.reward, record.outcome, UpdateMetrics(**record.metrics))


def plain_loop(records, run, steps, envs, checkpoints):
    """The same windows, one step after the other."""
    windows, window, episodes = [], defaultdict(float), [[0.0, 0] for _ in range(envs)]
    window.update({name: Counter() for name in BY_ACTION})
    remaining = list(checkpoints)

    def cut():
        nonlocal window
        windows.append(window)
        window = defaultdict(float)
        window.update({name: Counter() for name in BY_ACTION})

    while remaining and remaining[0] == 0:
        cut()
        remaining.pop(0)
    for taken, (record, t, m) in enumerate(itertools.product(records, range(steps), range(envs)), start=1):
        _count(window, record, (run, t, m), episodes[m])
        if t == steps - 1 and m == envs - 1:  # the last step of the update
            window["updates"] += 1
            window["entropy"] += record.metrics["entropy"][run]
        if remaining and remaining[0] == taken:
            cut()
            remaining.pop(0)
    return windows


def _count(window, record, at, episode):
    word = record.event[at]
    told = {name: bool(WORD.flag(word, name)) for name in ALL_FLAGS}
    action, score = int(word >> 13), int((word >> 10) & 7)  # ten flags, three bits of score
    if told["is_flat"]:
        window["flat_count"][score, action] += 1
    for name in EVENTS:
        window[name] += told[name]
    if told["forced_stop"]:
        window["stop_reward_sum"][action] += record.reward[at]
    if not (told["is_flat"] or told["forced_stop"] or told["yoked_stop"]):
        window["position_count"][action] += 1
        window["position_reward_sum"][action] += record.reward[at]
        window["trim"] += action in (3, 4)
        window["exit"] += action == 5
    if told["trade_closed"]:
        window["trade_count"] += 1
        window["trade_return_sum"] += record.outcome[at]
        window["win_count"] += record.outcome[at] > 0
        window["worst_trade"] = min(window.get("worst_trade", np.inf), record.outcome[at])
    window["reward_sum"] += record.reward[at]
    episode[0] += record.reward[at]
    episode[1] += 1
    if told["episode_end"]:
        window["episode_count"] += 1
        window["episode_return_sum"] += episode[0]
        window["episode_length_sum"] += episode[1]
        episode[:] = 0.0, 0


@pytest.mark.parametrize(
    ("steps", "envs", "checkpoints"),
    [
        (8, 1, (0, 5, 8, 9, 40, 56)),
        (8, 3, (0, 1, 7, 24, 25, 100, 101, 167, 168)),
        (4, 2, (0, 3, 5, 6, 7, 8, 56)),  # several within one update
    ],
)
def test_windows_equal_a_plain_loop(steps, envs, checkpoints):
    records = fake_records(np.random.default_rng(envs), steps, envs)
    recorder = Recorder(RUNS, envs, steps * envs, checkpoints, MOMENTUM)
    cut = [recorder.start()]
    for update, record in enumerate(records):
        cut += recorder.add(update, as_update_record(record))
    assert [checkpoint.env_steps for checkpoint in cut] == list(checkpoints)
    assert [checkpoint.update for checkpoint in cut] == [max(0, s - 1) // (steps * envs) for s in checkpoints]
    for run in range(RUNS):
        for checkpoint, expected in zip(cut, plain_loop(records, run, steps, envs, checkpoints), strict=True):
            _assert_window({name: array[run] for name, array in checkpoint.arrays.items()}, expected)


def _assert_window(arrays, expected):
    for (score, action), count in np.ndenumerate(arrays["flat_count"]):
        assert count == expected["flat_count"][score, action]
    for action in range(6):
        assert arrays["position_count"][action] == expected["position_count"][action]
        for name in ("position_reward_sum", "stop_reward_sum"):
            assert arrays[name][action] == pytest.approx(expected[name][action], abs=1e-12), name
    for name in (*EVENTS, "trim", "exit", "trade_count", "win_count", "episode_count"):
        assert arrays[name] == expected[name], name
    assert arrays["reward_sum"] == pytest.approx(expected["reward_sum"])
    assert arrays["trade_return_sum"] == pytest.approx(expected["trade_return_sum"])
    assert arrays["worst_trade"] == pytest.approx(expected.get("worst_trade", np.nan), nan_ok=True)
    for name in ("episode_return", "episode_length"):
        mean = expected[f"{name}_sum"] / expected["episode_count"] if expected["episode_count"] else np.nan
        assert arrays[name] == pytest.approx(mean, nan_ok=True), name
    entropy = expected["entropy"] / expected["updates"] if expected["updates"] else np.nan
    assert arrays["entropy"] == pytest.approx(entropy, nan_ok=True)


def test_a_word_holds_any_action_beside_every_score_and_flag():
    """Up to the documented limit, in an int32, inside jit and on the host."""
    assert WORD.max_actions == 2**18
    actions = np.array([0, 7, 8, 9, 255, 2**16, WORD.max_actions - 1], np.int32)
    scores = np.array(SETUP_SCORES, np.int32)
    action, score, *bits = np.meshgrid(actions, scores, *[np.array([False, True])] * len(ALL_FLAGS), indexing="ij")
    flags = dict(zip(ALL_FLAGS, bits, strict=True))
    for word in (WORD.pack(action, score, **flags), np.asarray(jax.jit(WORD.pack)(action, score, **flags))):
        assert word.dtype == np.int32 and (word >= 0).all() and np.unique(word).size == word.size
        np.testing.assert_array_equal(WORD.action(word), action)
        np.testing.assert_array_equal(WORD.context(word), score)
        for name, bit in flags.items():
            np.testing.assert_array_equal(WORD.flag(word, name), bit)


def test_an_action_that_the_table_does_not_have_is_counted_nowhere():
    no = np.zeros((1, 1, 1), np.int32)
    record = fake_records(np.random.default_rng(0), 1, 1)[0]
    record.event = np.repeat(WORD.pack(no + 6, no, is_flat=no == 0), RUNS, axis=0)
    recorder = Recorder(RUNS, 1, 1, (0, 1), MOMENTUM)
    recorder.start()
    with pytest.raises(ValueError, match="action 6 is none of the 6 that"):
        list(recorder.add(0, as_update_record(record)))


def test_a_trade_that_ends_where_it_began_is_no_win():
    word = WORD.pack(
        np.zeros((1, 4, 1), np.int32), np.zeros((1, 4, 1), np.int32), trade_closed=np.ones((1, 4, 1), bool)
    )
    outcome = np.array([-0.25, 0.0, 0.5, 0.0])[None, :, None]
    metrics = {name: np.zeros(1) for name in (*HEALTH_METRICS, "loss")}
    record = SimpleNamespace(event=word, reward=np.zeros((1, 4, 1)), outcome=outcome, metrics=metrics)
    recorder = Recorder(1, 1, 4, (0, 4), MOMENTUM)
    recorder.start()
    (checkpoint,) = recorder.add(0, as_update_record(record))
    counted = {name: checkpoint.arrays[name].item() for name in ("trade_count", "win_count", "worst_trade")}
    assert counted == {"trade_count": 4, "win_count": 1, "worst_trade": -0.25}


def test_a_value_loss_above_the_limit_marks_the_run_and_it_counts_on():
    records = fake_records(np.random.default_rng(0), 4, 1)
    for record, loss in zip(records, (10.0, 10.5, 0.0), strict=False):
        record.metrics["value_loss"][1] = loss
    recorder = Recorder(RUNS, 1, 4, (0, 12), MOMENTUM, divergence_limit=10.0)
    recorder.start()
    cut = [checkpoint for update in range(3) for checkpoint in recorder.add(update, as_update_record(records[update]))]
    assert cut[0].arrays["failed_step"].tolist() == [-1, 8, -1]
    expected = sum(record.reward[1].sum() for record in records[:3])
    assert cut[0].arrays["reward_sum"][1] == pytest.approx(expected)
    assert recorder.stopped.tolist() == [False] * RUNS


def test_a_run_whose_losses_are_not_finite_counts_no_further():
    records = fake_records(np.random.default_rng(0), 4, 1)
    records[1].metrics["grad_norm"][2] = np.inf
    recorder = Recorder(RUNS, 1, 4, (0, 8, 16), MOMENTUM)
    cut = [recorder.start()]
    for update in range(4):
        cut += recorder.add(update, as_update_record(records[update]))
    before, after = cut[1].arrays, cut[2].arrays
    assert before["reward_sum"][2] == pytest.approx(sum(record.reward[2].sum() for record in records[:2]))
    assert after["reward_sum"][2] == 0 and after["reward_sum"][0] != 0
    assert all(after[name][2].sum() == 0 for name in ("flat_count", "trade_count", "exit", "episode_count"))
    assert np.isnan(after["entropy"][2]) and not np.isnan(after["entropy"][0])
    # What was saved under way goes on alike; before runs were stopped only such losses counted as failures.
    for older in (False, True):
        state = recorder.state()
        if older:
            del state["stopped"]
        resumed = Recorder(RUNS, 1, 4, (0, 8, 16), MOMENTUM)
        resumed.restore(4, state)
        assert resumed.stopped.tolist() == [False, False, True]


def test_a_state_that_lacks_a_count_is_refused_by_name():
    recorder = Recorder(RUNS, 1, 4, (0, 12), MOMENTUM)
    state = recorder.state()
    del state["counts.exit"]
    with pytest.raises(ValueError, match=r"another version of this program wrote it, without counts\.exit"):
        recorder.restore(1, state)


def test_arrays_are_those_of_the_table_except_the_probes():
    records = fake_records(np.random.default_rng(0), 4, 1)
    recorder = Recorder(RUNS, 1, 4, (0, 3, 28), MOMENTUM)
    (checkpoint,) = recorder.add(0, as_update_record(records[0])) if recorder.start() else ()
    rows = table(MOMENTUM)
    probed = {
        f"{name}{ending}" for name in ("p_action", "probe_count", "churn", "policy_kl") for ending in ("", "_position")
    }
    assert checkpoint.arrays.keys() | probed == rows.keys()
    for name, array in checkpoint.arrays.items():
        assert array.dtype == rows[name].dtype, name


def test_a_metric_that_is_nan_takes_no_part_in_the_mean():
    records = fake_records(np.random.default_rng(0), 4, 1)
    recorder = Recorder(RUNS, 1, 4, (0, 8), MOMENTUM)
    recorder.start()
    assert list(recorder.add(0, as_update_record(records[0]))) == []
    records[1].metrics["explained_variance"][:] = 0.5
    (checkpoint,) = recorder.add(1, as_update_record(records[1]))
    assert checkpoint.arrays["explained_variance"][0] == 0.5
    assert checkpoint.arrays["failed_step"].tolist() == [-1] * RUNS


def test_a_loss_that_is_not_finite_marks_the_run_with_its_step():
    records = fake_records(np.random.default_rng(0), 4, 1)
    records[1].metrics["loss"][2] = np.nan
    records[2].metrics["loss"][2] = np.nan
    recorder = Recorder(RUNS, 1, 4, (0, 12), MOMENTUM)
    recorder.start()
    cut = [checkpoint for update in range(3) for checkpoint in recorder.add(update, as_update_record(records[update]))]
    assert cut[0].arrays["failed_step"].tolist() == [-1, -1, 8]


@pytest.mark.parametrize("stop", [2, 3])
def test_a_recorder_goes_on_from_what_another_had_counted(stop):
    """Stopped inside a window, and at an update's end where a checkpoint has just been cut."""
    records = [as_update_record(record) for record in fake_records(np.random.default_rng(5), 4, 2)]
    checkpoints = (0, 5, 24, 37, 56)

    def recorder():
        return Recorder(RUNS, 2, 8, checkpoints, MOMENTUM)

    whole = recorder()
    expected = [whole.start()] + [one for update in range(UPDATES) for one in whole.add(update, records[update])]
    first, second = recorder(), recorder()
    found = [first.start()] + [one for update in range(stop) for one in first.add(update, records[update])]
    second.restore(stop, first.state())
    found += [one for update in range(stop, UPDATES) for one in second.add(update, records[update])]
    assert [one.env_steps for one in found] == list(checkpoints)
    for one, other in zip(found, expected, strict=True):
        for name, array in other.arrays.items():
            np.testing.assert_array_equal(one.arrays[name], array, err_msg=name)


def test_lengths_that_an_older_version_did_not_count_are_unknown_until_their_episodes_have_ended():
    records = [as_update_record(record) for record in fake_records(np.random.default_rng(5), 4, 1)]
    checkpoints = (0, 10, 14, 28)
    whole, second = (Recorder(RUNS, 1, 4, checkpoints, MOMENTUM) for _ in range(2))
    expected = [whole.start(), *whole.add(0, records[0]), *whole.add(1, records[1])]
    state = {name: array.copy() for name, array in whole.state().items() if "episode_length" not in name}
    expected += [one for update in range(2, UPDATES) for one in whole.add(update, records[update])]
    second.start()
    second.restore(2, state)
    found = [one for update in range(2, UPDATES) for one in second.add(update, records[update])]
    lengths = np.stack([one.arrays.pop("episode_length") for one in found])
    counted = np.stack([one.arrays.pop("episode_length") for one in expected[1:]])
    assert np.isnan(lengths[0]).all() and np.isfinite(lengths[-1]).any()
    np.testing.assert_array_equal(lengths[-1][np.isfinite(lengths[-1])], counted[-1][np.isfinite(lengths[-1])])
    for one, other in zip(found, expected[1:], strict=True):
        for name, array in other.arrays.items():
            np.testing.assert_array_equal(one.arrays[name], array, err_msg=name)
