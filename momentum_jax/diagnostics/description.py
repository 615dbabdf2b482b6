"""What an environment says of itself for diagnosis: labels, event flags, recorded variables, metrics. Imports no JAX.

A task carries a `Diagnostics`. It is written into config.json with a run, and everything that counts, judges, draws or
exports a run takes names, units and directions from there: nothing outside an environment's own file knows its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from momentum_jax.diagnostics.counting import ActionCount, Count, DecisionTable, Outcomes, RewardSum, Source
from momentum_jax.diagnostics.early_steps import EarlySteps
from momentum_jax.diagnostics.evaluation import Evaluation
from momentum_jax.diagnostics.session_profit import TradedSessions
from momentum_jax.fields import ConfigError, from_plain

Direction = Literal[-1, 0, 1]
"""+1 up is good, -1 down is good, 0 neither."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """Percent of the decisions at `contexts` (all if empty) in which one of `actions` was chosen.

    It comes in three forms: of the decisions of a window, of those since step 0, and exact, from the policy's
    probabilities on the probe states.

    Attributes:
      actions: at least one.
      contexts: of `Diagnostics.decisions` alone; another variable tells no contexts apart.
      counted_in: name of the variable that counts the decisions by action, `Diagnostics.decisions` if empty. The exact
        form is taken on the probe states that stand for its decisions, see `ProbeSet`.
    """

    actions: tuple[str, ...]
    contexts: tuple[str | int, ...] = ()
    counted_in: str = ""


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Percent: a counted variable over the decisions in which one of `actions` was chosen; windowed and cumulative."""

    numerator: str
    actions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A recorded variable as it stands, such as the mean return of a window's episodes.

    Attributes:
      variable: its name.
      counted: which of `COUNTED` it is; nothing is recorded since step 0.
      label: which one of a variable with a dimension; empty where it has none.
      standard_error: variable, of the same dimensions, with its standard error; empty where that is not recorded.
    """

    variable: str
    counted: Literal["windowed", "exact", "evaluated"] = "windowed"
    label: str = ""
    standard_error: str = ""


COUNTED = ("cumulative", "windowed", "exact", "evaluated")
"""The forms of a metric: since step 0, since the checkpoint before, at the checkpoint without sampling noise, or in
episodes that the checkpoint's policy played apart from training."""

