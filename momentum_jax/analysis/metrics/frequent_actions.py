"""Which actions a report shows where an environment has many: the most frequent ones, and all others as one share.

Every share costs a report curves, columns and text: with thousands of them it would take hours, and nobody reads them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import xarray as xr

from momentum_jax.diagnostics.description import Diagnostics, Metric, Share
from momentum_jax.run_directory import diagnostics_of

MAX_SHARES = 12
"""Shares of single actions that a report shows, beside those that claims or the description itself name."""
_OTHERS = "other_actions_pct"


def with_frequent_actions(ds: xr.Dataset) -> xr.Dataset:
    """The same run with a description that tells fewer actions apart; as it is where there are few.

    Args:
        ds: a loaded run, or several joined.

    Returns:
        The dataset, whose variables are the same. Of its description's shares of single actions the `MAX_SHARES` most
        frequent ones, over all arms and seeds, stay, and one share of all others comes after them.
    """
    diagnostics, config = diagnostics_of(ds), json.loads(ds.attrs.get("config", "{}"))
    named = set(_strings([config.get("claims", []), _without_metrics(diagnostics)]))
    shares = [one for one in diagnostics.metrics if _of_one_action(one, diagnostics) and not named & _names(one)]
    if len(shares) <= MAX_SHARES:
        return ds
    table = ds[diagnostics.decisions]
    counts = table.sum([dim for dim in table.dims if dim != "action"]).values
    frequency = dict(zip(diagnostics.actions, counts.tolist(), strict=True))
    by_frequency = sorted(shares, key=lambda share: -frequency[_action(share)])
    dropped = {share.name for share in by_frequency[MAX_SHARES:]}
    metrics = [one for one in diagnostics.metrics if one.name not in dropped]
    place = max(metrics.index(share) for share in by_frequency[:MAX_SHARES]) + 1
    metrics.insert(place, _others([share for share in shares if share.name in dropped]))
    fewer = dataclasses.replace(diagnostics, metrics=tuple(metrics))
    return ds.assign_attrs(config=json.dumps(config | {"diagnostics": fewer.to_json()}))


def others_in_words(diagnostics: Diagnostics) -> str:
    """What a page says of actions that it does not tell apart; empty where it shows all."""
    if _OTHERS not in diagnostics.metric_names:
        return ""
    label = diagnostics.metric(_OTHERS).label
    return f"The {MAX_SHARES} most frequent actions have columns; *{label}* are summed. The run directory keeps all."


def _others(shares: list[Metric]) -> Metric:
    return Metric(
        name=_OTHERS,
        label=f"{len(shares):,} other actions",
        derived=Share(actions=tuple(map(_action, shares))),
        denominator=shares[0].denominator,
        exact_name="p_other_actions",
    )


def _of_one_action(metric: Metric, diagnostics: Diagnostics) -> bool:
    """Whether it is a plain share of one action in all decisions, which is good or bad for nothing."""
    derived = metric.derived
    return (
        isinstance(derived, Share)
        and len(derived.actions) == 1
        and not derived.contexts
        and diagnostics.counted_in(derived) == diagnostics.decisions
        and not metric.good_direction
    )


def _action(share: Metric) -> str:
    assert isinstance(share.derived, Share)
    return share.derived.actions[0]


def _names(metric: Metric) -> set[str]:
    return {metric.name, *metric.curves.values()}


def _without_metrics(diagnostics: Diagnostics) -> dict[str, Any]:
    return {name: value for name, value in diagnostics.to_json().items() if name not in ("metrics", "actions")}


def _strings(plain: Any) -> Iterator[str]:
    """Every text within plain values."""
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, dict | list):
        for value in plain.values() if isinstance(plain, dict) else plain:
            yield from _strings(value)
