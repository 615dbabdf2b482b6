"""The arrangement must not change a run: alone or in company, in whichever group, today or again."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import jax
import jax.monitoring
import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import REDRAWN_SEED_OFFSET, STREAMS, PPOConfig
from momentum_jax.training.engine import Engine
from momentum_jax.training.fleet import Fleet, program_layouts
from momentum_jax.training.group_width import Layout, default_layout
from momentum_jax.training.runs import Run
from tests.ppo.probes import Bandit
from tests.quick_programs import compiled_quickly
from tests.training.engine_runs import SMALL, advance, assert_same, make_engine, make_run, of_run, params_of, train


def test_a_run_is_the_same_alone_among_others_and_again(market):
    alone = of_run(train(market, [make_run(3)], layout=default_layout(1)), 0)
    company = [make_run(seed) for seed in range(5)] + [make_run(3, ent_coef=0.5, trim_reduces_cost=True)]
    among = train(market, company, layout=default_layout(6))
    assert_same(alone, of_run(among, 3))
    assert_same(alone, of_run(train(market, [make_run(3)], layout=default_layout(1)), 0))
    assert any((a != b).any() for a, b in zip(alone, of_run(among, 4), strict=True))
    assert any((a != b).any() for a, b in zip(alone, of_run(among, 5), strict=True))


@pytest.mark.parametrize("vmapped", [False, True])
def test_wider_groups_keep_runs_apart(market, vmapped):
    layout = Layout(devices=tuple(jax.local_devices()), group_width=2, vmapped=vmapped)
    alone = of_run(train(market, [make_run(1)], layout=layout), 0)
    among = of_run(train(market, [make_run(seed) for seed in range(5)], layout=layout), 1)
    assert_same(alone, among)


@pytest.mark.parametrize(
    ("num_runs", "devices", "width"), [(1, 1, 1), (2, 2, 1), (8, 2, 4), (9, 2, 5), (64, 2, 8), (66, 2, 3), (512, 2, 8)]
)
def test_groups_divide_the_runs_of_a_cpu_evenly(num_runs, devices, width):
    layout = default_layout(num_runs)
    assert (len(layout.devices), layout.group_width, layout.vmapped) == (devices, width, False)


def test_one_compilation_serves_all_groups_and_updates(market):
    compiled = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        engine = Engine(Momentum(), market.params.market, [make_run(seed) for seed in range(6)], default_layout(6), 10)
        engine.prepare()
        before = len(compiled)
        for _ in range(3):
            jax.block_until_ready([engine.update(group) for group in range(engine.num_groups)])
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert before > 0  # the listener hears compilations
    assert len(compiled) == before


def test_no_leaf_of_the_carried_state_is_weakly_typed(market):
    engine = Engine(Momentum(), market.params.market, [make_run()], default_layout(1), 10)
    engine.update(0)
    assert not any(leaf.aval.weak_type for leaf in jax.tree.leaves(engine._states[0]))


def test_a_fixed_stream_is_shared_and_the_others_are_not(market):
    engine = make_engine(market, [make_run(0), make_run(1)], fixed_streams=("init",))
    params = params_of(engine)
    assert_same(of_run(params, 0), of_run(params, 1))
    # With the initialisation shared, acting still differs; with all streams shared nothing does.
    event = advance(engine).event
    assert (event[0] != event[1]).any()
    _, params = train(market, [make_run(0), make_run(1)], updates=0)
    assert any((a != b).any() for a, b in zip(of_run(params, 0), of_run(params, 1), strict=True))
    records, _ = train(market, [make_run(0), make_run(1)], ("init", "action", "minibatch", "market"), updates=2)
    assert_same(of_run(records, 0), of_run(records, 1))


TRACED = {
    "learning_rate": 1e-3,
    "anneal_learning_rate": True,
    "anneal_clip_range": True,
    "gamma": 0.5,
    "gae_lambda": 0.5,
    "clip_range": 1e-4,
    "ent_coef": 1.0,
    "vf_coef": 5.0,
    "max_grad_norm": 1e-3,
    "adam_eps": 1.0,
    "normalize_advantage": False,
    "critic_only_updates": 1,
    "permute_rewards": True,
    "initial_action_bias": 0.5,
    "action_mask": False,
}


def test_every_traced_hyper_parameter_changes_the_outcome(market):
    traced = {name for name, field in PPOConfig.__dataclass_fields__.items() if not field.metadata["static"]}
    assert TRACED.keys() == traced
    # A step size at which the clipping range is felt.
    runs = [make_run(0, learning_rate=1e-2)] + [
        make_run(0, **{"learning_rate": 1e-2} | {k: v}) for k, v in TRACED.items()
    ]
    _, params = train(market, runs)
    default = of_run(params, 0)
    for index, name in enumerate(TRACED, start=1):
        assert any((a != b).any() for a, b in zip(default, of_run(params, index), strict=True)), name


def test_a_redrawn_stream_is_another_seeds_and_the_others_stay(market):
    """A pick-freeze design: arms differ in single streams, and one with all redrawn is another seed altogether."""
    kept = make_run(0)

    def with_redrawn(*streams):
        return dataclasses.replace(kept, redrawn_streams=streams)

    runs = [kept, with_redrawn("init"), with_redrawn("action"), with_redrawn("init", "action")]
    _, initial = train(market, runs, updates=0)
    assert_same(of_run(initial, 0), of_run(initial, 2))
    assert_same(of_run(initial, 1), of_run(initial, 3))
    assert any((a != b).any() for a, b in zip(of_run(initial, 0), of_run(initial, 1), strict=True))
    runs = [with_redrawn(*STREAMS), make_run(REDRAWN_SEED_OFFSET), with_redrawn("minibatch"), kept]
    records, params = train(market, runs)
    assert_same(of_run(params, 0), of_run(params, 1))
    # The first rollout is acted before any shuffling; what is learned from it differs.
    np.testing.assert_array_equal(records[0].event[2], records[0].event[3])
    assert any((a != b).any() for a, b in zip(of_run(params, 2), of_run(params, 3), strict=True))
    assert any((a != b).any() for a, b in zip(of_run(params, 0), of_run(params, 3), strict=True))


def test_the_largest_seed_can_be_redrawn(market):
    _, params = train(market, [dataclasses.replace(make_run(2**31), redrawn_streams=STREAMS), make_run(2**31)])
    assert any((a != b).any() for a, b in zip(of_run(params, 0), of_run(params, 1), strict=True))


def test_learning_rate_zero_changes_nothing(market):
    layout = default_layout(1)
    engine = Engine(Momentum(), market.params.market, [make_run(0, learning_rate=0.0)], layout, 10)
    before = params_of(engine)
    engine.update(0)
    assert_same(jax.tree.leaves(before), jax.tree.leaves(params_of(engine)))


@pytest.mark.slow
def test_no_illegal_action_in_a_million_steps(market):
    """Flat: no trim or exit; in a position: no purchase. The policy is trained meanwhile, with a rough step size."""
    config = PPOConfig(
        num_envs=500, num_steps=400, minibatch_size=20_000, num_epochs=1, hidden_sizes=(8,), learning_rate=0.01
    )
    engine = Engine(Momentum(), market.params.market, [Run(0, config, EnvOptions())], default_layout(1), 10)
    layout = EventWord.of(MOMENTUM)
    steps = illegal = 0
    for _ in range(5):
        word = engine.gather([engine.update(0)]).event
        flat, action = layout.flag(word, "is_flat"), layout.action(word)
        illegal += int((flat & (action >= 3)).sum() + (~flat & np.isin(action, (1, 2))).sum())
        steps += word.size
        assert len(np.unique(action)) == 6
    assert (steps, illegal) == (1_000_000, 0)


FIVE_WIDTHS = tuple(
    Arm(name=f"width-{size}", ppo=dataclasses.replace(PPOConfig(**SMALL), hidden_sizes=(size,)))
    for size in (4, 5, 6, 7, 8)
)


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
@pytest.mark.parametrize(
    ("num_devices", "asked", "widths", "computed"),
    [(1, (), [8] * 5, 40), (2, (), [4] * 5, 40), (1, (3,), [3] * 5, 45), (1, (8, 4, 2, 1, 8), [8, 4, 2, 1, 8], 40)],
)
def test_each_program_has_a_layout_of_its_own(monkeypatch, platform, num_devices, asked, widths, computed):
    """Five networks × 8 seeds are 40 runs: copies are computed only where a width that does not divide is asked for."""
    monkeypatch.setattr(jax, "local_devices", lambda: [SimpleNamespace(platform=platform, memory_stats=dict)] * 2)
    config = RunConfig(experiment="widths", arms=FIVE_WIDTHS, num_devices=num_devices, group_width=asked)
    config.validate()
    layouts = program_layouts(config, Momentum(), num_seeds=8)
    assert [layout.group_width for layout in layouts] == widths
    assert sum(-(-8 // layout.group_size) * layout.group_size for layout in layouts) == computed


@pytest.mark.slow
def test_the_computed_runs_of_two_programs_are_those_asked_for(market):
    """Counted in what comes out of the programs; a width of its own leaves each run's bits as they were."""
    config = RunConfig(experiment="widths", arms=FIVE_WIDTHS[:2], num_seeds=3, num_devices=1)
    found = {}
    for asked in ((), (6,)):  # a group of all six runs is what a layout for both programs together would be
        layouts = program_layouts(dataclasses.replace(config, group_width=asked), Momentum(), num_seeds=3)
        fleet = Fleet(config, Momentum(), market.params.market, layouts)
        in_flight = fleet.update()
        computed = sum(group.event.shape[0] for groups in in_flight for group in groups)
        found[computed] = jax.tree.leaves(fleet.fetch(in_flight))
    assert list(found) == [6, 12]
    assert_same(found[6], found[12])


