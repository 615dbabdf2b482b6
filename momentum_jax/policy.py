"""A trained policy of a run directory: act with it, or write it as plain arrays (docs/policies.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, overload

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from momentum_jax.env import observation_layout, rules
from momentum_jax.fields import from_plain
from momentum_jax.networks.network import Carry, Network
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import distributions
from momentum_jax.ppo.scaling import Scaling
from momentum_jax.ppo.traced_config import PPOConfig
from momentum_jax.run_directory import RunDirectoryError, failed_seeds, load_seed_policy, read_config
from momentum_jax.run_directory.atomic_files import write_arrays
from momentum_jax.training import own_code

# Runs that did not record their policies' shape are all of one environment.
_BEFORE = {
    "observation_shape": (observation_layout.WINDOW, observation_layout.NUM_COLUMNS),
    "num_actions": rules.NUM_ACTIONS,
}


@struct.dataclass
class Policy:
    """The final policy and value function of one seed of one arm; a pytree whose leaves are its numbers.

    It may be an argument of functions under `jax.jit`, and policies of several seeds, their leaves stacked, one under
    `jax.vmap`. Every method takes observations [..., *observation_shape] or flattened, [..., D], float32. Where a shape
    can be read in both ways, as that of one number an observation, the mask's leading axes decide; without a mask the
    first reading holds.

    Attributes:
      params: the network's parameters, as they act on whole observations.
      scaling: the observations' statistics at the end of training, [D] each; None where they were not normalised.
      network: the module of policy and value.
      observation_shape: of one observation.
      num_categories: N where observations are whole numbers [...], each one of 0 … N - 1; else None.
      reward_deviation: [] what rewards were divided by at the end of training: values times it are in the environment's
        rewards. None where rewards were learned from as they are.
    """

    params: Any
    scaling: Scaling | None
    network: Network = struct.field(pytree_node=False)
    observation_shape: tuple[int, ...] = struct.field(pytree_node=False)
    num_categories: int | None = struct.field(pytree_node=False, default=None)
    reward_deviation: jax.Array | None = None

    @property
    def num_inputs(self) -> int:
        """Numbers in a flattened observation, D."""
        return self.num_categories or math.prod(self.observation_shape)

    @property
    def num_actions(self) -> int:
        return self.network.num_actions

    def init_carry(self, *lead: int) -> Carry:
        """What the network remembers at an episode's start, for observations with the leading axes `lead`.

        () for a network that remembers nothing.
        """
        fresh = self.network.init_carry(math.prod(lead))
        return jax.tree.map(lambda leaf: leaf.reshape(*lead, *leaf.shape[1:]), fresh)

    @overload
    def act(self, obs: Any, mask: Any, key: jax.Array | None = None, carry: None = None) -> jax.Array: ...

    @overload
    def act(self, obs: Any, mask: Any, key: jax.Array | None = None, *, carry: Carry) -> tuple[jax.Array, Carry]: ...

    def act(
        self, obs: Any, mask: Any, key: jax.Array | None = None, carry: Carry | None = None
    ) -> jax.Array | tuple[jax.Array, Carry]:
        """Actions [...] int32, drawn as in training, or the most probable ones without a key.

        With a carry it returns (actions, the carry after the step): what the network remembers of an episode begins
        with `init_carry` and goes from each step to the next. Without one it acts as at the start of an episode.

        Args:
          obs: observations.
          mask: [..., A] bool, True = legal.
          key: a JAX key.
          carry: before the step, with the leading axes of `obs`.

        Raises:
          ValueError: shapes that do not fit, or a mask without a legal action (not seen under `jax.jit`).
        """
        if carry is None:
            return _chosen(self._log_probs(obs, mask), key)
        flat, mask = self._seen(obs, mask)
        self._check_carry(carry, flat.shape[:-1])
        carry, logits = _advance(self.network, self.params, self.scaling, carry, flat)
        return _chosen(distributions.masked_log_probs(logits, mask), key), carry

    def action_probabilities(self, obs: Any, mask: Any) -> jax.Array:
        """Probabilities [..., A] float32, exactly 0 where the mask is False. Raises as `act` does."""
        return jnp.where(jnp.asarray(mask), jnp.exp(self._log_probs(obs, mask)), 0.0)

    def value(self, obs: Any) -> jax.Array:
        """The learner's estimate [...] float32 of the discounted return from here. Raises as `act` does."""
        return _apply(self.network, self.params, self.scaling, self._flattened(obs))[1]

    def export(self, path: str | Path) -> None:
        """Write an .npz that NumPy alone reads: the arrays named as in docs/policies.md, and `activation`."""
        arrays = jax.tree.map(np.asarray, self.network.to_arrays(self.params))
        if self.scaling is not None:
            arrays |= self.scaling.to_arrays()
        if self.reward_deviation is not None:
            arrays["reward_deviation"] = np.asarray(self.reward_deviation)
        write_arrays(Path(path), arrays | {"activation": np.array(self.network.activation)})

    def _log_probs(self, obs: Any, mask: Any) -> jax.Array:
        flat, mask = self._seen(obs, mask)
        return distributions.masked_log_probs(_apply(self.network, self.params, self.scaling, flat)[0], mask)

    def _seen(self, obs: Any, mask: Any) -> tuple[jax.Array, jax.Array]:
        """Flattened observations [..., D] and their mask [..., A], checked against each other."""
        mask = jnp.asarray(mask)
        flat = self._flattened(obs, mask.shape[:-1])
        self._check_mask(mask, flat.shape[:-1])
        return flat, mask

    def _check_carry(self, carry: Carry, lead: tuple[int, ...]) -> None:
        expected = jax.eval_shape(lambda: self.init_carry(*lead))
        if jax.tree.map(jnp.shape, carry) != jax.tree.map(jnp.shape, expected):
            found = [jnp.shape(leaf) for leaf in jax.tree.leaves(carry)]
            whole = [leaf.shape for leaf in jax.tree.leaves(expected)]
            raise ValueError(
                f"carry has leaves {found}, expected {whole}: begin an episode with init_carry{lead}, and give each "
                "step the carry that the step before returned"
            )

    def _check_mask(self, mask: jax.Array, lead: tuple[int, ...]) -> None:
        expected = (*lead, self.num_actions)
        if mask.shape != expected or mask.dtype != jnp.bool_:
            raise ValueError(f"mask is {mask.dtype} {mask.shape}, expected bool {expected}: one flag an action")
        if not isinstance(mask, jax.core.Tracer) and not np.asarray(mask).any(axis=-1).all():
            raise ValueError("mask allows no action at all: give each observation at least one legal action")

    def _flattened(self, obs: Any, lead: tuple[int, ...] | None = None) -> jax.Array:
        """Observations [..., D] float32; `lead` are the leading axes that they have by the mask, where there is one."""
        if self.num_categories is not None:
            return _one_hot(obs, self.num_categories)
        obs = jnp.asarray(obs, jnp.float32)
        whole, flat = self.observation_shape, (self.num_inputs,)
        split = [obs.ndim - len(shape) for shape in (whole, flat)]
        leads = [
            obs.shape[:at]
            for at, shape in zip(split, (whole, flat), strict=True)
            if at >= 0 and obs.shape[at:] == shape
        ]
        if not leads:
            text = ", ".join(("...", *map(str, whole)))
            raise ValueError(f"obs has shape {obs.shape}, expected [{text}] or flattened, [..., {self.num_inputs}]")
        axes = lead if lead is not None and lead in leads else leads[0]
        return obs.reshape(*axes, self.num_inputs)


