"""Settings of the learner that cannot be, and whether what a refusal advises works."""

from __future__ import annotations

import dataclasses
import re

import pytest

from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import PPOConfig


@pytest.mark.parametrize(
    ("num_envs", "num_steps", "minibatch_size", "advice"),
    [
        (2, 64, 256, "a divisor of 128, such as minibatch_size=128"),
        (1, 512, 100, "a divisor of 512, such as minibatch_size=128"),
        (1, 127, 64, "a divisor of 127, such as minibatch_size=127"),
        (2, 509, 64, "a divisor of 1018, such as minibatch_size=509"),
        (1, 1, 64, "more than one, such as num_steps=64"),
        (1, 2**31, 2**30 + 1, f"a divisor of {2**31}, such as minibatch_size={2**30}"),
    ],
)
def test_minibatches_that_do_not_divide_the_rollout_are_refused_with_a_size_that_does(
    num_envs, num_steps, minibatch_size, advice
):
    config = PPOConfig(num_envs=num_envs, num_steps=num_steps, minibatch_size=minibatch_size)
    with pytest.raises(ConfigError) as caught:
        config.validate()
    assert str(caught.value).endswith(advice)
    name, value = re.search(r"(\w+)=(\d+)$", str(caught.value)).groups()
    dataclasses.replace(config, **{name: int(value)}).validate()
