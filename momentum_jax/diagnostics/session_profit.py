"""Profit of a frozen policy on whole sessions, as a run records it at checkpoints. No JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from momentum_jax.diagnostics.evaluation import EVALUATED

SESSION_DIM = "session"
VALIDATION = "validation_"  # how the names of the variables of days begin
_DATE = slice(10)  # of a label


@dataclass(frozen=True, kw_only=True)
class TradedSessions:
    """The sessions on which every run's policy trades at checkpoints.

    Attributes:
      every: it trades at every so many-th checkpoint, from the first on, and at the last.
      labels: S of them, date and symbol, such as ``2024-02-12 SPY``; empty while the data are not loaded.
    """

    every: int
    labels: tuple[str, ...] = ()

    @property
    def num_days(self) -> int:
        return len({label[_DATE] for label in self.labels})


class SessionProfits(NamedTuple):
    """What S sessions brought each of `EVALUATED`; leaves [..., 2, S]."""

    pnl: Any  # float32 dollars after costs, on the initial capital
    trades: Any  # float32: positions that were closed


def summarize_sessions(profits: SessionProfits, sessions: TradedSessions) -> dict[str, np.ndarray]:
    """What is recorded of [runs, 2, ≥ S] profits, float64 by the variables' names; those beyond S are left out.

    A day's profit is the mean over its symbols, for the capital is split evenly; its trades are added up. The standard
    error is that of independent days.
    """
    pnl, trades = (np.asarray(leaf, np.float64)[..., : len(sessions.labels)] for leaf in profits)
    days = np.unique([label[_DATE] for label in sessions.labels], return_inverse=True)[1]
    of_day = days[:, None] == np.arange(sessions.num_days)  # [S, D]
    daily = pnl @ (of_day / of_day.sum(axis=0))
    count = sessions.num_days
    unknown = np.full(daily.shape[:-1], np.nan)
    return {
        "validation_pnl": daily.mean(axis=-1),
        "validation_pnl_se": daily.std(axis=-1, ddof=1) / np.sqrt(count) if count > 1 else unknown,
        "validation_trades": trades.sum(axis=-1) / count,
        "session_pnl": pnl,
    }


def not_traded(num_runs: int, sessions: TradedSessions) -> dict[str, np.ndarray]:
    """What is recorded at a checkpoint at which nothing is traded: NaN."""
    nothing = np.full((num_runs, len(EVALUATED), len(sessions.labels)), np.nan)
    return summarize_sessions(SessionProfits(nothing, nothing), sessions)