class ManyActions(Bandit):
    """One step; twelve actions, more than three bits of an event word hold."""

    num_actions = 12
    diagnostics = plain_diagnostics("many actions", 12)


@compiled_quickly()
def test_more_than_eight_actions_leave_the_rest_of_an_event_word_alone():
    runs = [Run(0, PPOConfig(num_steps=256, minibatch_size=128, num_epochs=1, hidden_sizes=(2,)), None)]
    engine = Engine(ManyActions(), (), runs, default_layout(1), 1)
    word = engine.gather([engine.update(0)]).event
    layout = EventWord.of(ManyActions.diagnostics)
    assert np.unique(layout.action(word)).tolist() == list(range(12))
    assert (layout.context(word) == 0).all() and layout.flag(word, "episode_end").all()


def test_more_actions_than_a_word_can_tell_apart_are_refused_before_compiling():
    task = ManyActions()
    many = {"flags": tuple(f"flag_{number}" for number in range(20)), "actions": tuple(map(str, range(1_025)))}
    task.diagnostics = dataclasses.replace(ManyActions.diagnostics, **many)
    with pytest.raises(ConfigError, match="has 1025 actions: at most 1024 can be recorded beside 20 flags and 1 cont"):
        Engine(task, (), [make_run()], default_layout(1), 1)


def test_a_number_of_widths_that_fits_no_program_is_refused():
    config = RunConfig(experiment="widths", arms=FIVE_WIDTHS, group_width=(2, 2))
    with pytest.raises(ConfigError, match=r"2 numbers for 5 program\(s\): give one number, or one for each"):
        config.validate()
