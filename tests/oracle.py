"""rliable, as the tests' oracle and as a reader of exported scores."""

from __future__ import annotations

import inspect
import warnings
from types import ModuleType
from unittest import mock

import pandas.util._decorators as decorators
import pytest


def rliable() -> tuple[ModuleType, ModuleType]:
    """Its modules ``library`` and ``metrics``; skips the test where it is not installed."""
    with warnings.catch_warnings(), mock.patch.object(decorators, "deprecate_kwarg", _either_signature):
        warnings.simplefilter("ignore")
        library = pytest.importorskip("rliable.library", reason="rliable is not installed: pip install rliable")
        metrics = pytest.importorskip("rliable.metrics", reason="rliable is not installed: pip install rliable")
    return library, metrics


_CURRENT = decorators.deprecate_kwarg


def _either_signature(*arguments: object, **options: object) -> object:
    """rliable needs arch below 8, which decorates with pandas 2's signature; pandas 3 wants a class in front."""
    first = next(iter(inspect.signature(_CURRENT).parameters))
    if first == "klass" and isinstance(arguments[0], str):
        arguments = (FutureWarning, *arguments)
    return _CURRENT(*arguments, **options)
