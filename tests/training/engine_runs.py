"""Small runs of the momentum environment, straight through the engine."""

from __future__ import annotations

import jax
import numpy as np

from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training.engine import Engine
from momentum_jax.training.group_width import Layout
from momentum_jax.training.runs import Run

SMALL = {"num_steps": 32, "minibatch_size": 16, "num_epochs": 2, "hidden_sizes": (8,)}
UPDATES = 3


def make_run(seed=0, **settings):
    env = {name: settings.pop(name) for name in list(settings) if name in EnvOptions.__dataclass_fields__}
    return Run(seed=seed, config=PPOConfig(**SMALL | settings), options=EnvOptions(**env))


def make_engine(market, runs, fixed_streams=(), layout=None, compiler=None):
    """An engine of groups of one size, however many runs there are: they share what is compiled."""
    layout = layout or Layout(devices=tuple(jax.local_devices()), group_width=2, vmapped=False)
    return Engine(Momentum(), market.params.market, runs, layout, 10, fixed_streams, compiler)


def advance(engine):
    """The records of all runs' next update, on the host, leaves [runs, ...]."""
    return engine.gather([engine.update(group) for group in range(engine.num_groups)])


def train(market, runs, fixed_streams=(), layout=None, updates=UPDATES):
    """Every run's records of all updates and final parameters, on the host, leaves [runs, ...]."""
    engine = make_engine(market, runs, fixed_streams, layout)
    records = [advance(engine) for _ in range(updates)]
    return records, params_of(engine)


def params_of(engine):
    """The parameters of all runs on the host, arrays [runs, ...] by name."""
    snapshots = [engine.snapshot(group) for group in range(engine.num_groups)]
    names = [name for name in snapshots[0] if name.startswith("params.")]
    return {name: np.concatenate([snapshot[name] for snapshot in snapshots]) for name in names}


def of_run(tree, index):
    return [np.asarray(leaf)[index] for leaf in jax.tree.leaves(tree)]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
