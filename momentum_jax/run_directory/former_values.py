"""Settings as earlier versions recorded them, in the form that they have now."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from datetime import date
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from momentum_jax.config.arms import Arm
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.market.market_options import DATES
from momentum_jax.ppo.hyper_parameters import PPOConfig

_OPTION_TYPES = get_type_hints(EnvOptions) | get_type_hints(PPOConfig)


def in_present_form(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config with its numbers and dates as they would be recorded now; what cannot be read stays.

    Earlier versions did not check types, so that a whole number may stand there as 100000.0, and took every ISO
    spelling of a date, such as 20240102.
    """
    present = _in_form(RunConfig, config)
    if isinstance(present.get("market"), Mapping):
        market = present["market"]
        present["market"] = {name: _date(item) if name in DATES else item for name, item in market.items()}
    return present


def _in_form(kind: Any, plain: Any) -> Any:
    """A plain value in the type of its setting, where it means the same in that."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(plain, Mapping):
        kinds = get_type_hints(kind)
        present = {name: _in_form(kinds.get(name), item) for name, item in plain.items()}
        return present | _by_seed(present) if kind is Arm else present
    if get_origin(kind) is tuple and isinstance(plain, list):
        return [_in_form(get_args(kind)[0], item) for item in plain]
    if get_origin(kind) is UnionType:
        parts = [part for part in get_args(kind) if part is not NoneType]
        return _in_form(parts[0], plain) if len(parts) == 1 else plain
    return int(plain) if kind is int and isinstance(plain, float) and plain.is_integer() else plain


def _by_seed(arm: Mapping[str, Any]) -> dict[str, Any]:
    """An arm's values by seed, each in the type of its own option."""
    by_seed = arm.get("by_seed")
    if not isinstance(by_seed, Mapping):
        return {}
    lists = {option: values for option, values in by_seed.items() if isinstance(values, list)}
    present = {option: [_in_form(_OPTION_TYPES.get(option), value) for value in lists[option]] for option in lists}
    return {"by_seed": {**by_seed, **present}}


def _date(text: Any) -> Any:
    """YYYY-MM-DD of any ISO spelling."""
    with contextlib.suppress(TypeError, ValueError):
        return date.fromisoformat(text).isoformat()
    return text
