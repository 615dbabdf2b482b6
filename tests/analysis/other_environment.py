"""A made-up environment with words of its own, and simulated runs of it whose curves are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from momentum_jax.config import PPOConfig
from momentum_jax.diagnostics.description import (
    Count,
    DecisionTable,
    Diagnostics,
    Metric,
    Ratio,
    Recorded,
    Share,
    Variable,
)
from momentum_jax.diagnostics.early_steps import EarlySteps
from momentum_jax.diagnostics.variables import shapes, table
from momentum_jax.run_directory import create_run, write_checkpoint

DRIVING = Diagnostics(
    environment="driving",
    actions=("slow", "fast"),
    context="road",
    contexts=("any",),
    flags=("crashed",),
    variables=(
        Variable(
            name="drive_count",
            long_name="decisions by action",
            dims=("road", "action"),
            denominator="turns",
            source=DecisionTable(),
        ),
        Variable(name="crash", long_name="crashes", source=Count(when=("crashed",))),
    ),
    decisions="drive_count",
    metrics=(
        Metric(
            name="fast_pct", label="fast", derived=Share(actions=("fast",)), denominator="turns", exact_name="p_fast"
        ),
        Metric(
            name="episode_return",
            label="return",
            derived=Recorded(variable="episode_return"),
            unit="coins",
            good_direction=1,
        ),
        Metric(
            name="crash_pct",
            label="crashes",
            derived=Ratio(numerator="crash", actions=("fast",)),
            denominator="fast turns",
            good_direction=-1,
        ),
    ),
    primary="episode_return",
    dips_in=("episode_return", "crash_pct"),
    shown_events=("crash",),
    early=EarlySteps(horizon=25_000, baselines=(0, 5_000), landmarks=(5_000, 10_000), prediction=(2_000, 5_000)),
)
STEPS = (0, 1_000, 2_000, 5_000, 7_000, 10_000, 15_000, 25_000, 50_000)
RETURN = (np.nan, -50.0, 0.0, 100.0, 70.0, 40.0, 120.0, 150.0, 150.0)
CRASHES = (0, 10, 10, 10, 20, 30, 20, 5, 5)  # of 100 fast turns
SPREAD = 2.0  # between the returns of neighbouring seeds


def write_run(
    folder: Path,
    diagnostics: Diagnostics = DRIVING,
    arms: Sequence[str] = ("plain", "careful"),
    num_seeds: int = 8,
    claims: Sequence[dict] = (),
    steps: Sequence[int] = STEPS,
    returns: Sequence[float] = RETURN,
) -> Path:
    """A run in which the second arm crashes half as often, and is otherwise the first."""
    run_dir = folder / diagnostics.environment
    config = {
        "experiment": "drive",
        "arms": [{"name": arm, "ppo": dataclasses.asdict(PPOConfig())} for arm in arms],
        "seeds": list(range(num_seeds)),
        "timesteps": steps[-1],
        "checkpoints": list(steps),
        "data": {"fingerprint": "none"},
        "claims": list(claims),
        "diagnostics": diagnostics.to_json(),
    }
    create_run(run_dir, config)
    for place, step in enumerate(steps):
        write_checkpoint(run_dir, step, step // 100, _arrays(diagnostics, len(arms), num_seeds, place, returns[place]))
    return run_dir


def _arrays(
    diagnostics: Diagnostics, num_arms: int, num_seeds: int, place: int, mean_return: float
) -> dict[str, np.ndarray]:
    sizes = shapes(diagnostics)
    arrays = {
        name: np.full((num_arms, num_seeds, *sizes[name]), 0.0 if variable.dtype == "float64" else 0, variable.dtype)
        for name, variable in table(diagnostics).items()
    }
    arrays["failed_step"][...] = -1
    arrays["probe_count"][...] = 64
    arrays["p_action"][...] = [0.25, 0.75]
    arrays["episode_return"][...] = mean_return + SPREAD * np.arange(num_seeds)
    arrays["entropy"][...] = 0.5 - 0.01 * place
    if place:
        arrays["episode_count"][...] = 3
        arrays[diagnostics.decisions][..., 0, :] = [300, 100]
    if "crash" in arrays:
        for arm in range(num_arms):
            arrays["crash"][arm] = CRASHES[place % len(CRASHES)] // (arm + 1)
    return arrays
