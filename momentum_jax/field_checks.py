"""Whether the values of a dataclass's fields can be: their types are those annotated, numbers lie within their limits.

What means the same in another type is converted: NumPy's and JAX's numbers, lists and arrays in place of tuples, and
paths in place of text. A whole number will do for any number; nothing else is guessed, so text is no number and 2.0 no
count. Imports neither JAX nor NumPy.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from momentum_jax.fields import ConfigError, is_static, unknown

_WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text in quotes", NoneType: "None"}
_PLURALS = {bool: "True or False", int: "whole numbers", float: "numbers", str: "texts in quotes"}
_SHOWN = 60  # characters of a value in a message
_DATE_FORM = "YYYY-MM-DD"  # in the help of a field that holds a date
_LARGEST = sys.float_info.max  # whole numbers go on above it


class _MisfitError(Exception):
    """A value that is not of a type, and means nothing in it."""


def convert_fields(config: Any, *, static_only: bool = False) -> None:
    """Convert the fields of a frozen dataclass that is being made to their annotated types, also those inside it.

    Args:
      config: the instance; this is for its `__post_init__`.
      static_only: leave what is traced alone, which inside a compiled program is anything that JAX puts there.

    Raises:
      ConfigError: naming the first field that is of another type, what was expected and what to write.
    """
    for name, value in _changes(config, static_only).items():
        object.__setattr__(config, name, value)


def check_fields(config: Any) -> None:
    """Check every field of a dataclass instance: its type, and where they are declared its limits and choices.

    Raises:
      ConfigError: naming the field, what was found and what is allowed.
    """
    _changes(config)
    for field in dataclasses.fields(config):
        if "help" in field.metadata:
            _check_limits(field, getattr(config, field.name))


def _changes(config: Any, static_only: bool = False) -> dict[str, Any]:
    """The fields whose values have to be converted, and what they become."""
    kinds, changed = _kinds(config.__class__), {}
    for field in dataclasses.fields(config):
        if static_only and not is_static(field):
            continue
        value = getattr(config, field.name)
        try:
            fitted = _fitted(kinds[field.name], value)
        except _MisfitError:
            raise ConfigError(_explanation(field, *_misfit(field.name, kinds[field.name], value))) from None
        if fitted is not value:
            changed[field.name] = fitted
    return changed


@functools.cache
def _kinds(owner: type) -> dict[str, Any]:
    return get_type_hints(owner)


def _fitted(kind: Any, value: Any) -> Any:
    """A value in its annotated type, the same object where it is of it. Raises _MisfitError."""
    if kind is Any:
        return value
    if get_origin(kind) is UnionType:
        return _first(functools.partial(_fitted, value=value), get_args(kind))
    if get_origin(kind) is tuple:
        return _fitted_tuple(get_args(kind)[0], value)
    if get_origin(kind) is Mapping and isinstance(value, Mapping):
        key_kind, item_kind = get_args(kind)
        return _fitted_mapping(key_kind, item_kind, value)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, kind):
        changed = _changes(value)
        return dataclasses.replace(value, **changed) if changed else value
    if kind in _WORDS:
        value = os.fspath(value) if kind is str and isinstance(value, os.PathLike) else _plain(value)
        accepted = (int, float) if kind is float else kind
        if isinstance(value, accepted) and (kind is bool or not isinstance(value, bool)):
            return value
    raise _MisfitError


def _fitted_tuple(kind: Any, value: Any) -> tuple[Any, ...]:
    value = _listed(value)
    if value is None:
        raise _MisfitError
    fitted = tuple(_fitted(kind, item) for item in value)
    same = isinstance(value, tuple) and all(new is old for new, old in zip(fitted, value, strict=True))
    return value if same else fitted


def _fitted_mapping(key_kind: Any, kind: Any, value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    fitted = {_fitted(key_kind, key): _fitted(kind, item) for key, item in value.items()}
    return value if all(fitted.get(key) is item for key, item in value.items()) else fitted


def _listed(value: Any) -> tuple[Any, ...] | list[Any] | range | None:
    """A value that lists others in an order, NumPy's arrays among them; None for any other."""
    if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist"):
        return list(value)
    return value if isinstance(value, tuple | list | range) else None


def _plain(value: Any) -> Any:
    """A number of NumPy or JAX as Python's: the shortest that is the same in its precision, so that 0.001 stays so."""
    if getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return value
    item = value.item()
    if not isinstance(item, float):
        return item
    shortest = (float(f"{item:.{digits}g}") for digits in range(1, 17))
    return next((short for short in shortest if value.dtype.type(short) == item), item)


def _first(attempt: Callable[[Any], Any], kinds: tuple[Any, ...]) -> Any:
    """What comes of the first of the types that fits. Raises _MisfitError where none does."""
    for kind in kinds:
        try:
            return attempt(kind)
        except _MisfitError:
            continue
    raise _MisfitError


