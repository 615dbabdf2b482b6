"""What every reader of curves is asked, and what it hands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.fields import ConfigError, nearest

Floats = npt.NDArray[np.float64]

_LISTED = 20


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user says of the files; empty where the reader is to find it.

    Attributes:
        value: the column, scalar tag, array or metric to read.
        seed: the column, array or dimension of seeds.
        step: the column, array or dimension of steps.
        arm: the column, array or dimension of arms.
        standard_error: the column or array of each value's standard error.
        align: what makes unequal steps equal: ``previous``, ``linear`` or ``bins:N``.
        format: the format, one of `run_sources.FORMATS`.
        allow_missing: whether a seed may lack values.
    """

    value: str = ""
    seed: str = ""
    step: str = ""
    arm: str = ""
    standard_error: str = ""
    align: str = ""
    format: str = ""
    allow_missing: bool = False


class Reading(NamedTuple):
    """Curves as they were read.

    Attributes:
        curves: on one grid of steps.
        source: what the files are, such as ``tidy CSV``.
        notes: what was derived rather than given, one sentence each.
    """

    curves: CurveSet
    source: str
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RunCurve:
    """The curve of one run, on steps of its own.

    Attributes:
        arm: what was run.
        seed: which run of it.
        steps: ``[K]``.
        values: ``[K]``, NaN where a value is missing.
        noise: what is known of the values' noise, by the names of `NOISE_ARRAYS`: ``[K]``, of replicates ``[R, K]``.
        source: where it was read, for messages.
    """

    arm: str
    seed: str
    steps: Floats
    values: Floats
    noise: Mapping[str, Floats] = field(default_factory=dict)
    source: str = ""


def listed(names: Sequence[object]) -> str:
    """Names in a message: the first twenty."""
    words = ", ".join(str(name) or "(no name)" for name in names[:_LISTED])
    return f"{words} …" if len(names) > _LISTED else words


def choose(path: Path | str, kind: str, flag: str, wanted: str, names: Sequence[str]) -> str:
    """The name that a flag asks for.

    Args:
        path: of the file, for the message.
        kind: what the names are, such as ``column``.
        flag: the flag's name without dashes.
        wanted: its value.
        names: those that the file has.

    Raises:
        ConfigError: the file has no such name.
    """
    if wanted in names:
        return wanted
    same = [name for name in names if name.lower() == wanted.lower()]
    if len(same) == 1:
        return same[0]
    raise ConfigError(f"{path}: no {kind} {wanted!r} (--{flag}); found {listed(names)}{nearest(wanted, names)}")
