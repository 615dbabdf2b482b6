"""Arms over several programs: what is reported under an arm's name is that arm's."""

from __future__ import annotations

from unittest import mock

import jax
import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.events import EventWord
from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum, make_market
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training import device_arrays, exported_policies
from momentum_jax.training.engine import Engine
from momentum_jax.training.fleet import Fleet, program_layouts
from tests.markets import make_segment
from tests.quick_programs import compiled_quickly

# Programs of three, two and one arms, dispatched in the order 0, 2, 5, 1, 4, 3: which is not its own inverse.
WIDTHS = (8, 4, 8, 16, 4, 8)
HOLD_BIASES = (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
FLAT_REWARDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # of every flat decision, exact in float32
SEEDS = (5, 6, 7)


def make_arm(number: int) -> Arm:
    reward = FLAT_REWARDS[number]
    unrewarded = dict.fromkeys(("call_bonus", "put_bonus", "missed_penalty", "hold_tax", "chase_penalty"), 0.0)
    ppo = PPOConfig(
        num_steps=32,
        minibatch_size=32,
        num_epochs=1,
        hidden_sizes=(WIDTHS[number],),
        initial_action_bias=HOLD_BIASES[number],
    )
    return Arm(name=f"arm{number}", env=EnvOptions(flat_hold=reward, buy_reward=reward, **unrewarded), ppo=ppo)


@pytest.fixture(scope="module")
def fleet():
    config = RunConfig(
        experiment="test", arms=tuple(map(make_arm, range(6))), timesteps=32, num_seeds=len(SEEDS), first_seed=SEEDS[0]
    )
    with compiled_quickly():
        return Fleet(
            config, Momentum(), make_market([make_segment(120)]), program_layouts(config, Momentum(), len(SEEDS))
        )


def test_probes_and_records_stand_in_the_order_of_arms_and_seeds(fleet):
    p_action, _, _ = fleet.fetch(fleet.probe())[PRIMARY]
    odds = np.repeat(np.exp(HOLD_BIASES), len(SEEDS))
    # Initial logits are near zero but for the bias, and two other actions are legal.
    p_hold = np.nanmean(p_action[..., 0], axis=(1, 2))
    np.testing.assert_allclose(p_hold, odds / (odds + 2), atol=0.03)
    record = fleet.fetch(fleet.update())
    word = EventWord.of(MOMENTUM)
    flat = word.flag(record.event, "is_flat")
    expected = np.repeat(FLAT_REWARDS, len(SEEDS))
    for run, reward in enumerate(expected):
        assert flat[run].any()
        assert (record.reward[run][flat[run]] == reward).all()


def test_policies_are_named_by_their_arm_and_seed(fleet):
    heads = {}
    for name, layers in fleet.policies():
        number = int(name.removeprefix("arm"))
        kernel = layers["policy/dense_0/kernel"]
        assert kernel.shape == (len(SEEDS), 460, WIDTHS[number])
        heads[number] = np.stack(list(layers["policy/dense_1/bias"].rows))
        # One small step may have been taken since the start.
        np.testing.assert_allclose(heads[number][:, 0], HOLD_BIASES[number], atol=1e-3)
    assert sorted(heads) == list(range(6))


def test_where_states_lie_on_an_accelerator_policies_are_exported_once_and_are_the_same(fleet, monkeypatch):
    def stacked():
        return {arm: {name: list(array.rows) for name, array in arrays.items()} for arm, arrays in fleet.policies()}

    expected, exports = stacked(), []
    policies = Engine.policies
    monkeypatch.setattr(Engine, "on_accelerator", True)
    monkeypatch.setattr(Engine, "policies", lambda self, runs: exports.append(runs) or policies(self, runs))
    jax.tree.map(np.testing.assert_array_equal, stacked(), expected)
    assert len(exports) == 2 * 6  # an example and all runs, of each arm
    monkeypatch.setattr(exported_policies, "_MOST_HELD", 0)
    stacked()
    assert len(exports) > 4 * 6


def test_what_one_group_answers_is_on_its_way_to_the_host_at_once_and_copied_no_more(monkeypatch):
    """A probe of 1 024 runs has 100 MB: an accelerator waited for the host's copies."""
    sent = []
    monkeypatch.setattr(device_arrays, "sent", lambda results: sent.append(results) or results)
    config = RunConfig(experiment="test", arms=(make_arm(3),), timesteps=32, num_seeds=1)
    fleet = Fleet(config, Momentum(), make_market([make_segment(120)]), program_layouts(config, Momentum(), 1))
    for dispatch in (fleet.probe, fleet.update):
        dispatched = dispatch()
        results = dispatched[0][0]
        assert sent.pop() is results
        for leaf, found in zip(jax.tree.leaves(results), jax.tree.leaves(fleet.fetch(dispatched)), strict=True):
            assert np.shares_memory(leaf, found)


def test_results_are_asked_for_leaf_by_leaf():
    leaves = [mock.Mock(spec=["copy_to_host_async"]) for _ in range(2)]
    assert device_arrays.sent(tuple(leaves)) == tuple(leaves)
    for leaf in leaves:
        leaf.copy_to_host_async.assert_called_once_with()