def _misfit(name: str, kind: Any, value: Any) -> tuple[str, Any, Any]:
    """Name, type and value of what is wrong in a field that is: in a dictionary the first such item."""
    if get_origin(kind) is Mapping and isinstance(value, Mapping):
        item_kind = get_args(kind)[1]
        for key, item in value.items():
            try:
                _fitted(item_kind, item)
            except _MisfitError:
                return f"{name}[{key!r}]", item_kind, item
    return name, kind, value


def _explanation(field: dataclasses.Field, name: str, kind: Any, value: Any) -> str:
    """What was found, what was expected, and what to write."""
    value = _plain(value)
    known = "text" if isinstance(value, str) else _with_article(type(value).__name__)
    found = f"{name} is None" if value is None else f"{name}={_shown(value)} is {known}"
    if _listed(value) is not None and get_origin(kind) is tuple:
        found = f"{name}={_shown(value)}"
    default = None if field.default is dataclasses.MISSING else field.default
    remedy = "" if default in (None, ()) else f": write e.g. {name}={_example(default)}"
    try:
        meant = _repaired(kind, _date_of_number(field, value))
        if "help" in field.metadata:
            _check_limits(field, meant)
        remedy = f": write {name}={_shown(meant)}"
    except (_MisfitError, ConfigError):
        pass
    return f"{found}, expected {_words(kind)}{remedy}"


def _date_of_number(field: dataclasses.Field, value: Any) -> Any:
    """The date that a number such as 20240102 stands for in a field that holds a date; any other value as it is."""
    if _DATE_FORM not in field.metadata.get("help", "") or type(value) is not int:
        return value
    try:
        return date.fromisoformat(_shown(value))
    except ValueError:
        return value


def _repaired(kind: Any, value: Any) -> Any:
    """What may have been meant by a value of another type. Raises _MisfitError where that is anybody's guess."""
    try:
        return _fitted(kind, value)
    except _MisfitError:
        pass
    if get_origin(kind) is UnionType:
        return _first(functools.partial(_repaired, value=value), get_args(kind))
    if get_origin(kind) is tuple:
        listed = _sorted(value) if isinstance(value, set | frozenset) else _listed(value)
        return tuple(_repaired(get_args(kind)[0], item) for item in ((value,) if listed is None else listed))
    value = _plain(value)
    if isinstance(value, str):
        try:
            return _fitted(kind, ast.literal_eval(value.strip()))
        except (ValueError, SyntaxError):
            raise _MisfitError from None
    if kind is int and isinstance(value, float) and math.isfinite(value):
        return round(value)
    if kind is bool and isinstance(value, int) and value in (0, 1):
        return bool(value)
    if kind is str and isinstance(value, date):  # of a moment its day
        return value.isoformat()[: len(_DATE_FORM)]
    raise _MisfitError


def _sorted(values: Iterable[Any]) -> list[Any]:
    """What has no order in one that is the same every time. Raises _MisfitError where there is none."""
    try:
        return sorted(values)
    except TypeError:
        raise _MisfitError from None


def _words(kind: Any) -> str:
    """A type as it is called in messages."""
    if get_origin(kind) is UnionType:
        return " or ".join(_words(part) for part in get_args(kind))
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        parts = get_args(item) if get_origin(item) is UnionType else (item,)
        return f"a tuple of {' or '.join(_PLURALS.get(part) or part.__name__ for part in parts)}"
    if get_origin(kind) is Mapping:
        return "a dictionary"
    return _WORDS.get(kind) or _with_article(kind.__name__)


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'AEIOUaeiou' else 'a'} {noun}"


def _example(default: Any) -> str:
    """A default as it can be written; a dataclass is its own default's, without its fields."""
    return f"{type(default).__name__}()" if dataclasses.is_dataclass(default) else repr(default)


def _shown(value: Any) -> str:
    """A value as it is written, cut short: a dataclass without its fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}(…)"
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"{'-' if value < 0 else ''}2**{value.bit_length() - 1}…"  # Python writes out no very long ones
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _check_limits(field: dataclasses.Field, value: Any) -> None:
    """Refuse a value that is none of the choices, and a number beyond its limits; None stands for "not given"."""
    choices = field.metadata.get("choices", ())
    if choices and value is not None and value not in choices:
        raise unknown(field.name, str(value), choices)
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int | float):
            _check_number(field, number)


def _check_number(field: dataclasses.Field, number: float) -> None:
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if isinstance(number, float) and not math.isfinite(number):
        raise ConfigError(f"{field.name}={number} is not a finite number")
    if number < low:
        raise ConfigError(f"{field.name}={_shown(number)} is too small: use at least {_limit(low)}")
    if number > high:
        raise ConfigError(f"{field.name}={_shown(number)} is too large: use at most {_limit(high)}")
    if abs(number) > _LARGEST:
        remedy = "" if field.default is None else f": write e.g. {field.name}={_example(field.default)}"
        raise ConfigError(f"{field.name}={_shown(number)}, expected a number that a float can hold{remedy}")


def _limit(value: float) -> str:
    """A limit as it can be typed: not rounded, so that the value named is allowed."""
    return str(int(value)) if value == int(value) else repr(value)
