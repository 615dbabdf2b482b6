"""rliable beside pandas 3, to read what `exports.write_rliable` writes:

    library, metrics = import_rliable()
    scores = dict(np.load("rliable_scores.npz"))
    library.get_interval_estimates(scores, lambda x: np.array([metrics.aggregate_iqm(x)]))

rliable 1.2 needs arch below 8, and that decorates with the signature that `deprecate_kwarg` had in pandas 2, so that
`import rliable.library` alone fails where this project is installed.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pandas.util._decorators as decorators


def import_rliable() -> tuple[ModuleType, ModuleType]:
    """Its modules ``library`` and ``metrics``.

    Raises:
        ImportError: it is not installed.
    """
    with warnings.catch_warnings(), _older_signature():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("rliable.library"), importlib.import_module("rliable.metrics")
        except ModuleNotFoundError as error:
            raise ImportError(f"rliable cannot be imported ({error}): pip install 'rliable>=1.2,<1.3'") from None


@contextlib.contextmanager
def _older_signature() -> Iterator[None]:
    """pandas' decorator takes pandas 2's arguments too, while rliable is imported."""
    current: Any = vars(decorators)["deprecate_kwarg"]
    takes_class = next(iter(inspect.signature(current).parameters)) == "klass"

    def either(*arguments: object, **options: object) -> object:
        older = takes_class and arguments and isinstance(arguments[0], str)
        return current(FutureWarning, *arguments, **options) if older else current(*arguments, **options)

    vars(decorators)["deprecate_kwarg"] = either
    try:
        yield
    finally:
        vars(decorators)["deprecate_kwarg"] = current
