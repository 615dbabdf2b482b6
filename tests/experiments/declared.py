"""What tests of a study's declaration share: its command line, and in what two arms differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import experiments
from momentum_jax.cli import command_line
from momentum_jax.config.arms import Arm


def parse(words: Sequence[str]) -> Any:
    """What `launch.py` makes of these words."""
    return command_line.parse(
        ["launch.py", *words], experiments.load, experiments.names(), None, experiments.load_study
    )


def differences(one: Arm, other: Arm) -> set[str]:
    """Names of the options in which two arms differ."""
    return {
        field.name
        for kind in ("env", "ppo")
        for field in dataclasses.fields(getattr(one, kind))
        if getattr(getattr(one, kind), field.name) != getattr(getattr(other, kind), field.name)
    }
