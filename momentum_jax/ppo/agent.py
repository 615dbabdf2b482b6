"""A network on a task's observations: the learner's only use of either's shapes.

Transitions lie flat, [B], sequence after sequence, each of `length` steps. A network that remembers nothing takes them
as one batch, whatever the length.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.env.task import DecisionWeights, Exogenous, Task
from momentum_jax.fields import ConfigError
from momentum_jax.networks import network as networks
from momentum_jax.networks.first_layer import is_feature_kernel, map_feature_kernels
from momentum_jax.networks.network import Carry, Network, Params, Restarts
from momentum_jax.ppo.scaling import Scaling
from momentum_jax.ppo.traced_config import PPOConfig


class Memory(NamedTuple):
    """What a network that remembers has before a step, leaves [..., *]."""

    carry: Carry
    start: jax.Array  # bool: an episode begins with this step


@dataclasses.dataclass(frozen=True)
class Agent:
    """A task and a network that acts in it; both static, so it is made again wherever it is needed."""

    task: Task
    network: Network
    scaling: Scaling | None = None  # of observations, where they are normalised: a run's statistics as they are now

    @property
    def remembers(self) -> bool:
        return bool(jax.tree.leaves(jax.eval_shape(lambda: self.network.init_carry(1))))

    @property
    def input_counts(self) -> np.ndarray:
        """Inputs that each of the network's features stands for, [F]."""
        if self.network.reads_features:
            return self.task.input_counts
        return np.ones(self.task.num_inputs, np.float32)

    def init_params(self, key: jax.Array) -> tuple[Params, dict[str, Any]]:
        """Parameters, and what their reduced kernels leave out of the whole ones, by the kernels' names.

        Must not be vmapped: XLA:CPU hangs with several batched QR factorisations in flight.
        """
        whole = self.network.init_params(key, self.task.num_inputs)
        kernels = _feature_kernels(whole)
        if self.network.reads_features and not kernels:
            raise ConfigError(
                f"{type(self.network).__name__} reads features and has no parameter of a FirstLayer: begin with "
                "momentum_jax.networks.first_layer.FirstLayer, or leave reads_features out to get whole observations"
            )
        reduced = {name: self.task.reduce_kernel(kernel) for name, kernel in kernels.items()}
        rows = iter(kernel for kernel, _ in reduced.values())
        params = map_feature_kernels(lambda _: next(rows), whole)
        return params, {name: left_out for name, (_, left_out) in reduced.items()}

    def whole_params(self, params: Params, deviations: dict[str, Any]) -> Params:
        """The parameters with their whole feature kernels, of one run on the host: they act on whole observations."""
        left_out = iter(deviations[name] for name in _feature_kernels(params))
        return map_feature_kernels(
            lambda rows: self.task.restore_kernel(np.asarray(rows), next(left_out)), jax.tree.map(np.asarray, params)
        )

    def whole_scaling(self) -> dict[str, np.ndarray]:
        """The scaling of whole observations, arrays [D] by name on the host; nothing where there is none."""
        if self.scaling is None:
            return {}
        whole = (self._whole(jnp.asarray(leaf) * self.task.input_counts) for leaf in self.scaling)
        return Scaling(*whole).to_arrays()

    def initial_memory(self, num_envs: int) -> Memory | tuple[()]:
        """Before the first step of `num_envs` environments; () for a network that remembers nothing."""
        if not self.remembers:
            return ()
        return Memory(self.network.init_carry(num_envs), jnp.ones((num_envs,), bool))

    def features(self, compact: Any, env_params: Any) -> jax.Array:
        """What the network sees of stored observations [B], [B, F]."""
        return self._seen(self._scaled(self.task.expand(compact, env_params)))

    def inputs(self, compact: Any, env_params: Any) -> jax.Array:
        """Stored observations [...] as the environment gives them, [..., F]: each feature without its count."""
        return self.task.expand(compact, env_params) / self.task.input_counts

    def decision_weights(self, event: jax.Array, env_params: Any) -> DecisionWeights | tuple[()]:
        """How much the decisions with the event words [B] count for the policy; () where all count alike."""
        weigh = getattr(self.task, "decision_weights", None)
        return weigh(event, env_params) if weigh is not None else ()

    def evaluate(
        self, params: Params, features: jax.Array, memory: Any, length: int, begins: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Logits [B, A] and values [B] of features [B, F] of sequences of `length` steps.

        `memory` has leaves [B, ...], of which the first of each sequence counts, and every start; or is (). Where
        `begins` [B] is given, a sequence also begins with each step at which it is True, and its memory counts too.
        """
        size = len(features)
        if not self.remembers:
            logits, values = self._apply(params, (), features, jnp.zeros((size,), bool))
        else:
            carry = jax.tree.map(lambda leaf: leaf[::length], memory.carry)
            timed, starts = (_time_first(leaf, length) for leaf in (features, memory.start))
            if begins is None:
                outputs = self._apply(params, carry, timed, starts)
            else:
                restarts = jax.tree.map(lambda leaf: _time_first(leaf, length), Restarts(begins, memory.carry))
                unrolled = self._apply if self.network.takes_restarts else self._step_by_step
                outputs = unrolled(params, carry, timed, starts, restarts)
            logits, values = map(_time_last, outputs)
        chex.assert_shape(logits, (size, self.task.num_actions))
        chex.assert_shape(values, (size,))
        return logits, values

    def _step_by_step(
        self, params: Params, carry: Carry, features: jax.Array, starts: jax.Array, restarts: Restarts
    ) -> tuple[jax.Array, jax.Array]:
        """Logits [T, B, A] and values [T, B] of a network that does not take restarts by itself."""

        def step(carry: Carry, now: tuple[jax.Array, jax.Array, Restarts]) -> tuple[Carry, tuple[jax.Array, jax.Array]]:
            features, start, restart = now
            memory = Memory(_where(restart.here, restart.carry, carry), start)
            outputs = self._apply(params, memory.carry, features[None], start[None])
            carry, _ = self._apply(params, *self._begun(memory)[:1], features, start, method="act")
            return carry, jax.tree.map(lambda leaf: leaf[0], outputs)

        return jax.lax.scan(step, carry, (features, starts, restarts))[1]

    def project(self, params: Params, exogenous: Exogenous) -> Any:
        """What the network computes of a rollout's exogenous features [T, M, E] before its loop, leaves [T, M, ...]."""
        features = self._scaled(exogenous.features)
        return self._apply(params, features, method="project") if self.network.reads_features else features

    def act(
        self, params: Params, memory: Any, compact: Any, env_params: Any, projected: tuple[Any, ...]
    ) -> tuple[Carry, jax.Array]:
        """One step of one environment: the network's state after it, and logits [A].

        Args:
          params: the network's `acting_params`.
          memory: before the step, () for a network that remembers nothing.
          compact: the observation, leaves without leading axes.
          env_params: of the task.
          projected: () or (what `project` made of this step's exogenous features,).
        """
        one = jax.tree.map(lambda leaf: leaf[None], (memory, compact, projected))
        carry, start = self._begun(one[0])
        if not projected:
            carry, logits = self._apply(params, carry, self.features(one[1], env_params), start, method="act")
        elif self.network.reads_features:
            seen = *one[2], self._rest(one[1], env_params)
            carry, logits = self._apply(params, carry, *seen, start, method="act_projected")
        else:
            features = jnp.concatenate([*one[2], self._rest(one[1], env_params)], axis=-1)
            carry, logits = self._apply(params, carry, self._seen(features), start, method="act")
        chex.assert_shape(logits, (1, self.task.num_actions))
        return jax.tree.map(lambda leaf: leaf[0], carry), logits[0]

    def _begun(self, memory: Any) -> tuple[Carry, jax.Array]:
        """State and start [B] of a step of B environments, the state reset where an episode starts."""
        if not self.remembers:
            return (), jnp.zeros((1,), bool)
        fresh = self.network.init_carry(len(memory.start))
        return _where(memory.start, fresh, memory.carry), memory.start

    def _rest(self, compact: Any, env_params: Any) -> jax.Array:
        """The features [B, F - E] that are not exogenous."""
        features = self.task.expand_rest(compact, env_params)
        return self._scaled(features, first=len(self.task.input_counts) - features.shape[-1])

    def _scaled(self, features: jax.Array, first: int = 0) -> jax.Array:
        """The task's features [..., K] from the first-th on, normalised where the run asks for it."""
        if self.scaling is None:
            return features
        return self.scaling.of_features(features, self.task.input_counts, first)

    def _seen(self, features: jax.Array) -> jax.Array:
        """The task's features, or the whole observations [B, D] that they stand for."""
        return features if self.network.reads_features else self._whole(features)

    def _whole(self, features: jax.Array) -> jax.Array:
        same = len(self.task.input_counts) == self.task.num_inputs
        return features if same else self.task.observation(features)

    def _apply(self, params: Params, *arguments: Any, method: str = "__call__") -> Any:
        return self.network.apply({"params": params}, *arguments, method=method)


def make(task: Task, config: PPOConfig, scaling: Scaling | None = None) -> Agent:
    """The agent of a configuration, with the `scaling` of a run that normalises observations.

    Raises:
      ConfigError: there is no such network, or the order of its minibatches is not for it.
    """
    agent = Agent(task, network_of(config, task.num_actions), scaling)
    unfit = "shuffle" if agent.remembers else "sequences"
    if config.minibatching == unfit:
        reason, remedy = (
            ("remembers, and single transitions have no past", "sequences, rotation or auto")
            if agent.remembers
            else ("remembers nothing, so it has no sequences", "shuffle, rotation or auto")
        )
        raise ConfigError(f"minibatching={unfit}: network={config.network} {reason}: use minibatching={remedy}")
    return agent


def network_of(config: PPOConfig, num_actions: int) -> Network:
    """The network of a configuration, without parameters. Raises as `networks.network.make` does."""
    return networks.make(
        config.network,
        num_actions=num_actions,
        hidden_sizes=config.hidden_sizes,
        activation=config.activation,
        lstm_size=config.lstm_size,
    )


def _where(here: jax.Array, new: Carry, old: Carry) -> Carry:
    """Leaves [B, ...] of `new` where `here` [B], else of `old`."""

    def chosen(new: jax.Array, old: jax.Array) -> jax.Array:
        return jnp.where(here.reshape(-1, *[1] * (old.ndim - 1)), new, old)

    return jax.tree.map(chosen, new, old)


def _feature_kernels(params: Params) -> dict[str, jax.Array]:
    """The kernels that have a row for each feature, by their path, in the order of the parameters."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves if is_feature_kernel(path)
    }


def _time_first(leaf: jax.Array, length: int) -> jax.Array:
    """[S·T, ...] to [T, S, ...]."""
    return leaf.reshape(-1, length, *leaf.shape[1:]).swapaxes(0, 1)


def _time_last(leaf: jax.Array) -> jax.Array:
    """`_time_first` undone."""
    return leaf.swapaxes(0, 1).reshape(-1, *leaf.shape[2:])
