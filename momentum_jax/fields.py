"""Declared fields: one dataclass carries a layer's defaults, limits, help texts and what may vary between arms.

A *traced* field is data inside the compiled program, so arms may differ in it at no cost. A *static* field
changes shapes or control flow: arms that differ in it belong to different programs. Imports no JAX.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Config = TypeVar("Config", bound=Any)


class ConfigError(ValueError):
    """An invalid setting: the message says what was found, what was expected and what to do."""


def traced(
    default: float,
    help: str,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    free_when_off: bool = False,
) -> Any:
    """A number or switch that is a traced leaf of the compiled program, within [minimum, maximum].

    With `free_when_off` its default means "off", and a program none of whose runs asks for it is compiled without it
    (see `without_unused`).
    """
    limits = {"minimum": minimum, "maximum": maximum}
    return dataclasses.field(
        default=default, metadata={"static": False, "help": help, "free_when_off": free_when_off, **limits}
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


def without_unused(configs: Sequence[Config]) -> list[Config]:
    """The configurations of one program's runs, without what all of them leave off.

    Every `free_when_off` field of a dataclass that is off in all runs is None, an empty pytree: what it would switch
    on is not traced. What is no dataclass, such as another environment's options, comes back as it is.
    """
    if not all(dataclasses.is_dataclass(config) for config in configs):
        return list(configs)
    fields: list[dataclasses.Field] = [field for config in configs[:1] for field in dataclasses.fields(config)]
    unused = {
        field.name: None
        for field in fields
        if field.metadata.get("free_when_off")
        and all(getattr(config, field.name) == field.default for config in configs)
    }
    return [dataclasses.replace(config, **unused) for config in configs]


def unknown(name: str, value: str, choices: Iterable[str]) -> ConfigError:
    """The error of a value that is none of `choices`."""
    return ConfigError(f"{name}={value!r} is unknown: choose one of {', '.join(choices)}{nearest(value, choices)}")


def nearest(value: str, choices: Iterable[str]) -> str:
    """The end of a message: which of `choices` may have been meant, or nothing."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(value.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""


def from_plain(kind: Any, value: Any) -> Any:
    """The inverse of `dataclasses.asdict` after JSON: dataclasses from objects, tuples from lists.

    Fields that are missing take their defaults, so that a file written before they existed can be read.

    Raises:
      ConfigError: a field that the dataclass does not have, or a value of another shape.
    """
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_from_plain(kind, value)
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(from_plain(get_args(kind)[0], item) for item in value)
    if get_origin(kind) is Mapping and isinstance(value, Mapping):
        return {name: from_plain(get_args(kind)[1], item) for name, item in value.items()}
    optional = [part for part in get_args(kind) if dataclasses.is_dataclass(part)]
    if get_origin(kind) is UnionType and len(optional) == 1 and isinstance(value, Mapping):  # a dataclass or None
        return from_plain(optional[0], value)
    return value


def _dataclass_from_plain(kind: type, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{kind.__name__} is {value!r}, expected an object")
    hints = get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise ConfigError(f"{kind.__name__} has unknown fields {unknown}")
    try:
        return kind(**{name: from_plain(hints[name], item) for name, item in value.items()})
    except TypeError as error:
        raise ConfigError(f"{kind.__name__} is incomplete: {error}") from None


def differences(found: Any, wanted: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two plain values (as in JSON) differ: (dotted name, found, wanted), None for what is absent."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key in [*found, *(key for key in wanted if key not in found)]:
            yield from differences(found.get(key), wanted.get(key), f"{name}.{key}" if name else str(key))
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for index, (a, b) in enumerate(zip(found, wanted, strict=True)):
            yield from differences(a, b, f"{name}[{index}]")
    elif found != wanted:
        yield name, found, wanted


def is_off(value: Any) -> bool:
    """Whether a setting is off in the whole program: None there, or a plain number where no program was made of it."""
    return value is None or (isinstance(value, bool | int | float) and not value)
