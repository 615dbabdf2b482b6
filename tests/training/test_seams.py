"""The engine knows the learner by a few functions: any network and optimiser trains; what no run asks for is free."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from tests.quick_programs import compiled_quickly
from tests.training.engine_runs import advance, assert_same, make_engine, make_run, of_run, params_of, train

RARE = {
    "permute_rewards": True,
    "critic_only_updates": 1,
    "anneal_learning_rate": True,
    "anneal_clip_range": True,
    "initial_action_bias": 0.5,
    "action_mask": False,
}
ASKING = [make_run(3, **{name: value}) for name, value in RARE.items()]


@pytest.mark.slow
def test_options_that_no_run_asks_for_are_not_in_the_program(market):
    """The only sort left is that of the minibatches; a run that leaves them off does not notice who asks for them."""

    def sorts_and_numbers(runs):
        engine = make_engine(market, runs)
        records = [advance(engine) for _ in range(3)]
        return engine.compiled_update.as_text().count(" sort("), (records, params_of(engine))

    off = {field.name for field in dataclasses.fields(PPOConfig) if field.metadata.get("free_when_off")}
    assert off == RARE.keys()
    sorts_alone, alone = sorts_and_numbers([make_run(3)])
    sorts_among, among = sorts_and_numbers([make_run(3), *ASKING])
    assert sorts_alone == 1 < sorts_among
    assert_same(of_run(alone, 0), of_run(among, 0))


@pytest.mark.slow
def test_a_run_that_asks_for_an_option_does_not_notice_the_options_of_the_others(market):
    """Each in a program without the options of the other ones."""
    among = train(market, ASKING)
    for chosen in (range(1), range(1, 3), range(3, len(ASKING))):
        fewer = train(market, [ASKING[index] for index in chosen])
        for place, index in enumerate(chosen):
            assert_same(of_run(fewer, place), of_run(among, index))


# Interventions of the environment, and what they need beside them.
RARE_RULES = {
    "stop_reward_weight": {"stop_reward_weight": 0.5},
    "stop_fires": {"stop_fires": False},
    "trims_legal": {"trims_legal": False},
    "trim_cost_share": {"trim_cost_share": 0.9, "trim_reduces_cost": True},
    "yoked_stop_rate": {"yoked_stop_rate": 0.3},
    "forced_trim_rate": {"forced_trim_rate": 0.3, "trims_legal": False},
}


@pytest.mark.slow
def test_interventions_of_the_environment_that_no_run_asks_for_are_not_in_the_program(market):
    """A run that leaves them off does not notice who asks for them, nor one that asks for them who does not."""

    def advanced(runs):
        engine = make_engine(market, runs)
        return engine, [advance(engine) for _ in range(3)]

    engine, off = advanced([make_run(3)])
    alone = of_run(off, 0)
    among = advanced([make_run(3), *(make_run(3, **changes) for changes in RARE_RULES.values())])[1]
    assert_same(alone, of_run(among, 0))
    for index in range(1, 1 + len(RARE_RULES)):
        assert any((own != left_off).any() for own, left_off in zip(of_run(among, index), alone, strict=True))
    for name in ("yoked_stop_rate", "forced_trim_rate"):
        asking, by_itself = advanced([make_run(3, **RARE_RULES[name])])
        assert_same(of_run(by_itself, 0), of_run(among, 1 + list(RARE_RULES).index(name)))
        assert _random_words(engine) < _random_words(asking)
        asked = {field for field, value in vars(asking.runs[0].options).items() if value is not None}
        assert asked & RARE_RULES.keys() == RARE_RULES[name].keys()


def _random_words(engine):
    """Operations that random bits are made by."""
    return engine.compiled_update.as_text().count(" xor(")


@pytest.mark.parametrize(
    "change", [{"network": "layer_norm"}, {"optimizer": "rmsprop"}, {"optimizer": "sgd", "learning_rate": 1e-2}]
)
def test_other_networks_and_optimisers_train_the_momentum_environment(market, change):
    with compiled_quickly():
        engine = make_engine(market, [make_run(0, **change)])
    before = params_of(engine)
    assert np.isfinite([advance(engine).metrics.loss for _ in range(3)]).all()
    assert all((a != b).any() for a, b in zip(of_run(before, 0), of_run(params_of(engine), 0), strict=True))


LAYERS = ("first", "policy.0", "value.0")
WEIGHTS = [f"{layer}.{part}" for layer in LAYERS for part in ("kernel", "bias")]
FORMER = {
    "deviations",
    "opt_state.count",
    *(f"{tree}.{name}" for tree in ("params", "opt_state.mu", "opt_state.nu") for name in WEIGHTS),
}


def test_a_state_of_a_version_without_named_networks_is_restored(market):
    """Under the names that its leaves had then."""
    engine = make_engine(market, [make_run()])
    engine.update(0)
    snapshot = engine.snapshot(0)
    former = {learner.former_name(name): array for name, array in snapshot.items()}
    assert {name for name in former if name.split(".")[0] not in ("env_state", "streams", "update")} == FORMER
    engine.update(0)
    engine.restore(0, former)
    jax.tree.map(np.testing.assert_array_equal, engine.snapshot(0), snapshot)
