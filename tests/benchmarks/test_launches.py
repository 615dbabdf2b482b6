"""Launches counted in a compiled program, and the programs that are compiled to be counted."""

from __future__ import annotations

import dataclasses
import importlib.util

import jax
import pytest

from benchmarks import launch_steps, launches, update_program
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.networks import backend
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training.engine import Engine
from momentum_jax.training.group_width import Layout
from momentum_jax.training.runs import Run

SMALL = PPOConfig(num_steps=16, minibatch_size=8, num_epochs=1, hidden_sizes=(8,))

PROGRAM = """HloModule jit_step, is_scheduled=true

%fused (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  ROOT %add = f32[4]{0} add(%p, %p)
}

%body (arg: (s32[], f32[4])) -> (s32[], f32[4]) {
  %arg = (s32[], f32[4]{0}) parameter(0)
  %i = s32[] get-tuple-element(%arg), index=0
  %x = f32[4]{0} get-tuple-element(%arg), index=1
  %same = f32[4]{0} bitcast(%x)
  %y = f32[4]{0} fusion(%same), kind=kLoop, calls=%fused
  %z = f32[4]{0} custom-call(%y), custom_call_target="product"
  %begun = f32[4]{0} fusion-start(%z), kind=kLoop, calls=%fused
  %done = f32[4]{0} fusion-done(%begun)
  ROOT %out = (s32[], f32[4]{0}) tuple(%i, %done)
}

%condition (arg: (s32[], f32[4])) -> pred[] {
  %arg.1 = (s32[], f32[4]{0}) parameter(0)
  ROOT %less = pred[] constant(true)
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %x.1 = f32[4]{0} parameter(0)
  %zero = s32[] constant(0)
  %copy = f32[4]{0} copy(%x.1)
  %start = (s32[], f32[4]{0}) tuple(%zero, %copy)
  %l = (s32[], f32[4]{0}) while(%start), condition=%condition, body=%body, backend_config={"known_trip_count":{"n":"5"}}
  ROOT %result = f32[4]{0} get-tuple-element(%l), index=1
}
"""


def test_launches_are_counted_turn_by_turn():
    table = launches.by_loop(PROGRAM).set_index("turns")
    assert table["launches a turn"].to_dict() == {5: 3, 1: 1}  # a fusion, a product, a fusion begun; one copy
    assert launches.count(PROGRAM) == 16


@pytest.mark.slow
def test_the_counted_program_is_the_engines(market):
    """Loop by loop; outside of loops the engine has its mesh beside."""
    runs = [Run(seed, SMALL, EnvOptions()) for seed in range(2)]
    layout = Layout(devices=(jax.local_devices()[0],), group_width=2, vmapped=True)
    with backend.assumed(backend.CPU):  # compiled in half the time
        engine = Engine(Momentum(), market.params.market, runs, layout, 10)
    found = update_program.compiled(update_program.Variant(config=SMALL, choices=backend.CPU), 2, card=None)
    loops = [launches.by_loop(each.as_text()) for each in (engine.compiled_update, found)]
    own, counted = (table[table.turns > 1].reset_index(drop=True) for table in loops)
    assert len(own) >= 3
    assert own.equals(counted)


@pytest.fixture(scope="module")
def lowered():
    """The text of a small program with steps taken back or tried."""

    def text(*names):
        variant = launch_steps.changed(names)
        kept = {"optimizer": variant.config.optimizer}
        small = variant._replace(config=dataclasses.replace(SMALL, **kept))
        return update_program.lowered(small, 2, jax.local_devices()[0]).as_text()

    return text


@pytest.mark.slow
def test_every_step_changes_the_program(lowered):
    present = lowered()
    texts = [lowered(name) for name in launch_steps.STEPS]
    assert present not in texts and len(set(texts)) == len(texts)
    assert present == lowered()


def test_a_step_is_taken_back_only_while_it_is_traced(lowered):
    lowered("packing")
    assert "optimization_barrier" in lowered("transposed") and "optimization_barrier" not in lowered("packing")
    assert backend.choices() == backend.CPU


def test_unknown_steps_are_refused_by_name():
    with pytest.raises(ValueError, match="--change names 'flaat': choose from exogenous, packing, flat, "):
        launch_steps.changed(("packing", "flaat"))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax_plugins") is None, reason="needs pip install momentum-jax[cuda]")
def test_an_h100s_program_launches_what_was_counted_on_one():
    """13 836 on the card at 1 024 seeds, before four steps of the rollout became one turn (docs/accelerator.md)."""
    variant = launch_steps.changed(("rollout",))
    found = launches.by_loop(update_program.compiled(variant, 1024, card="H100").as_text())
    assert found.launches.sum() == pytest.approx(13_836, rel=0.02)
    assert found.set_index("turns")["launches a turn"][512] == 18
