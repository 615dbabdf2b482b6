"""Declared fields: one dataclass carries a layer's defaults, limits, help texts and what may vary between arms.

A *traced* field is data inside the compiled program, so arms may differ in it at no cost. A *static* field
changes shapes or control flow: arms that differ in it belong to different programs. Imports no JAX.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any


class ConfigError(ValueError):
    """A setting that cannot be: the message says what was found, what was expected and what to do."""


def traced(default: float, help: str, *, minimum: float = -math.inf, maximum: float = math.inf) -> Any:
    """A number or switch that is a traced leaf of the compiled program, within [minimum, maximum]."""
    return dataclasses.field(
        default=default, metadata={"static": False, "help": help, "minimum": minimum, "maximum": maximum}
    )


def static(
    default: Any, help: str, *, minimum: float = -math.inf, maximum: float = math.inf, choices: Sequence[str] = ()
) -> Any:
    """A setting fixed at compile time (or used on the host alone)."""
    return dataclasses.field(
        default=default,
        metadata={"static": True, "help": help, "minimum": minimum, "maximum": maximum, "choices": tuple(choices)},
    )


def is_static(field: dataclasses.Field) -> bool:
    return field.metadata["static"]


def check_fields(config: Any) -> None:
    """Check every declared field of a dataclass instance against its limits; None stands for "not given".

    Raises:
      ConfigError: naming the field, what was found and what is allowed.
    """
    declared = [field for field in dataclasses.fields(config) if "help" in field.metadata]
    for field in declared:
        value = getattr(config, field.name)
        choices = field.metadata.get("choices", ())
        if choices and value not in choices:
            raise ConfigError(f"{field.name}={value!r} is unknown: choose one of {', '.join(choices)}")
        values = value if isinstance(value, tuple) else (value,)
        for number in values:
            if isinstance(number, int | float):
                _check_number(field, number)


def _check_number(field: dataclasses.Field, number: float) -> None:
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if not math.isfinite(number):
        raise ConfigError(f"{field.name}={number} is not a finite number")
    if number < low:
        raise ConfigError(f"{field.name}={number} is too small: use at least {low:g}")
    if number > high:
        raise ConfigError(f"{field.name}={number} is too large: use at most {high:g}")
