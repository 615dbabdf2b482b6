"""What the learner asks of a network: a flax module of policy and value, with a state if it remembers.

The modules are `flax.linen`, not `nnx`. Measured on both towers in a scan of 80 gradient steps (2 cores, JAX 0.10.2,
flax 0.12): tracing (25–115 ms), compiling (0.3–0.7 s) and running (20–26 ms) do not differ beyond the noise. But JAX
flattens linen's parameters, plain dictionaries, in 3 µs at each call, and nnx's states in 30–175 µs; and importing nnx
takes another 0.2 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import traverse_util

from momentum_jax import lookup
from momentum_jax.fields import ConfigError
from momentum_jax.networks.table import NETWORKS

ACTIVATION_FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {"tanh": jnp.tanh, "relu": jax.nn.relu}

Params = Any  # nested dictionaries of arrays
Carry = Any  # a network's state; () for one that remembers nothing


class Restarts(NamedTuple):
    """Sequences that begin within a row of steps, each with a state of its own; leaves [T, B, ...], time first."""

    here: jax.Array  # bool: a sequence begins with this step
    carry: Carry  # the state before each step; what counts is where one begins


class Network(nn.Module):
    """Policy and value. A subclass needs `__call__`; one that remembers also `init_carry` and `act`.

    Attributes:
      num_actions: A.
      hidden_sizes: widths of the hidden layers, as configured.
      activation: a name in `ACTIVATION_FUNCTIONS`.
      reads_features: whether the network takes the task's features, whose first layer then is a
        `first_layer.FirstLayer`; else it gets the whole observation, flattened.
      takes_restarts: whether `__call__` takes `Restarts` as a fourth argument: sequences that begin within a row of
        steps. Without it the learner takes such rows step by step, at twice the cost.
    """

    num_actions: int
    hidden_sizes: tuple[int, ...]
    activation: str

    reads_features: ClassVar[bool] = False
    takes_restarts: ClassVar[bool] = False

    def init_carry(self, num_envs: int) -> Carry:
        """The state at an episode's start, leaves [num_envs, ...]."""
        del num_envs
        return ()

    def __call__(self, carry: Carry, features: jax.Array, starts: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Logits and values of a batch, or of sequences where the network remembers.

        Args:
          carry: the state before the first step, leaves [B, ...].
          features: [B, F]; [T, B, F], time first, where the network remembers.
          starts: [B] or [T, B] bool, whether a step begins an episode: the state is reset before it.

        Returns:
          Logits [..., A] and values [...].
        """
        raise NotImplementedError

    def act(self, carry: Carry, features: jax.Array, start: jax.Array) -> tuple[Carry, jax.Array]:
        """One step: the state after it, and logits [B, A].

        Args:
          carry: leaves [B, ...], reset already where an episode starts.
          features: [B, F].
          start: [B] bool.
        """
        return carry, self(carry, features, start)[0]

    def project(self, exogenous: jax.Array) -> Any:
        """What of the first E features [..., E] of a whole rollout can be computed before the loop, leaves [..., *].

        Only for networks that read features; by default the features as they are.
        """
        return exogenous

    def act_projected(
        self, carry: Carry, projected: Any, features: jax.Array, start: jax.Array
    ) -> tuple[Carry, jax.Array]:
        """`act` on what `project` made of the first features, and on the others [B, F - E]."""
        return self.act(carry, jnp.concatenate([projected, features], axis=-1), start)

    def init_params(self, key: jax.Array, num_inputs: int) -> Params:
        """Parameters for observations of `num_inputs` numbers. Must not be vmapped where they are orthogonal."""
        # A network that remembers takes sequences: one of one step.
        carry = self.init_carry(1)
        lead = (1, 1) if jax.tree.leaves(carry) else (1,)
        return self.init(key, carry, jnp.zeros((*lead, num_inputs)), jnp.ones(lead, bool))["params"]

    def bias_logits(self, params: Params, bias: jax.Array) -> Params:
        """The parameters with `bias` [A] added to their logits; here for a layer called `policy_head`.

        Raises:
          ConfigError: the network has no such layer, or it has no bias, so `initial_action_bias` cannot be used.
        """
        head = params.get("policy_head")
        if head is None:
            raise ConfigError(
                f"initial_action_bias: {type(self).__name__} has no layer policy_head: name its logits' layer so, "
                "or leave the setting out"
            )
        if "bias" not in head:
            raise ConfigError(
                f"initial_action_bias: the layer policy_head of {type(self).__name__} has no bias: give it one, or "
                "leave the setting out"
            )
        return {**params, "policy_head": {**head, "bias": head["bias"] + bias}}

    def acting_params(self, params: Params) -> Params:
        """What `act` and `project` need of the parameters: taken once before a loop that acts."""
        return params

    def to_arrays(self, params: Params) -> dict[str, Any]:
        """The parameters by name, as a policy is stored."""
        return traverse_util.flatten_dict(params, sep="/")

    def from_arrays(self, arrays: Mapping[str, Any]) -> Params:
        """The inverse of `to_arrays`."""
        return traverse_util.unflatten_dict(dict(arrays), sep="/")


def make(
    name: str, *, num_actions: int, hidden_sizes: tuple[int, ...], activation: str, lstm_size: int | None = None
) -> Network:
    """The network of that name, without parameters; `lstm_size` goes to those whose signature names it.

    Raises:
      ConfigError: there is none, or what the name stands for makes no `Network`.
    """
    settings: dict[str, Any] = {"num_actions": num_actions, "hidden_sizes": hidden_sizes, "activation": activation}
    if lstm_size is not None:
        settings["lstm_size"] = lstm_size
    network = lookup.make("network", name, NETWORKS, settings, by_name=("lstm_size",))
    if not isinstance(network, Network):
        raise ConfigError(
            f"network={name} gives a {type(network).__name__}, expected a momentum_jax.networks.network.Network"
        )
    return network