def load_policy(run_dir: str | Path, arm: str, seed: int) -> Policy:
    """The final policy of one seed of one arm; the other seeds' parameters are not read.

    Warns where the arm's network is a file that has changed since it was trained: the policy acts by the present one.

    Args:
      run_dir: a run that has ended.
      arm: name of the arm.
      seed: the seed's own number, as in config.json (not its position).

    Raises:
      RunDirectoryError: an unknown arm or seed, a run that has not ended, a seed that diverged, a damaged file.
      ConfigError: the arm's network is a file that is not there.
    """
    config = read_config(run_dir)
    arrays = load_seed_policy(run_dir, arm, seed)
    arms, position = [entry["name"] for entry in config["arms"]], config["seeds"].index(seed)
    if failed_seeds(run_dir)[arms.index(arm), position]:
        raise RunDirectoryError(f"{run_dir}: seed {seed} of arm {arm!r} diverged, so its policy is worth nothing")
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise RunDirectoryError(f"{run_dir}: seed {seed} of arm {arm!r} diverged, {broken[0]} is not finite")
    policy = _policy(config, config["arms"][arms.index(arm)]["ppo"], arrays)
    own_code.warn_if_changed(run_dir, config, arm, config["arms"][arms.index(arm)]["ppo"].get("network", ""))
    return policy


