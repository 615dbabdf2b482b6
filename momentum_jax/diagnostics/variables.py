"""The one table of recorded variables: names, dimensions, types and what they mean.

Every variable has the leading dimensions ``[arm, seed]`` in a checkpoint file and
``[arm, seed, checkpoint]`` in a loaded run; `Variable.dims` lists what follows them.
The writer, the reader and the analysis take shapes, types and attributes from here, so
that a new variable is one new row. This module imports neither jax nor xarray.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["windowed", "instant", "cumulative"]
Estimator = Literal["sampled", "exact"]

SCHEMA_VERSION = 1
"""Version of the run directory's layout; a reader refuses what is newer than itself."""

ACTIONS = ("HOLD", "BUY_CALL", "BUY_PUT", "TRIM_50", "TRIM_70", "EXIT")
PROBE_HALVES = ("A", "B")
SETUP_SCORES = (0, 1, 2, 3, 4)
STRONG_SCORE = 3
"""A setup is strong at this score and above."""

DIVERGENCE_LIMIT = 1e4
"""Value loss, reward², above which a seed counts as diverged; healthy runs of every recorded study stay below 30."""

LABELS: dict[str, tuple[str, ...] | tuple[int, ...]] = {
    "probe_half": PROBE_HALVES,
    "setup_score": SETUP_SCORES,
    "action": ACTIONS,
}
"""Coordinate values of every dimension beyond arm, seed and checkpoint."""


@dataclass(frozen=True)
class Variable:
    """One recorded variable.

    Attributes:
        name: array name in the checkpoint file and in the dataset.
        long_name: what it is, in words.
        dims: dimensions after ``arm, seed``.
        dtype: NumPy type name, ``int64`` or ``float64``.
        units: unit of the values (``1`` for pure numbers).
        kind: ``windowed`` counts since the previous checkpoint, ``instant`` holds at the
            checkpoint, ``cumulative`` counts since step 0.
        estimator: ``sampled`` from what happened, or ``exact`` (no sampling noise).
        denominator: what a rate of it is taken over; empty where there is none.
        good_direction: +1 up is good, -1 down is good, 0 neither.
    """

    name: str
    long_name: str
    dims: tuple[str, ...] = ()
    dtype: Literal["int64", "float64"] = "int64"
    units: str = "count"
    kind: Kind = "windowed"
    estimator: Estimator = "sampled"
    denominator: str = ""
    good_direction: Literal[-1, 0, 1] = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of `dims`."""
        return tuple(len(LABELS[dim]) for dim in self.dims)

    @property
    def attributes(self) -> dict[str, str | int]:
        """What the dataset carries beside the values; every value can be stored in NetCDF."""
        return {
            "long_name": self.long_name,
            "units": self.units,
            "kind": self.kind,
            "estimator": self.estimator,
            "denominator": self.denominator,
            "good_direction": self.good_direction,
        }


def _learner(name: str, long_name: str, units: str = "1", good: Literal[-1, 0, 1] = 0) -> Variable:
    """A mean over the updates of the window, NaN where the window held no update."""
    return Variable(
        name,
        long_name,
        dtype="float64",
        units=units,
        denominator="updates in the window",
        good_direction=good,
    )


_LEARNER = (
    _learner("entropy", "policy entropy over legal actions", "nat"),
    _learner("approx_kl", "approximate KL divergence of an update", "nat"),
    _learner("clip_fraction", "share of ratios that were clipped", "fraction"),
    _learner("explained_variance", "share of the returns' variance that the value explains", "fraction", 1),
    _learner("policy_loss", "clipped surrogate loss"),
    _learner("value_loss", "value loss", "reward^2", -1),
    _learner("advantage_std", "standard deviation of the advantages before normalisation", "reward"),
    _learner("grad_norm", "global gradient norm before clipping"),
)

_TABLE = (
    Variable(
        "flat_count",
        "decisions taken while flat, by setup score and action",
        dims=("setup_score", "action"),
        denominator="flat decisions",
    ),
    Variable(
        "good_buy",
        "buys while flat at a strong setup",
        denominator="flat decisions at strong setups",
        good_direction=1,
    ),
    Variable(
        "missed_opportunity",
        "holds while flat at a strong setup",
        denominator="flat decisions at strong setups",
        good_direction=-1,
    ),
    Variable("bad_chase", "buys while flat that chase", denominator="flat buys", good_direction=-1),
    Variable("forced_stop", "positions sold by the forced stop", denominator="trade_count", good_direction=-1),
    Variable(
        "low_advantage",
        "buys while flat at a setup score below 2",
        denominator="flat buys",
        good_direction=-1,
    ),
    Variable("trim", "trims of an open position", denominator="env steps"),
    Variable("exit", "exits of an open position", denominator="env steps"),
    Variable("trade_count", "positions closed", denominator="env steps"),
    Variable("win_count", "positions closed with a gain", denominator="trade_count", good_direction=1),
    Variable(
        "trade_return_sum",
        "sum of the returns of closed positions",
        dtype="float64",
        units="fraction of cost",
        denominator="trade_count",
        good_direction=1,
    ),
    Variable(
        "worst_trade",
        "lowest return of a closed position; NaN where none closed",
        dtype="float64",
        units="fraction of cost",
        good_direction=1,
    ),
    Variable(
        "reward_sum",
        "sum of rewards",
        dtype="float64",
        units="reward",
        denominator="env steps",
        good_direction=1,
    ),
    Variable(
        "episode_return",
        "mean undiscounted return of the episodes that ended; NaN where none did",
        dtype="float64",
        units="reward",
        denominator="episode_count",
        good_direction=1,
    ),
    Variable("episode_count", "episodes that ended"),
    Variable(
        "p_action",
        "mean action probability on the flat probe states of a setup score; NaN where there are none",
        dims=("probe_half", "setup_score", "action"),
        dtype="float64",
        units="probability",
        kind="instant",
        estimator="exact",
        denominator="probe_count",
    ),
    Variable(
        "probe_count",
        "flat probe states by setup score, as the arm's reward judges setups",
        dims=("probe_half", "setup_score"),
        kind="instant",
        estimator="exact",
    ),
    *_LEARNER,
    Variable(
        "failed_step",
        "env step at whose update the seed failed: a loss that is not finite, or a value loss above "
        "divergence_limit; -1 while it is healthy",
        units="env step",
        kind="instant",
        estimator="exact",
    ),
)

VARIABLES: dict[str, Variable] = {variable.name: variable for variable in _TABLE}
"""Every recorded variable by name, in the order of the table."""

HEALTH_METRICS = tuple(variable.name for variable in _LEARNER)
"""The learner's health: means over the updates of a window."""
