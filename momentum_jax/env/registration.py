"""The name under which Gymnasium makes the environment. Imports nothing of it: most users of the package do not."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

GYMNASIUM_ID = "momentum_jax/Momentum-v0"
_REGISTRY = "gymnasium.envs.registration"


def register() -> None:
    """Let `gymnasium.make("momentum_jax/Momentum-v0")` find the environment: now, or once Gymnasium is imported."""
    if _REGISTRY in sys.modules:
        _add_to_registry()
    elif not any(isinstance(finder, _AfterGymnasium) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterGymnasium())


def _add_to_registry() -> None:
    from gymnasium.envs import registration

    if GYMNASIUM_ID not in registration.registry:
        registration.register(id=GYMNASIUM_ID, entry_point="momentum_jax.env.gymnasium:MomentumGymEnv")


class _AfterGymnasium(MetaPathFinder):
    """Adds the name as soon as Gymnasium's registry has been imported; since 1.0 it looks for no packages itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _REGISTRY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_register(module: ModuleType) -> None:
                run(module)
                _add_to_registry()

            spec.loader.exec_module = run_and_register  # type: ignore[method-assign]
        return spec
