"""How a recorded variable follows from the steps of a window: what is counted or summed. Imports no JAX.

Descriptions import these from `diagnostics.description`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Count:
    """Steps at which all of `when` and none of `unless` are flagged and one of `actions` was taken (any if empty)."""

    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ActionCount:
    """Steps at which all of `when` and none of `unless` are flagged, by action."""

    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DecisionTable:
    """Steps that are flagged `when`, by context and action (any step if empty)."""

    when: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RewardSum:
    """Sums of the rewards of the steps at which all of `when` and none of `unless` are flagged, by action."""

    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Of the outcomes of the steps that are flagged `when`: their sum, the smallest one (NaN of none), or how many are
    above 0."""

    when: str
    reduce: Literal["sum", "smallest", "positive"]


Source = Count | ActionCount | DecisionTable | RewardSum | Outcomes
