"""What is recorded of every environment, and the whole table of a run: that and the environment's own variables.

Every variable has the leading dimensions ``[arm, seed]`` in a checkpoint file and ``[arm, seed, checkpoint]`` in a
loaded run; `Variable.dims` lists what follows them. Writer, reader and analysis take shapes, types and attributes from
a run's table, so that a new variable is one new row: here, or among the environment's (`description.Diagnostics`).
This module imports neither jax nor xarray.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from momentum_jax.diagnostics.description import Diagnostics, Variable
from momentum_jax.diagnostics.evaluation import EVALUATED, EVALUATED_DIM
from momentum_jax.diagnostics.session_profit import SESSION_DIM

SCHEMA_VERSION = 1
"""Version of the run directory's layout; a reader refuses what is newer than itself."""

PROBE_DIM, PROBE_HALVES = "probe_half", ("A", "B")
PROBE_STATE_DIM = "probe_state"

PRIMARY = ""
"""Name of the first set of probe states, which stands for the decisions that a run is judged by; others have one."""

WARMED = "warmed"
"""Name of the set of primary probe states that a network which remembers is asked after the steps before them."""

DIVERGENCE_LIMIT = 1e4
"""Value loss, reward², above which a seed counts as diverged; healthy runs of every recorded study stay below 30."""


def _learner(name: str, long_name: str, units: str = "1", good: Literal[-1, 0, 1] = 0) -> Variable:
    """A mean over the updates of the window, NaN where the window held no update."""
    return Variable(
        name=name,
        long_name=long_name,
        dtype="float64",
        units=units,
        denominator="updates in the window",
        good_direction=good,
    )


HEALTH = (
    _learner("entropy", "policy entropy over legal actions", "nat"),
    _learner("approx_kl", "approximate KL divergence of an update", "nat"),
    _learner("clip_fraction", "share of ratios that were clipped", "fraction"),
    _learner("explained_variance", "share of the returns' variance that the value explains", "fraction", 1),
    _learner("policy_loss", "clipped surrogate loss"),
    _learner("value_loss", "value loss", "reward^2", -1),
    _learner("advantage_std", "standard deviation of the advantages before normalisation", "reward"),
    _learner("grad_norm", "global gradient norm before clipping"),
)
"""The learner's health."""

HEALTH_METRICS = tuple(variable.name for variable in HEALTH)


def common(diagnostics: Diagnostics) -> tuple[Variable, ...]:
    """The variables that are recorded of every environment, with the names of this one's dimensions and probe sets."""
    context = diagnostics.context
    primary = _probed("probe states", f"the probe states of a {context}; NaN where there are none", context)
    further: Iterator[Iterator[Variable]] = (
        _probed(one.states, f"the {one.states}", "", one.name) for one in diagnostics.probe_sets
    )
    if diagnostics.warmed_probes:
        states = f"probe states after the {diagnostics.warmed_probes} steps before them"
        warmed = _probed(states, f"the {states} of a {context}; NaN where there are none", context, WARMED)
        further = itertools.chain(further, [warmed])
    asked = (
        *(_evaluated(diagnostics.evaluation.max_steps) if diagnostics.evaluation else ()),
        *(_TRADED if diagnostics.traded_sessions else ()),
        *([_PROBE_PROBABILITY] if diagnostics.recorded_probes else ()),
    )
    return (*_episodes(), *primary, *itertools.chain(*further), *asked, *HEALTH, _FAILED_STEP)


def _episodes() -> Iterator[Variable]:
    yield Variable(
        name="reward_sum",
        long_name="sum of rewards",
        dtype="float64",
        units="reward",
        denominator="env steps",
        good_direction=1,
    )
    yield Variable(
        name="episode_return",
        long_name="mean undiscounted return of the episodes that ended; NaN where none did",
        dtype="float64",
        units="reward",
        denominator="episode_count",
        good_direction=1,
    )
    yield Variable(
        name="episode_length",
        long_name="mean length of the episodes that ended; NaN where none did",
        dtype="float64",
        units="env step",
        denominator="episode_count",
    )
    yield Variable(name="episode_count", long_name="episodes that ended")


def _evaluated(max_steps: int) -> Iterator[Variable]:
    """What the episodes of an evaluation give, see `diagnostics.evaluation`."""
    cut_off = f"share of the evaluated episodes that their limit of {max_steps:,} steps ended"
    rows: tuple[tuple[str, str, str, Literal[0, 1]], ...] = (
        ("eval_return", "mean undiscounted return of the evaluated episodes", "reward", 1),
        ("eval_return_se", "standard error of eval_return over the episodes; NaN of a single one", "reward", 0),
        ("eval_length", "mean length of the evaluated episodes", "env step", 0),
        ("eval_cut_off", cut_off, "fraction", 0),
    )
    for name, long_name, units, good in rows:
        yield Variable(
            name=name,
            long_name=long_name,
            dims=(EVALUATED_DIM,),
            dtype="float64",
            units=units,
            kind="instant",
            denominator="evaluated episodes",
            good_direction=good,
        )


