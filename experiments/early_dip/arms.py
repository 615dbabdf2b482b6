"""How the arms of the study are made: tune2 with something changed."""

from __future__ import annotations

import dataclasses
from typing import Any

from momentum_jax.config import Arm

from .. import tune2


def varied(name: str, *, env: dict[str, Any] | None = None, ppo: dict[str, Any] | None = None) -> Arm:
    """Tune2 with these settings changed and nothing else."""
    return Arm(
        name=name,
        env=dataclasses.replace(tune2.ARM.env, **(env or {})),
        ppo=dataclasses.replace(tune2.ARM.ppo, **(ppo or {})),
    )
