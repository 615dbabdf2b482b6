"""Does a description fit together? Asked before anything is compiled, since a person may have written it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from momentum_jax.diagnostics.description import (
    ActionCount,
    Count,
    DecisionTable,
    Diagnostics,
    Metric,
    Outcomes,
    Ratio,
    Recorded,
    RewardSum,
    Share,
    Source,
    Variable,
)
from momentum_jax.diagnostics.events import EPISODE_END, EventWord
from momentum_jax.diagnostics.variables import PROBE_DIM, common, labels, table
from momentum_jax.fields import ConfigError, nearest


def check(diagnostics: Diagnostics) -> None:
    """Raises ConfigError for the first part that does not fit: what was found, and what it could be."""
    problem = next(_problems(diagnostics), None)
    if problem is not None:
        raise ConfigError(f"diagnostics of {diagnostics.environment}: {problem}")
    EventWord.of(diagnostics)


def _problems(diagnostics: Diagnostics) -> Iterator[str]:
    labels = {
        "actions": diagnostics.actions,
        "contexts": diagnostics.contexts,
        "flags": (EPISODE_END, *diagnostics.flags),
        "variables": [row.name for row in (*diagnostics.variables, *common(diagnostics))],
        "metrics": diagnostics.metric_names,
        "probe_sets": [one.name for one in diagnostics.probe_sets],
    }
    for what, names in labels.items():
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            yield f"{what} has {twice[0]!r} more than once: name each once"
        if not names and what != "probe_sets":
            yield f"{what} is empty: name at least one"
    if diagnostics.context in ("arm", "seed", "checkpoint", "action", PROBE_DIM):
        yield f"context {diagnostics.context!r} is another dimension's name: choose one of your own"
    for variable in diagnostics.variables:
        yield from _of_variable(variable, diagnostics)
    rows = table(diagnostics)
    if not isinstance(getattr(rows.get(diagnostics.decisions), "source", None), DecisionTable):
        yield f"decisions={diagnostics.decisions!r} names no variable whose source is a DecisionTable"
    yield from _of_probe_sets(diagnostics)
    for metric in diagnostics.metrics:
        yield from _of_metric(metric, diagnostics)
    yield from _unknown("primary", [diagnostics.primary], diagnostics.metric_names)
    yield from _of_curves(diagnostics)
    yield from _unknown("columns", diagnostics.columns, diagnostics.metric_names)
    yield from _unknown("shown_events", diagnostics.shown_events, rows)
    if diagnostics.contrast is not None:
        yield from _unknown("contrast", diagnostics.contrast.contexts, diagnostics.contexts)
        yield from _unknown("contrast", diagnostics.contrast.actions, diagnostics.actions)


def _of_probe_sets(diagnostics: Diagnostics) -> Iterator[str]:
    rows = table(diagnostics)
    for one in diagnostics.probe_sets:
        if not one.name:
            yield "probe_sets has a set without a name: the set without one is that of `decisions`, name this one"
        if not isinstance(getattr(rows.get(one.decisions), "source", None), ActionCount):
            yield f"probe set {one.name!r} has decisions={one.decisions!r}, no variable whose source is an ActionCount"
    twice = [name for name, count in Counter(one.decisions for one in diagnostics.probe_sets).items() if count > 1]
    if twice:
        yield f"probe_sets has decisions={twice[0]!r} more than once: one set stands for the decisions of a variable"


def _of_curves(diagnostics: Diagnostics) -> Iterator[str]:
    """Names of curves, and those in which dips are looked for: a fall needs a direction."""
    curves = [name for metric in diagnostics.metrics for name in metric.curves.values()]
    twice = [name for name, count in Counter(curves).items() if count > 1]
    if twice:
        yield f"metrics has the curve {twice[0]!r} more than once: name each once"
    rows = table(diagnostics)
    for metric in diagnostics.metrics:
        own = metric.derived.variable if isinstance(metric.derived, Recorded) else ""
        for name in metric.curves.values():
            if name in rows and name != own:
                yield f"metric {metric.name!r} has the curve {name!r}, which is a recorded variable: name it otherwise"
    directed = [metric for metric in diagnostics.metrics if metric.good_direction]
    falling = [name for metric in directed for form, name in metric.curves.items() if form != "cumulative"]
    yield from _unknown("dips_in", diagnostics.dips_in, falling)
    for metric in (one for one in diagnostics.metrics if one.name == diagnostics.primary):
        if not metric.good_direction:
            yield f"primary={metric.name!r} has good_direction=0: say whether up (1) or down (-1) is good"
        if metric.steadiest not in diagnostics.dips_in:
            yield f"dips_in does not name {metric.steadiest!r}, the curve of the primary metric: name it"


def _of_variable(variable: Variable, diagnostics: Diagnostics) -> Iterator[str]:
    place, flags = f"variable {variable.name!r}", (EPISODE_END, *diagnostics.flags)
    dims: tuple[str, ...] = ()
    dtype = "int64"
    match variable.source:
        case Count() as rule:
            yield from _unknown(place, (*rule.when, *rule.unless), flags)
            yield from _unknown(place, rule.actions, diagnostics.actions)
        case DecisionTable() as rule:
            yield from _unknown(place, rule.when, flags)
            dims = diagnostics.context, "action"
        case ActionCount() | RewardSum() as rule:
            yield from _unknown(place, (*rule.when, *rule.unless), flags)
            dims, dtype = ("action",), "int64" if isinstance(rule, ActionCount) else "float64"
        case Outcomes() as rule:
            yield from _unknown(place, [rule.when], flags)
            dtype = "int64" if rule.reduce == "positive" else "float64"
        case None:
            sources = ", ".join(rule.__name__ for rule in get_args(Source))
            yield f"{place} has no source: say how it is counted ({sources})"
    if (variable.dims, variable.dtype) != (dims, dtype):
        yield f"{place} has dims {variable.dims} and dtype {variable.dtype}, its source gives {dims} and {dtype}"


def _of_metric(metric: Metric, diagnostics: Diagnostics) -> Iterator[str]:
    place, rows = f"metric {metric.name!r}", table(diagnostics)
    match metric.derived:
        case Share() as rule:
            yield from _unknown(place, rule.actions, diagnostics.actions)
            yield from _unknown(place, rule.contexts, diagnostics.contexts)
            yield from _of_counted_in(metric, rule, diagnostics)
        case Ratio() as rule:
            yield from _unknown(place, [rule.numerator], rows)
            yield from _unknown(place, rule.actions, diagnostics.actions)
        case Recorded() as rule:
            yield from _of_recorded(metric, rule, diagnostics)
    if not isinstance(metric.derived, Recorded) and not metric.is_percentage:
        yield f"{place} has unit {metric.unit!r}, and a Share or a Ratio is in percent: leave unit out"
    if metric.dip_threshold is not None and not metric.dip_threshold > 0:
        yield f"{place} has dip_threshold={metric.dip_threshold}, expected more than 0"


def _of_recorded(metric: Metric, recorded: Recorded, diagnostics: Diagnostics) -> Iterator[str]:
    """A metric that is a recorded variable, or what one label of its dimension has."""
    place, name, rows = f"metric {metric.name!r}", recorded.variable, table(diagnostics)
    yield from _unknown(place, [name], rows)
    yield from _unknown(place, [recorded.standard_error] if recorded.standard_error else [], rows)
    dims = rows[name].dims if name in rows else ()
    if dims and not recorded.label:
        yield f"{place} stands for {name!r}, which has dims {dims}: take a Share or a Ratio of it"
    if recorded.label:
        yield from _unknown(place, [recorded.label], labels(diagnostics)[dims[0]] if len(dims) == 1 else ())
    if recorded.standard_error in rows and rows[recorded.standard_error].dims != dims:
        yield f"{place} has standard_error={recorded.standard_error!r}, whose dims are not those of {name!r}"
    if name in rows and metric.is_percentage and rows[name].units != "%":
        yield f"{place} has unit '%', and {name!r} is in {rows[name].units!r}: give unit={rows[name].units!r}"


def _of_counted_in(metric: Metric, share: Share, diagnostics: Diagnostics) -> Iterator[str]:
    """Another variable than the description's own decisions."""
    place, name = f"metric {metric.name!r}", diagnostics.counted_in(share)
    if name == diagnostics.decisions:
        return
    counts = [row.name for row in diagnostics.variables if isinstance(row.source, ActionCount)]
    yield from _unknown(place, [name], (diagnostics.decisions, *counts))
    if share.contexts:
        yield f"{place} names contexts, which {name!r} does not tell apart: leave contexts out"
    if metric.exact_name and name not in [one.decisions for one in diagnostics.probe_sets]:
        yield f"{place} has exact_name={metric.exact_name!r}, and no probe set has decisions={name!r}: leave it out"


def _unknown(place: str, names: Iterable[str | int], known: Iterable[str | int]) -> Iterator[str]:
    choices = list(known)
    for name in names:
        if name not in choices:
            listed = ", ".join(map(str, choices))
            yield f"{place} names {name!r}, expected one of {listed}{nearest(str(name), map(str, choices))}"
