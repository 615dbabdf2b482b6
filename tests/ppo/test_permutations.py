"""Minibatches are drawn without replacement, each order as likely as any other."""

from __future__ import annotations

from itertools import permutations

import jax
import numpy as np
import pytest
from scipy import stats

from momentum_jax.ppo import batches
from momentum_jax.ppo.hyper_parameters import PPOConfig


@pytest.mark.parametrize("num_steps", [2, 7, 512, 4_096, 8_192])
def test_every_epoch_sees_every_transition_once(num_steps):
    drawn = np.asarray(batches.permutations(jax.random.key(0), PPOConfig(num_steps=num_steps, num_epochs=3)))
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.broadcast_to(np.arange(num_steps), (3, num_steps)))
    assert num_steps == 2 or (drawn[0] != drawn[1]).any()


def test_every_order_is_as_likely():
    drawn = np.asarray(batches.permutations(jax.random.key(1), PPOConfig(num_steps=4, num_epochs=24_000)))
    counts = [(drawn == order).all(axis=1).sum() for order in permutations(range(4))]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_places_do_not_depend_on_each_other_in_a_rollout():
    drawn = np.asarray(batches.permutations(jax.random.key(2), PPOConfig(num_epochs=2_000)))
    place = np.argsort(drawn, axis=1)
    assert stats.kstest(place[:, 0] / 512, "uniform").pvalue > 1e-3
    assert abs(stats.spearmanr(place[:, 0], place[:, 1]).statistic) < 4 / np.sqrt(len(place))
