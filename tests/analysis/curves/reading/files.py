"""The same known curves in every format that is read, each written by the library that others write it with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

STEPS = np.arange(1, 13) * 1_000
SEEDS = (0, 1, 2, 7)


def curves(arms: int = 1) -> np.ndarray:
    """[arm, seed, K]: every value is another, and none needs more digits than a file keeps."""
    arm, seed, step = np.indices((arms, len(SEEDS), len(STEPS)))
    return 100.0 * arm + 10.0 * seed + step / 8


def tidy(arms: tuple[str, ...] = ("ppo",)) -> pd.DataFrame:
    """Columns arm, seed, step, value."""
    values = curves(len(arms))
    arm, seed, step = (index.ravel() for index in np.indices(values.shape))
    return pd.DataFrame(
        {
            "arm": np.array(arms, object)[arm],
            "seed": np.array(SEEDS)[seed],
            "step": STEPS[step],
            "value": values.ravel(),
        }
    )


def write_events(folder: Path, values: np.ndarray, tag: str, steps: np.ndarray = STEPS) -> None:
    """One event file, as tensorboardX writes it."""
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            writer.add_scalar(tag, value, step)
            writer.add_scalar("losses/value", 1.0, step)


def write_monitor(path: Path, returns: np.ndarray, lengths: np.ndarray, times: np.ndarray | None = None) -> Path:
    """As stable_baselines3.common.monitor.ResultsWriter writes it: a comment in JSON, then r, l, t by DictWriter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(len(returns)) if times is None else times
    rows = [f"{r:g},{n},{t:g}\r\n" for r, n, t in zip(returns, lengths, times, strict=True)]
    header = json.dumps({"t_start": 1_700_000_000.0, "env_id": "CartPole-v1"})
    path.write_text(f"#{header}\nr,l,t\r\n" + "".join(rows), encoding="utf-8", newline="")
    return path


def write_evaluations(path: Path, results: np.ndarray, steps: np.ndarray = STEPS) -> Path:
    """As stable_baselines3.common.callbacks.EvalCallback writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, timesteps=steps.tolist(), results=results.tolist(), ep_lengths=np.ones(results.shape, int).tolist())
    return path


def wandb_table(metric: str = "eval/return", runs: Callable[[int], str] = "ppo-seed{}".format) -> pd.DataFrame:
    """As the panel's export of Weights & Biases: the mean of a bucket and its extremes, three columns a run."""
    columns: dict[str, object] = {"Step": STEPS}
    for seed, values in zip(SEEDS, curves()[0], strict=True):
        for end in ("", "__MIN", "__MAX"):
            columns[f"{runs(seed)} - {metric}{end}"] = values
    return pd.DataFrame(columns)