def _policy(config: Mapping[str, Any], settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Policy:
    ppo, shape = from_plain(PPOConfig, settings), config.get("policy", _BEFORE)
    network = agents.network_of(ppo, shape["num_actions"])
    found = {name: jnp.asarray(array) for name, array in arrays.items()}
    scaling = Scaling.from_arrays(found) if ppo.normalize_observations else None
    reward_deviation = found.pop("reward_deviation") if ppo.normalize_rewards else None
    return Policy(
        params=network.from_arrays(found),
        scaling=scaling,
        network=network,
        observation_shape=tuple(shape["observation_shape"]),
        num_categories=shape.get("num_categories"),
        reward_deviation=reward_deviation,
    )


def _one_hot(obs: Any, num_categories: int) -> jax.Array:
    """Observations [...] that are whole numbers as [..., N] of which one is 1."""
    obs = jnp.asarray(obs)
    last = num_categories - 1
    if not jnp.issubdtype(obs.dtype, jnp.integer):
        raise ValueError(f"obs is {obs.dtype} {obs.shape}, expected whole numbers from 0 to {last}, one an observation")
    if not isinstance(obs, jax.core.Tracer) and obs.size and not 0 <= int(obs.min()) <= int(obs.max()) <= last:
        raise ValueError(f"obs has values from {obs.min()} to {obs.max()}, expected 0 to {last}")
    return jax.nn.one_hot(obs, num_categories, dtype=jnp.float32)


def _chosen(log_probs: jax.Array, key: jax.Array | None) -> jax.Array:
    """Actions [...] int32 of log-probabilities [..., A]: drawn, or the most probable ones without a key."""
    if key is None:
        return jnp.argmax(log_probs, axis=-1).astype(jnp.int32)
    return distributions.sample(log_probs, jax.random.gumbel(key, log_probs.shape, jnp.float32))


@partial(jax.jit, static_argnums=0)
def _advance(
    network: Network, params: Any, scaling: Scaling | None, carry: Carry, flat: jax.Array
) -> tuple[Carry, jax.Array]:
    """The carry after one step, leaves [..., *], and logits [..., A] of flattened observations [..., D]."""
    lead, size = flat.shape[:-1], math.prod(flat.shape[:-1])
    rows = (flat if scaling is None else scaling(flat)).reshape(size, flat.shape[-1])
    own = jax.tree.map(lambda leaf: leaf.reshape(size, *leaf.shape[len(lead) :]), carry)
    with jax.default_matmul_precision("highest"):
        outputs: Any = network.apply({"params": params}, own, rows, jnp.zeros((size,), bool), method="act")
    after, logits = outputs
    return jax.tree.map(lambda leaf: leaf.reshape(*lead, *leaf.shape[1:]), after), _unflattened(logits, lead)


@partial(jax.jit, static_argnums=0)
def _apply(network: Network, params: Any, scaling: Scaling | None, flat: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Logits [..., A] and values [...] of flattened observations [..., D], each as at the start of an episode.

    Products are in full float32 on every device.
    """
    lead, size = flat.shape[:-1], math.prod(flat.shape[:-1])
    flat = flat if scaling is None else scaling(flat)
    carry = network.init_carry(size)
    time = (1,) if jax.tree.leaves(carry) else ()  # a network that remembers takes sequences
    rows, starts = flat.reshape(*time, size, flat.shape[-1]), jnp.ones((*time, size), bool)
    with jax.default_matmul_precision("highest"):
        outputs: Any = network.apply({"params": params}, carry, rows, starts)
    logits, values = outputs
    return _unflattened(logits, lead), values.reshape(lead)


def _unflattened(logits: jax.Array, lead: tuple[int, ...]) -> jax.Array:
    """Logits [*lead, A] of [..., A]; A is named, for a batch without an observation leaves nothing to infer it from."""
    return logits.reshape(*lead, logits.shape[-1])
