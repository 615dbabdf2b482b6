"""Which environment's words a run is read with: those that its config.json carries."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import xarray as xr

from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.env.momentum_diagnostics import BEFORE_DESCRIPTIONS, EARLY
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory.atomic_files import RunDirectoryError
from momentum_jax.run_directory.config_json import version_text


def diagnostics_of(ds: xr.Dataset) -> Diagnostics:
    """The description of the environment that a loaded run was trained on.

    Runs that were written before config.json carried one are of the momentum environment.

    Raises:
        RunDirectoryError: it has a part that this version does not know.
    """
    return diagnostics_in(json.loads(ds.attrs.get("config", "{}")))


def diagnostics_in(config: Mapping[str, Any]) -> Diagnostics:
    """The description that a run's config.json carries. Raises as `diagnostics_of` does."""
    plain = config.get("diagnostics")
    if plain is None:
        return BEFORE_DESCRIPTIONS
    try:
        return _read(json.dumps(plain))
    except (ConfigError, TypeError, ValueError, AttributeError) as error:
        raise RunDirectoryError(f"diagnostics in config.json: {error}: {version_text(config)}") from error


@lru_cache(maxsize=16)
def _read(plain: str) -> Diagnostics:
    """Remembered, for a run reads its own at every checkpoint."""
    described = json.loads(plain)
    found = Diagnostics.from_json(described)
    # Written before descriptions had these steps: then every environment was looked at as the momentum one is.
    before = "early" not in described and found.environment == BEFORE_DESCRIPTIONS.environment
    return dataclasses.replace(found, early=EARLY) if before else found
