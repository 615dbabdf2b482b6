"""Ways to write an accelerator's update, and the first layer's kernel, that `update_variants` compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest import mock

from benchmarks import launch_steps
from benchmarks.update_program import Variant
from momentum_jax.networks import backend
from momentum_jax.ppo import first_layer_step, hyper_parameters
from momentum_jax.ppo.first_layer_step import DESIGN, Design, Tile

_THREE_PASSES = "TF32_TF32_F32_X3"  # a float32 product of three TF32 products: 22 of 24 bits


def _with(*changes: Callable[[], AbstractContextManager[Any]]) -> Callable[[], AbstractContextManager[Any]]:
    """Traced with all of these."""

    @contextmanager
    def entered() -> Any:
        with ExitStack() as stack:
            for change in changes:
                stack.enter_context(change())
            yield

    return entered


def designed(design: Design) -> Callable[[], AbstractContextManager[Any]]:
    """With the first layer's kernels written so."""
    return lambda: mock.patch.object(first_layer_step, "DESIGN", design)


def _products_of_three() -> AbstractContextManager[Any]:
    return mock.patch.dict(hyper_parameters.MATMUL_PRECISIONS, float32=_THREE_PASSES)


def _step(features: int, units: int, transitions: int, warps: int) -> Design:
    return DESIGN._replace(step=Tile(features, units, transitions, warps))


def _norm(features: int, units: int, warps: int, precision: str | None) -> Design:
    return DESIGN._replace(norm=Tile(features, units, 0, warps), norm_precision=precision)


STEPS: Mapping[str, Design] = {
    f"{features} x {units}, {transitions} transitions, {warps} warps": _step(features, units, transitions, warps)
    for features, units, transitions, warps in (
        (32, 128, 16, 4),
        (32, 128, 32, 4),
        (32, 128, 16, 8),
        (64, 64, 16, 4),
        (64, 128, 16, 8),
        (32, 64, 16, 4),
        (16, 128, 16, 4),
    )
}
NORMS: Mapping[str, Design] = {
    f"{size} at a time, {warps} warps, {precision or 'float32'}": _norm(size, size, warps, precision)
    for size, warps, precision in (
        (32, 4, _THREE_PASSES),
        (32, 4, None),
        (64, 8, _THREE_PASSES),
        (32, 8, None),
        (16, 4, None),
    )
}
_QUICK_NORM = _norm(32, 32, 4, _THREE_PASSES)

_FUSED = Variant(choices=backend.GPU)
WAYS: Mapping[str, Variant] = {
    "plain": Variant(choices=backend.ACCELERATOR),
    "fused": _FUSED,
    "fused, quick norm": _FUSED._replace(traced_with=designed(_QUICK_NORM)),
    "fused, quick norm, rollout 8": Variant(
        choices=backend.GPU._replace(rollout_unroll=8), traced_with=designed(_QUICK_NORM)
    ),
    "fused, quick norm, unpacked": _FUSED._replace(traced_with=_with(designed(_QUICK_NORM), launch_steps.unpacked)),
    "fused, products of three": _FUSED._replace(traced_with=_products_of_three),
    "fused, quick norm, 64 x 64": _FUSED._replace(traced_with=designed(_QUICK_NORM._replace(step=Tile(64, 64, 16, 4)))),
}
