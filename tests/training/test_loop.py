"""The order of things: which policy is probed for which checkpoint, and whose numbers stand where."""

from __future__ import annotations

import numpy as np

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.diagnostics.evaluation import Episodes, Evaluation
from momentum_jax.diagnostics.measurements import extended
from momentum_jax.diagnostics.probes import ProbeRecord
from momentum_jax.diagnostics.variables import HEALTH_METRICS, table
from momentum_jax.env.momentum_diagnostics import BEFORE_DESCRIPTIONS, MOMENTUM
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.ppo.records import UpdateMetrics, UpdateRecord
from momentum_jax.training.loop import Training
from momentum_jax.training.progress import Progress

PPO = PPOConfig(num_steps=4, minibatch_size=4)
ARMS, SEEDS, UPDATES = 2, 3, 3
RUNS = ARMS * SEEDS
CHECKPOINTS = (0, 3, 4, 5, 8, 9)
_PROBABILITIES = np.array([[0.75, 0.25], [0.25, 0.75]])  # of the policy after an even or odd number of updates


class CountingFleet:
    """Its probes tell how many updates the policy has seen, its rewards the update and the run."""

    num_runs, num_seeds, diagnostics, seeds = RUNS, SEEDS, MOMENTUM, tuple(range(SEEDS))

    def __init__(self):
        self.updates = 0

    def probe(self):
        return "probe", self.updates

    def evaluate(self):
        return "evaluation", self.updates

    def update(self, stopped=None):
        self.updates += 1
        return "update", self.updates - 1

    def fetch(self, in_flight):
        kind, number = in_flight
        if kind == "evaluation":
            returns = np.broadcast_to((number + 10.0 * np.arange(RUNS))[:, None, None], (RUNS, 2, 3))
            return Episodes(returns, np.full((RUNS, 2, 3), 2), np.zeros((RUNS, 2, 3), bool))
        if kind == "probe":
            told = number + 10.0 * np.arange(RUNS)
            p_action = np.broadcast_to(told[:, None, None, None], (RUNS, 2, 5, 6))
            log_probs = np.log(_PROBABILITIES[number % 2])[None, None, None].repeat(RUNS, 0).repeat(2, 1)
            twins = np.log(_PROBABILITIES[[number % 2, 0]])[None, None].repeat(RUNS, 0).repeat(2, 1)  # one never moves
            return {
                "": ProbeRecord(p_action, np.ones((RUNS, 2, 5), np.int32), log_probs),
                "position": ProbeRecord(100 + p_action[:, :, 0], np.full((RUNS, 2), 2, np.int32), twins),
            }
        shape = (RUNS, PPO.num_steps, 1)
        metrics = UpdateMetrics(**dict.fromkeys((*HEALTH_METRICS, "loss"), np.zeros(RUNS)))
        rewards = np.broadcast_to((number + 10.0 * np.arange(RUNS))[:, None, None], shape)
        return UpdateRecord(np.zeros(shape, np.int32), rewards, np.zeros(shape), metrics)


def test_each_checkpoint_has_the_policy_that_acted_and_each_run_its_place():
    arms = tuple(Arm(name=f"arm{number}", ppo=PPO) for number in range(ARMS))
    config = RunConfig(experiment="test", arms=arms, timesteps=UPDATES * 4, num_seeds=SEEDS, checkpoints=CHECKPOINTS)
    recorded = extended(MOMENTUM, Evaluation(episodes=3, max_steps=2), recorded_probes=1)
    training = Training(config, CountingFleet(), Progress(RUNS, UPDATES * 4, shown=False), recorded)
    cut = [training.start()]
    while not training.done:
        cut += training.advance()
    cut += training.settle()
    assert [checkpoint.env_steps for checkpoint in cut] == [*CHECKPOINTS, 12]
    run = 10.0 * np.arange(RUNS).reshape(ARMS, SEEDS)
    # Steps 1 to 4 are acted by the initial policy, 5 to 8 by the one after an update, 9 to 12 after two.
    for checkpoint, acting in zip(cut, (0, 0, 0, 1, 1, 2, 2), strict=True):
        np.testing.assert_array_equal(checkpoint.arrays["p_action"][..., 0, 0, 0], run + acting)
        np.testing.assert_array_equal(checkpoint.arrays["p_action_position"][..., 0, 0], 100 + run + acting)
        np.testing.assert_array_equal(checkpoint.arrays["eval_return"][..., 1], run + acting)
        np.testing.assert_allclose(checkpoint.arrays["probe_probability"][0, 0, 0], _PROBABILITIES[acting % 2])
        assert checkpoint.arrays["probe_count_position"].tolist() == np.full((ARMS, SEEDS, 2), 2).tolist()
    # The windows 1-3, 4, 5, 6-8, 9, 10-12.
    for checkpoint, steps, update in zip(cut[1:], (3, 1, 1, 3, 1, 3), (0, 0, 1, 1, 2, 2), strict=True):
        np.testing.assert_allclose(checkpoint.arrays["reward_sum"], steps * (run + update))
    # Against the checkpoint before: the same policy until an update, then the opposite one.
    moved = [0, 0, 1, 0, 1, 0]
    assert np.isnan(cut[0].arrays["churn"]).all() and np.isnan(cut[0].arrays["policy_kl"]).all()
    for checkpoint, change in zip(cut[1:], moved, strict=True):
        np.testing.assert_array_equal(checkpoint.arrays["churn"], np.full((ARMS, SEEDS), change))
        np.testing.assert_allclose(checkpoint.arrays["policy_kl"], change * 0.5 * np.log(3), atol=1e-12)
        np.testing.assert_array_equal(checkpoint.arrays["churn_position"], np.full((ARMS, SEEDS), change / 2))
        kl = checkpoint.arrays["policy_kl_position"]
        np.testing.assert_allclose(kl, change * 0.25 * np.log(3), atol=1e-12)


def test_a_resumed_training_knows_the_policies_of_the_checkpoint_before():
    arms = tuple(Arm(name=f"arm{number}", ppo=PPO) for number in range(ARMS))
    config = RunConfig(experiment="test", arms=arms, timesteps=UPDATES * 4, num_seeds=SEEDS, checkpoints=CHECKPOINTS)
    first, second = (Training(config, CountingFleet(), Progress(RUNS, UPDATES * 4, shown=False)) for _ in range(2))
    first.start()
    list(first.advance())
    list(first.settle())
    second._fleet.updates = 1
    second.resume(1, first.counted())
    (checkpoint,) = (*second.advance(), *second.settle())[:1]
    assert checkpoint.env_steps == 5
    np.testing.assert_array_equal(checkpoint.arrays["churn"], np.ones((ARMS, SEEDS)))
    np.testing.assert_array_equal(checkpoint.arrays["churn_position"], np.full((ARMS, SEEDS), 0.5))
    # A run that was begun before there were twins records none of them.
    third = Training(config, CountingFleet(), Progress(RUNS, UPDATES * 4, shown=False), BEFORE_DESCRIPTIONS)
    assert third.start().arrays.keys() == table(BEFORE_DESCRIPTIONS).keys()