def _traded(
    name: str, long_name: str, units: str, good: Literal[0, 1], *dims: str, of: str = "validation days"
) -> Variable:
    return Variable(
        name=name,
        long_name=long_name,
        dims=(EVALUATED_DIM, *dims),
        dtype="float64",
        units=units,
        kind="instant",
        denominator=of,
        good_direction=good,
    )


_TRADED = (
    _traded("validation_pnl", "mean profit of a validation day after costs, on 100 000 dollars", "dollar", 1),
    _traded("validation_pnl_se", "standard error of validation_pnl over the days; NaN of a single one", "dollar", 0),
    _traded("validation_trades", "trades of a validation day", "trade", 0),
    _traded("session_pnl", "profit of each validation session after costs", "dollar", 1, SESSION_DIM, of="session"),
)
"""What policies earn on whole sessions, see `diagnostics.session_profit`; NaN at checkpoints without."""


_PROBE_PROBABILITY = Variable(
    name="probe_probability",
    long_name="probability of each action on the first probe states, half A before half B",
    dims=(PROBE_STATE_DIM, "action"),
    dtype="float32",
    units="probability",
    kind="instant",
    estimator="exact",
)


def of_probe_set(variable: str, probe_set: str) -> str:
    """What a variable of the primary probe states is called for another set; the same name for an empty one."""
    return f"{variable}_{probe_set}" if probe_set else variable


def _probed(states: str, averaged: str, context: str, probe_set: str = "") -> Iterator[Variable]:
    """What a policy answers on one set of probe states.

    Args:
      states: what they are, in words.
      averaged: over which of them probabilities are means, in words.
      context: dimension that tells them apart; empty where none does.
      probe_set: name of the set; empty for the primary one.
    """
    count = of_probe_set("probe_count", probe_set)
    dims = (PROBE_DIM, context) if context else (PROBE_DIM,)
    yield Variable(
        name=of_probe_set("p_action", probe_set),
        long_name=f"mean action probability on {averaged}",
        dims=(*dims, "action"),
        dtype="float64",
        units="probability",
        kind="instant",
        estimator="exact",
        denominator=count,
    )
    yield Variable(
        name=count,
        long_name=f"{states} by {context}" if context else states,
        dims=dims,
        kind="instant",
        estimator="exact",
    )
    yield Variable(
        name=of_probe_set("churn", probe_set),
        long_name=f"share of the {states} whose most probable action has changed since the checkpoint before; NaN "
        "at the first",
        dtype="float64",
        units="fraction",
        estimator="exact",
        denominator=count,
    )
    yield Variable(
        name=of_probe_set("policy_kl", probe_set),
        long_name=f"mean KL divergence of the policy from that of the checkpoint before, on the {states}; NaN at "
        "the first",
        dtype="float64",
        units="nat",
        estimator="exact",
        denominator=count,
    )


_FAILED_STEP = Variable(
    name="failed_step",
    long_name="env step at whose update the seed failed: a loss that is not finite, or a value loss above "
    "divergence_limit; -1 while it is healthy",
    units="env step",
    kind="instant",
    estimator="exact",
)


def table(diagnostics: Diagnostics) -> dict[str, Variable]:
    """Every variable that is recorded of an environment by name, its own ones first."""
    return {variable.name: variable for variable in (*diagnostics.variables, *common(diagnostics))}


def labels(diagnostics: Diagnostics) -> Mapping[str, tuple[Any, ...]]:
    """Coordinate values of every dimension beyond arm, seed and checkpoint."""
    traded = diagnostics.traded_sessions
    evaluated = {EVALUATED_DIM: EVALUATED} if diagnostics.evaluation or traded else {}
    sessions = {SESSION_DIM: traded.labels} if traded else {}
    probes = {PROBE_STATE_DIM: tuple(range(diagnostics.recorded_probes))} if diagnostics.recorded_probes else {}
    return {
        PROBE_DIM: PROBE_HALVES,
        diagnostics.context: diagnostics.contexts,
        "action": diagnostics.actions,
        **evaluated,
        **sessions,
        **probes,
    }


def place_of(label: str, name: str, diagnostics: Diagnostics) -> int:
    """Position of a label along the one dimension of a variable."""
    (dim,) = table(diagnostics)[name].dims
    return labels(diagnostics)[dim].index(label)


def shapes(diagnostics: Diagnostics) -> dict[str, tuple[int, ...]]:
    """Sizes of each variable's `dims`, by its name."""
    sizes = {dim: len(values) for dim, values in labels(diagnostics).items()}
    return {name: tuple(sizes[dim] for dim in variable.dims) for name, variable in table(diagnostics).items()}
