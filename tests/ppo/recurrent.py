"""A network that remembers, as a user's own file: `--network=tests/ppo/recurrent.py:Recurrent`."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from momentum_jax.networks.network import Network


class Recurrent(Network):
    """A gated recurrent unit between the observation and both heads; it takes whole observations."""

    def setup(self):
        self.cell = nn.GRUCell(self.hidden_sizes[0])
        self.policy_head = nn.Dense(self.num_actions, kernel_init=nn.initializers.orthogonal(0.01))
        self.value_head = nn.Dense(1)

    def init_carry(self, num_envs):
        return jnp.zeros((num_envs, self.hidden_sizes[0]))

    def act(self, carry, features, start):
        carry, hidden = self.cell(carry, features)
        return carry, self.policy_head(hidden)

    def __call__(self, carry, features, starts):
        def step(cell, carry, inputs):
            features, start = inputs
            return cell(jnp.where(start[:, None], 0.0, carry), features)

        scanned = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})
        _, hidden = scanned(self.cell, carry, (features, starts))
        return self.policy_head(hidden), self.value_head(hidden)[..., 0]


def plain_steps(network, params, carry, features, starts):
    """Logits, values and the states after each step [T, B, ...], one step after the other."""
    outputs = []
    for now, start in zip(features, starts, strict=True):
        carry = jnp.where(start[:, None], 0.0, carry)
        logits, values = network.apply({"params": params}, carry, now[None], jnp.zeros((1, len(start)), bool))
        carry, _ = network.apply({"params": params}, carry, now, start, method="act")
        outputs.append((logits[0], values[0], carry))
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *outputs)
