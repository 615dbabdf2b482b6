"""Seeds that diverge: found and said at once, left out of everything, and computed no longer than they are worth."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.analysis.metrics.derived_curves import failed_steps
from momentum_jax.analysis.report import build, terminal
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.variables import table
from momentum_jax.env import registry
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.market.dataset import Dataset
from momentum_jax.processes.interruption import Interrupted
from momentum_jax.training import runner
from momentum_jax.training.engine import Engine
from momentum_jax.training.progress import checkpoint_line
from momentum_jax.training.recorder import Checkpoint
from tests.markets import make_segment
from tests.training.resumable import SMALL
from tests.training.resumed_runs import train as train_until

LEARNING_RATES = {"lost": 1e30, "calm": 3e-5, "huge": 1e3}
ARMS = tuple(
    Arm(name=name, ppo=dataclasses.replace(SMALL, learning_rate=rate)) for name, rate in LEARNING_RATES.items()
)
STEPS = SMALL.rollout_size
CONFIG = RunConfig(
    experiment="diverging", arms=ARMS, timesteps=10 * STEPS, checkpoints=(2 * STEPS, 6 * STEPS), num_seeds=2
)
# Each arm is a group of its own.
CONFIG = dataclasses.replace(CONFIG, num_devices=1, group_width=(2,), state_interval=0.0)


@pytest.fixture(scope="module", autouse=True)
def made_up_market():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load_dataset", lambda config: Dataset([make_segment()], []))
        yield


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """A run of all three arms: its directory, what was said, and how often each group was advanced."""
    run_dir, said, advanced = tmp_path_factory.mktemp("runs") / "run", [], []
    update = Engine.update

    def counted(self, group):
        advanced.append(group)
        return update(self, group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "update", counted)
        runner.train(CONFIG, run_dir, said.append)
    return SimpleNamespace(run_dir=run_dir, said=said, advanced=np.bincount(advanced).tolist())


def test_diverged_seeds_are_marked_with_the_step_whether_or_not_they_are_finite(diverged):
    run = momentum_jax.load_run(diverged.run_dir)
    failed = run.failed_step.isel(checkpoint=-1)
    assert failed.sel(arm="lost").values.tolist() == failed.sel(arm="huge").values.tolist() == [STEPS, STEPS]
    assert failed.sel(arm="calm").values.tolist() == [-1, -1]
    assert np.isfinite(run.value_loss.sel(arm="huge").isel(checkpoint=slice(1, None))).all()
    assert run_directory.failed_seeds(diverged.run_dir).tolist() == [[True, True], [False, False], [True, True]]


def test_an_arm_without_a_healthy_seed_is_named_at_once_and_in_the_log(diverged):
    lines = [
        "arm lost: every seed has failed by step 64: losses are not finite, its training stops",
        "arm huge: every seed has failed by step 64: value losses are above divergence_limit=10000",
    ]
    log = (diverged.run_dir / "log.txt").read_text().splitlines()
    for found in (diverged.said, log):
        assert [line for line in found if line.startswith("arm ")] == lines
        first_checkpoint = next(place for place, line in enumerate(found) if line.startswith("step 128"))
        assert all(found.index(line) < first_checkpoint for line in lines)
        assert "; 4 of 6 runs have failed" in found[first_checkpoint] and "nan" not in found[first_checkpoint]


def test_an_arm_of_parameters_that_are_not_finite_trains_no_further(diverged):
    """One update is in flight when the losses of the one before are seen."""
    assert diverged.advanced == [2, 10, 10]
    run = momentum_jax.load_run(diverged.run_dir)
    counted = run.flat_count.sum(["setup_score", "action"])
    assert (counted.sel(arm="lost").isel(checkpoint=1) > 0).all()  # the rollout that was learned from
    assert (counted.sel(arm="lost").isel(checkpoint=slice(2, None)) == 0).all()
    assert (run.reward_sum.sel(arm="lost").isel(checkpoint=slice(2, None)) == 0).all()
    assert run.entropy.sel(arm="lost").isel(checkpoint=slice(2, None)).isnull().all()
    for arm in ("calm", "huge"):
        assert (counted.sel(arm=arm).isel(checkpoint=slice(1, None)) > 0).all()
    steps = next(line for line in diverged.said if line.startswith("trained"))
    assert steps.startswith(f"trained {STEPS * (2 * 2 + 2 * 10 + 2 * 10):,} environment steps")


def test_the_healthy_arm_is_what_it_is_alone(diverged, tmp_path):
    runner.train(dataclasses.replace(CONFIG, arms=ARMS[1:2]), tmp_path / "run", lambda line: None)
    alone, beside = momentum_jax.load_run(tmp_path / "run"), momentum_jax.load_run(diverged.run_dir)
    for name in table(MOMENTUM):
        np.testing.assert_array_equal(alone[name].sel(arm="calm"), beside[name].sel(arm="calm"), err_msg=name)


@pytest.mark.parametrize("width", [2, 6])
def test_a_stopped_arm_resumes_to_the_same_numbers_in_other_groups_too(diverged, tmp_path, width):
    run_dir = tmp_path / "run"
    with pytest.raises(Interrupted):
        train_until(run_dir, CONFIG, stop_at=2 * STEPS)
    train_until(run_dir, dataclasses.replace(CONFIG, group_width=(width,)), resume=True)
    ours, theirs = momentum_jax.load_run(run_dir), momentum_jax.load_run(diverged.run_dir)
    for name in table(MOMENTUM):
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_tables_and_the_report_leave_them_out_and_say_why(diverged):
    shown = terminal.summary(diverged.run_dir)
    text = Path(build.write_report(diverged.run_dir)).read_text()
    assert "4 run(s) FAILED" in shown
    for words in (
        "Every seed of lost failed: the warnings below",
        "4 of 6 runs failed",
        "lost, seed 0: non-finite loss",
        "huge, seed 1: value loss above 10000 at step",
    ):
        assert words in text
    rows = [line for line in shown.splitlines() if line.lstrip().startswith(("lost ", "huge "))]
    assert rows and all("0/0" in row for row in rows)
    for found in (shown, text):
        assert not re.search(r"\bnan\b", found)


def test_a_policy_that_diverged_is_not_handed_out(diverged):
    for arm in ("lost", "huge"):
        with pytest.raises(run_directory.RunDirectoryError, match=f"seed 1 of arm '{arm}' diverged"):
            momentum_jax.load_policy(diverged.run_dir, arm, 1)
    momentum_jax.load_policy(diverged.run_dir, "calm", 1)


def test_a_run_from_before_there_was_a_limit_is_judged_by_it(diverged):
    run = momentum_jax.load_run(diverged.run_dir)
    run["failed_step"][:] = -1
    assert failed_steps(run).sel(arm="huge").values.tolist() == [2 * STEPS] * 2  # the window's end
    assert failed_steps(run).sel(arm="calm").values.tolist() == [-1, -1]


def test_a_checkpoint_of_failed_runs_alone_says_so():
    shape = (1, 3)
    arrays = {"failed_step": np.full(shape, 64), "flat_count": np.zeros((*shape, 5, 6), int)}
    arrays |= {"probe_count": np.ones((*shape, 2, 5), int), "p_action": np.full((*shape, 2, 5, 6), np.nan)}
    assert checkpoint_line(Checkpoint(1_000, 2, arrays), MOMENTUM) == "step 1 000: all 3 runs have failed"
