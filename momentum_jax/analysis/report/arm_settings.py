"""What the arms of a run have in common and in what they differ.

A setting that did not exist yet when one of the arms was recorded had its default's meaning there.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from momentum_jax.config import EnvOptions, PPOConfig

_ABSENT = "–"
# As config.json has them: lists in place of tuples.
_DEFAULTS = json.loads(json.dumps({"env": dataclasses.asdict(EnvOptions()), "ppo": dataclasses.asdict(PPOConfig())}))


def flat_settings(arm: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an arm by dotted name (``ppo.ent_coef``), its own name left out."""
    settings: dict[str, Any] = {}
    for name, value in arm.items():
        if name == "by_seed":
            settings |= {option: f"{min(values)} to {max(values)}, by seed" for option, values in value.items()}
        elif isinstance(value, Mapping):
            settings |= {f"{name}.{inner}": setting for inner, setting in flat_settings(value).items()}
        elif name != "name":
            settings[name] = value
    return settings


def _compared(arms: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Settings of every arm by dotted name, with defaults for those that it lacks and another arm has."""
    every = [flat_settings(arm) for arm in arms]
    defaults = flat_settings(_DEFAULTS)
    names = dict.fromkeys(name for settings in every for name in settings)
    filled = []
    for arm, settings in zip(arms, every, strict=True):
        absent = (name for name in names if name not in settings and name.partition(".")[0] in arm)
        filled.append(settings | {name: defaults[name] for name in absent if name in defaults})
    return filled


def differing_settings(arms: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per setting that is not the same in every arm, one column per arm, as text."""
    every = dict(zip((arm["name"] for arm in arms), _compared(arms), strict=True))
    names = list(dict.fromkeys(name for settings in every.values() for name in settings))
    rows = []
    for name in names:
        values = {arm: str(settings.get(name, _ABSENT)) for arm, settings in every.items()}
        if len(set(values.values())) > 1:
            rows.append({"setting": name, **values})
    return pd.DataFrame(rows, columns=["setting", *every])


def common_settings(arms: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Columns ``setting, value`` of what every arm has alike."""
    differing = set(differing_settings(arms)["setting"])
    rows = [(name, str(value)) for name, value in flat_settings(arms[0]).items() if name not in differing]
    return pd.DataFrame(rows, columns=["setting", "value"])


def numeric_dose(arms: Sequence[Mapping[str, Any]]) -> tuple[str, list[float]] | None:
    """The one number in which the arms differ, with its value in each arm; None where it is not so.

    Two arms or more, a different number in each, and nothing else that differs.
    """
    every = _compared(arms)
    names = dict.fromkeys(name for settings in every for name in settings)
    differing = [name for name in names if len({repr(settings.get(name)) for settings in every}) > 1]
    if len(differing) != 1:
        return None
    values = [settings.get(differing[0]) for settings in every]
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return (differing[0], numbers) if len(set(numbers)) == len(arms) else None
