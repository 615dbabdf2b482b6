"""A seed's first state is the same whichever devices make it, beside whatever seeds, and wherever it then trains."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.fields import without_unused
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.streams import seed_streams
from momentum_jax.training import device_arrays, initialisation
from momentum_jax.training.engine import Engine
from momentum_jax.training.group_width import Layout
from momentum_jax.training.runs import Run, stacked_settings

SEEDS = (3, 1, 4, 15, 9, 2)
(CONFIG,) = without_unused([PPOConfig(hidden_sizes=(8,), num_envs=2)])
RUNS = [Run(seed, CONFIG, EnvOptions()) for seed in SEEDS]


@pytest.fixture(scope="module")
def alone(market):
    """Each seed's state, made by the learner without the engine, leaves [runs, ...]."""
    config, options = jax.tree.map(lambda leaf: leaf[0], stacked_settings(RUNS))
    init = jax.jit(partial(learner.init, Momentum()))
    params = jax.jit(Momentum().bind)(market.params.market, options)
    states = [init(config, params, seed_streams(seed)) for seed in SEEDS]
    return [np.stack(leaves) for leaves in zip(*map(numbers_of, states), strict=True)]


def numbers_of(states):
    return [np.asarray(device_arrays.plain(leaf)) for leaf in jax.tree.leaves(states)]


def placed_on(devices):
    return NamedSharding(Mesh(np.asarray(devices), ("runs",)), P("runs"))


def assert_same(states, expected):
    for found, leaf in zip(numbers_of(states), expected, strict=True):
        np.testing.assert_array_equal(found, leaf)


@pytest.mark.parametrize("made_on", [(0,), (0, 1)])
@pytest.mark.parametrize("trained_on", [(0,), (1,), (0, 1)])
def test_every_seed_has_the_state_that_it_has_alone(market, alone, monkeypatch, made_on, trained_on):
    """Four are made at a time, and the last two of six with copies behind them."""
    monkeypatch.setattr(initialisation, "_BLOCK", 4)
    placement = placed_on([jax.local_devices()[number] for number in trained_on])
    devices = [jax.local_devices()[number] for number in made_on]
    initialiser = initialisation.Initialiser(Momentum(), market.params.market, devices, placement)
    states = initialiser.made(RUNS)()
    assert_same(states, alone)
    assert all(leaf.sharding.is_equivalent_to(placement, leaf.ndim) for leaf in jax.tree.leaves(states))


@pytest.mark.parametrize("runs", [RUNS[:1], RUNS])
def test_states_have_the_shapes_types_and_places_that_programs_are_compiled_for(market, runs):
    placement = placed_on(jax.local_devices()[1:])
    initialiser = initialisation.Initialiser(Momentum(), market.params.market, jax.local_devices(), placement)
    states, shapes = initialiser.made(runs)(), initialiser.shapes(runs)
    assert jax.tree.structure(states) == jax.tree.structure(shapes)
    for state, shape in zip(jax.tree.leaves(states), jax.tree.leaves(shapes), strict=True):
        assert (state.shape, state.dtype, state.aval.weak_type) == (shape.shape, shape.dtype, shape.weak_type)
        assert state.sharding.is_equivalent_to(shape.sharding, state.ndim)


def test_cpus_make_the_states_of_an_accelerator_and_their_own(monkeypatch):
    cpus, accelerators = tuple(jax.local_devices()), (SimpleNamespace(platform="gpu"),) * 2
    assert initialisation.initialising_devices(cpus[1:]) == cpus[1:]
    assert initialisation.initialising_devices(accelerators) == cpus

    def no_cpus(backend):
        raise RuntimeError(backend)

    monkeypatch.setattr(jax, "local_devices", no_cpus)
    assert initialisation.initialising_devices(accelerators) == accelerators[:1]


def test_an_engine_begins_with_these_states(market, alone, monkeypatch):
    monkeypatch.setattr(jax.stages.Lowered, "compile", lambda self: None)
    layout = Layout(devices=tuple(jax.local_devices()), group_width=2, vmapped=False)
    engine = Engine(Momentum(), market.params.market, RUNS, layout, 10)
    groups = [numbers_of(states) for states in engine._states]
    for first, second, leaf in zip(*groups, alone, strict=True):
        np.testing.assert_array_equal(np.concatenate([first, second])[: len(SEEDS)], leaf)
