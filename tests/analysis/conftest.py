"""A simulated run directory whose curves are known, written with the store's own functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from momentum_jax.analysis.report import build
from momentum_jax.diagnostics.variables import shapes, table
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.run_directory import create_run, write_checkpoint

STEPS = (0, *range(1_000, 21_000, 1_000), 25_000, 32_000, 40_000, 50_000, 63_000, 80_000, 100_000)
KNOTS = (0, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000)
HOLD = (0.33, 0.53, 0.55, 0.70, 0.45, 0.28, 0.06)
PROBE_STATES = 1_024
SCORE_SHARE = np.array([0.15, 0.2, 0.2, 0.2, 0.25])
POSITION_SHARE = 0.25  # of the steps; every step that is neither flat nor this one's is a forced stop's


def hold_probability(step: float, wiggle: float) -> float:
    """The mean HOLD probability of one seed; `wiggle` shifts it after the start."""
    shifted = np.interp(step, KNOTS, HOLD) + wiggle * min(step / 10_000, 1)
    return float(np.clip(shifted, 0.02, 0.95))


def action_probabilities(hold: float) -> np.ndarray:
    """[setup_score, action] of a policy that holds less at strong setups."""
    by_score = np.clip(hold + np.array([0.06, 0.04, 0.02, -0.05, -0.06]), 0.01, 0.99)
    found = np.zeros((5, 6))
    found[:, 0] = by_score
    found[:, 1] = 0.6 * (1 - by_score)
    found[:, 2] = 0.4 * (1 - by_score)
    return found


def checkpoint_arrays(
    key: np.random.Generator,
    wiggles: np.ndarray,
    start: int,
    step: int,
    failed_at: dict[tuple[int, int], int],
) -> dict[str, np.ndarray]:
    """Every variable of one checkpoint, [arm, seed, ...]."""
    lead = wiggles.shape
    arrays = {
        name: np.full((*lead, *shapes(MOMENTUM)[name]), np.nan if variable.dtype == "float64" else 0, variable.dtype)
        for name, variable in table(MOMENTUM).items()
    }
    arrays["failed_step"][...] = -1
    arrays["probe_count"][...] = np.round(PROBE_STATES * SCORE_SHARE).astype(np.int64)
    for index in np.ndindex(lead):
        failed = failed_at.get(index)
        if failed is not None and step >= failed:
            arrays["failed_step"][index] = failed
            continue
        arrays["p_action"][index] = action_probabilities(hold_probability(step, wiggles[index]))
        middle = action_probabilities(hold_probability((start + step) / 2, wiggles[index]))
        for score, decisions in enumerate(key.multinomial((step - start) // 2, SCORE_SHARE)):
            arrays["flat_count"][index][score] = key.multinomial(decisions, middle[score] / middle[score].sum())
        strong = arrays["flat_count"][index][3:].sum(axis=0)
        arrays["good_buy"][index] = strong[1:3].sum()
        arrays["missed_opportunity"][index] = strong[0]
        _fill_position(arrays, index, hold_probability(step, wiggles[index]), int(POSITION_SHARE * (step - start)))
    return arrays


def position_probabilities(hold: float) -> np.ndarray:
    """[action] in a position, of a policy that holds there more than while flat."""
    held = hold + 0.3 * (1 - hold)
    return np.array([held, 0, 0, 0.3 * (1 - held), 0.2 * (1 - held), 0.5 * (1 - held)])


def _fill_position(arrays: dict[str, np.ndarray], index: tuple[int, ...], hold: float, decisions: int) -> None:
    """What a seed does in a position; each action has a reward of its own."""
    arrays["p_action_position"][index] = position_probabilities(hold)
    arrays["probe_count_position"][index] = PROBE_STATES
    arrays["position_count"][index] = np.round(decisions * position_probabilities(hold)).astype(np.int64)
    arrays["position_reward_sum"][index] = 0.01 * np.arange(6) * arrays["position_count"][index]
    arrays["churn"][index], arrays["policy_kl"][index] = 0.2 * hold, 0.1 * hold
    arrays["churn_position"][index], arrays["policy_kl_position"][index] = 0.1 * hold, 0.05 * hold


@pytest.fixture
def one_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have their first figure alone: drawing the others is most of the work, and their tests have them all."""
    whole = build.gallery
    monkeypatch.setattr(build, "gallery", lambda *arguments: itertools.islice(whole(*arguments), 1))


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run: ``simulate(arms, num_seeds, steps, failed={(arm index, seed index): step})``."""
    return simulator(tmp_path)


def simulator(folder: Path) -> Callable[..., Path]:
    """What `simulate` is, writing into `folder`."""

    def write(
        arms: Sequence[str] = ("tune2", "tune3"),
        num_seeds: int = 6,
        steps: Sequence[int] = STEPS,
        failed: dict[tuple[int, int], int] | None = None,
        name: str = "run",
    ) -> Path:
        key = np.random.default_rng(7)
        wiggles = 0.05 * key.standard_normal((len(arms), num_seeds))
        run_dir = folder / name
        config = {
            "experiment": "simulated",
            "arms": [{"name": arm, "env": {}, "ppo": {"ent_coef": 0.08}} for arm in arms],
            "seeds": list(range(num_seeds)),
            "timesteps": STEPS[-1],
            "checkpoints": list(STEPS),
            "versions": {"numpy": np.__version__},
            "device": "cpu",
            "data": {"fingerprint": "sha256:0123456789abcdef"},
            "diagnostics": MOMENTUM.to_json(),
            "git_commit": None,
        }
        create_run(run_dir, config)
        for start, step in zip((0, *steps), steps, strict=False):
            arrays = checkpoint_arrays(key, wiggles, start, step, failed or {})
            write_checkpoint(run_dir, step, step // 512, arrays)
        return run_dir

    return write
