"""The steps towards fewer launches, each taken back, or tried, in the present program; see `launches --steps`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple
from unittest import mock

import jax
import optax

from benchmarks.update_program import Variant
from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo import optimizers, packing


class Step(NamedTuple):
    what: str
    change: Callable[[Variant], Variant]  # the program without it, or with what was tried


def changed(names: tuple[str, ...]) -> Variant:
    """The present program with these steps taken back or tried.

    Raises:
      ValueError: a name that is no step's.
    """
    variant = Variant()
    for name in names:
        if name not in STEPS:
            raise ValueError(f"--change names {name!r}: choose from {', '.join(STEPS)}")
        variant = STEPS[name].change(variant)
    return variant


class _InTheLoop(Momentum):
    """Looks the market up in every step of the rollout."""

    def exogenous(self, state: Any, reset_keys: jax.Array, params: Any) -> Any:
        return ()


class _LeafByLeaf(NamedTuple):
    """In place of `packing.Packing`: every leaf stays an array of its own."""

    structure: Any

    def pack(self, tree: Any) -> tuple[jax.Array, ...]:
        return tuple(self.structure.flatten_up_to(tree))

    def unpack(self, packed: tuple[jax.Array, ...]) -> Any:
        return jax.tree.unflatten(self.structure, packed)


def _unpacked() -> AbstractContextManager[Any]:
    return mock.patch.object(packing, "of", lambda tree, lead: _LeafByLeaf(jax.tree.structure(tree)))


def flat_adam(learning_rate: Any, eps: Any) -> optax.GradientTransformation:
    """The learner's Adam on one vector of all weights."""
    return optax.flatten(optimizers.adam(learning_rate, eps))


def _one_vector(variant: Variant) -> Variant:
    return variant._replace(config=dataclasses.replace(variant.config, optimizer="benchmarks.launch_steps:flat_adam"))


def _choosing(**values: Any) -> Callable[[Variant], Variant]:
    return lambda variant: variant._replace(choices=variant.choices._replace(**values))


# In the order of the plan.
STEPS: Mapping[str, Step] = {
    "exogenous": Step("market looked up in every step", lambda variant: variant._replace(task=_InTheLoop())),
    "packing": Step("carried and stored leaf by leaf", lambda variant: variant._replace(traced_with=_unpacked)),
    "flat": Step("tried: Adam on one vector", _one_vector),
    "transposed": Step("minibatches transposed by a copy", _choosing(copies_transposed=True)),
    "advantages": Step("advantages one step a turn", _choosing(advantage_unroll=1)),
    "rollout": Step("rollout one step a turn", _choosing(rollout_unroll=1)),
    "features": Step("features not filled up", _choosing(feature_multiple=1)),
}