_STEADIEST_FIRST = ("exact", "evaluated", "windowed")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A curve that a run is judged by.

    Attributes:
      name: of the curve, such as ``left_pct``.
      label: in a table or a figure.
      unit: ``%`` of shares and ratios, else the variable's; ``1`` of pure numbers.
      denominator: what a percentage is taken of, in words.
      good_direction: see `Direction`; a fall against it is a dip.
      derived: how it follows from what is recorded.
      exact_name: name of the exact form of a share, such as ``p_left``; empty where there is none.
      long_name: what it is, in words; the label where empty.
      dip_threshold: smallest fall that counts as a dip, in the metric's unit (points of a percentage); None for what
        the analysis takes: 5 points, and of other units a share of the curve's range over the run.
      lowest: what no value can be below; None where nothing bounds it (a percentage is bounded by 0).
      highest: what no value can be above; None where nothing bounds it (a percentage is bounded by 100).
    """

    name: str
    label: str
    derived: Share | Ratio | Recorded
    unit: str = "%"
    denominator: str = ""
    good_direction: Direction = 0
    exact_name: str = ""
    long_name: str = ""
    dip_threshold: float | None = None
    lowest: float | None = None
    highest: float | None = None

    @property
    def is_percentage(self) -> bool:
        return self.unit == "%"

    @property
    def curves(self) -> dict[str, str]:
        """Names of its curves by form, of those of `COUNTED` that it has."""
        if isinstance(self.derived, Recorded):
            return {self.derived.counted: self.name}
        exact = {"exact": self.exact_name} if self.exact_name else {}
        return {"cumulative": f"{self.name}_cumulative", "windowed": self.name} | exact

    @property
    def steadiest(self) -> str:
        """Name of the curve with the least noise: exact where it has that form, else evaluated, else windowed."""
        return next(self.curves[form] for form in _STEADIEST_FIRST if form in self.curves)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Signal detection: at some contexts (the signal) the policy ought to respond with `actions`, elsewhere not."""

    contexts: tuple[str | int, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ProbeSet:
    """Probe states beside the primary ones, such as twins of them in another situation.

    Of each set are recorded ``p_action_<name>`` and ``probe_count_<name>`` over all of its states, and
    ``churn_<name>`` and ``policy_kl_<name>``; see `Task.probe_states`.

    Attributes:
      name: of the set.
      states: what its states are, in words: ``probe states in a position``.
      decisions: name of the variable (an `ActionCount`) that counts the decisions taken in such states.
      draw: number of the way in which the states are drawn; runs with other states are not compared.
    """

    name: str
    states: str
    decisions: str
    draw: int = 1


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One recorded variable. In a checkpoint it has the dimensions ``[arm, seed, *dims]``.

    Attributes:
      name: array name in the checkpoint file and in the dataset.
      long_name: what it is, in words.
      dims: dimensions after ``arm, seed``.
      dtype: NumPy type name.
      units: unit of the values (``1`` for pure numbers).
      kind: ``windowed`` counts since the previous checkpoint, ``instant`` holds at the checkpoint.
      estimator: ``sampled`` from what happened, or ``exact`` (no sampling noise).
      denominator: what a rate of it is taken over; empty where there is none.
      good_direction: see `Direction`.
      source: how it follows from a window's steps; None where the program itself fills it in.
    """

    name: str
    long_name: str
    dims: tuple[str, ...] = ()
    dtype: Literal["int64", "float64", "float32"] = "int64"
    units: str = "count"
    kind: Literal["windowed", "instant", "cumulative"] = "windowed"
    estimator: Literal["sampled", "exact"] = "sampled"
    denominator: str = ""
    good_direction: Direction = 0
    source: Source | None = None

    @property
    def attributes(self) -> dict[str, str | int]:
        """What a dataset carries beside the values; every value can be stored in NetCDF."""
        return {
            "long_name": self.long_name,
            "units": self.units,
            "kind": self.kind,
            "estimator": self.estimator,
            "denominator": self.denominator,
            "good_direction": self.good_direction,
        }


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """An environment's own words.

    Attributes:
      environment: its name.
      actions: labels in the order of the actions' numbers.
      context: name of the dimension that tells decisions apart, such as the strength of a signal.
      contexts: its labels.
      flags: names of the bits, in order, that an event word carries beside ``episode_end``, see `diagnostics.events`.
      variables: what is recorded beside what is recorded of every environment (`variables.common`).
      decisions: name of the variable with the table of decisions by context and action.
      metrics: curves, in the order of tables.
      primary: name of the metric that a run is judged by first.
      dips_in: names of the curves (`Metric.name` or `Metric.exact_name`) in which dips are looked for.
      shown_events: variables whose counts since step 0 are shown.
      contrast: for signal detection; None where no context asks for an action.
      columns: names of the metrics that the table of checkpoints shows; all of them if empty.
      context_options: the environment's options on which a state's context depends.
      probe_sets: probe states beside those that stand for `decisions`.
      evaluation, traded_sessions: of policies at checkpoints; None where a run does not ask, see `measurements`.
      recorded_probes: primary probe states whose probabilities a run records whole.
      early: steps at which its own study looks at a run; None where they follow from the run's length.
      warmed_probes: steps before a probe state that networks which remember go through; 0 for none.
    """

    environment: str
    actions: tuple[str, ...]
    context: str
    contexts: tuple[str | int, ...]
    flags: tuple[str, ...]
    variables: tuple[Variable, ...]
    decisions: str
    metrics: tuple[Metric, ...]
    primary: str
    dips_in: tuple[str, ...]
    shown_events: tuple[str, ...] = ()
    contrast: Contrast | None = None
    columns: tuple[str, ...] = ()
    context_options: tuple[str, ...] = ()
    probe_sets: tuple[ProbeSet, ...] = ()
    evaluation: Evaluation | None = None
    traded_sessions: TradedSessions | None = None
    recorded_probes: int = 0
    warmed_probes: int = 0
    early: EarlySteps | None = None

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)

    def metric(self, name: str) -> Metric:
        """The metric of that name.

        Raises:
          KeyError: there is none.
        """
        return {metric.name: metric for metric in self.metrics}[name]

    def counted_in(self, share: Share | Ratio) -> str:
        """Name of the variable that counts the decisions which a share or a ratio is taken of."""
        return (isinstance(share, Share) and share.counted_in) or self.decisions

    def probe_set_of(self, decisions: str) -> ProbeSet | None:
        """The probe states of decisions that a variable counts, None of the primary ones; KeyError without any."""
        return ({one.decisions: one for one in self.probe_sets} | {self.decisions: None})[decisions]

    @property
    def has_outcomes(self) -> bool:
        """Whether a variable is counted from the steps' outcomes."""
        return any(isinstance(variable.source, Outcomes) for variable in self.variables)

    def to_json(self) -> dict[str, Any]:
        """As plain values for config.json."""
        return _plain(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Diagnostics:
        """The inverse of `to_json`; fields that are missing take their defaults.

        Raises:
          ConfigError: a part that this program does not know, or one that is missing.
        """
        variables = [{**row, "source": _rule(row.get("source"))} for row in plain.get("variables", ())]
        metrics = [{**row, "derived": _rule(row.get("derived"))} for row in plain.get("metrics", ())]
        return from_plain(cls, {**plain, "variables": variables, "metrics": metrics})


_RULE_CLASSES = (Count, ActionCount, DecisionTable, RewardSum, Outcomes, Share, Ratio, Recorded)
_RULES = {rule.__name__: rule for rule in _RULE_CLASSES}


def _plain(value: Any) -> Any:
    """Dataclasses as objects, tuples as lists; a rule is an object that names its class under ``rule``."""
    if is_dataclass(value):
        named = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"rule": type(value).__name__} | named if type(value) in _RULES.values() else named
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _rule(plain: Any) -> Any:
    """The rule that `_plain` wrote."""
    if plain is None:
        return None
    named = dict(plain)
    name = named.pop("rule", None)
    if name not in _RULES:
        raise ConfigError(f"rule {name!r} is unknown, expected one of {', '.join(_RULES)}")
    return from_plain(_RULES[name], named)
