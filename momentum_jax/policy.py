"""A trained policy of a run directory: act with it, or write it as plain arrays (docs/policies.md)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.networks import towers as networks
from momentum_jax.ppo import distributions
from momentum_jax.run_directory import RunDirectoryError, failed_seeds, load_policies, read_config
from momentum_jax.run_directory.atomic_files import write_arrays


@dataclasses.dataclass(frozen=True)
class Policy:
    """The final policy and value function of one seed of one arm.

    Every method takes observations [..., 20, 23] or flattened [..., 460], float32, and may be called under
    `jax.jit` and `jax.vmap`.

    Attributes:
      towers: ``policy`` and ``value``, each its layers in order, kernels [inputs, outputs] and biases [outputs].
      activation: between the layers, ``tanh`` or ``relu``.
    """

    towers: Mapping[str, tuple[networks.Dense, ...]]
    activation: str

    @property
    def num_inputs(self) -> int:
        """Numbers in a flattened observation."""
        return self.towers["policy"][0].kernel.shape[0]

    @property
    def num_actions(self) -> int:
        return self.towers["policy"][-1].bias.shape[0]

    def act(self, obs: Any, mask: Any, key: jax.Array | None = None) -> jax.Array:
        """Actions [...] int32, drawn as in training, or the most probable ones without a key.

        Args:
          obs: observations.
          mask: [..., A] bool, True = legal.
          key: a JAX key.

        Raises:
          ValueError: shapes that do not fit, or a mask without a legal action (not seen under `jax.jit`).
        """
        log_probs = self._log_probs(obs, mask)
        if key is None:
            return jnp.argmax(log_probs, axis=-1).astype(jnp.int32)
        return distributions.sample(log_probs, jax.random.gumbel(key, log_probs.shape, jnp.float32))

    def action_probabilities(self, obs: Any, mask: Any) -> jax.Array:
        """Probabilities [..., A] float32, exactly 0 where the mask is False. Raises as `act` does."""
        return jnp.where(jnp.asarray(mask), jnp.exp(self._log_probs(obs, mask)), 0.0)

    def value(self, obs: Any) -> jax.Array:
        """The learner's estimate [...] float32 of the discounted return from here. Raises as `act` does."""
        return _apply(self.towers, self._features(obs), self.activation)[1]

    def export(self, path: str | Path) -> None:
        """Write an .npz that NumPy alone reads: the arrays named as in docs/policies.md, and `activation`."""
        arrays = {
            f"{tower}/dense_{index}/{part}": np.asarray(array)
            for tower, layers in self.towers.items()
            for index, layer in enumerate(layers)
            for part, array in layer._asdict().items()
        }
        write_arrays(Path(path), arrays | {"activation": np.array(self.activation)})

    def _log_probs(self, obs: Any, mask: Any) -> jax.Array:
        features, mask = self._features(obs), jnp.asarray(mask)
        expected = (*features.shape[:-1], self.num_actions)
        if mask.shape != expected or mask.dtype != jnp.bool_:
            raise ValueError(f"mask is {mask.dtype} {mask.shape}, expected bool {expected}: one flag an action")
        if not isinstance(mask, jax.core.Tracer) and not np.asarray(mask).any(axis=-1).all():
            raise ValueError("mask allows no action at all: give each observation at least one legal action")
        return distributions.masked_log_probs(_apply(self.towers, features, self.activation)[0], mask)

    def _features(self, obs: Any) -> jax.Array:
        """Observations, flattened."""
        obs = jnp.asarray(obs, jnp.float32)
        if obs.shape[-1:] == (self.num_inputs,):
            return obs
        if math.prod(obs.shape[-2:]) == self.num_inputs:
            return obs.reshape(*obs.shape[:-2], self.num_inputs)
        raise ValueError(f"obs has shape {obs.shape}, expected [..., 20, 23] or flattened, [..., {self.num_inputs}]")


def load_policy(run_dir: str | Path, arm: str, seed: int) -> Policy:
    """The final policy of one seed of one arm.

    Args:
      run_dir: a run that has ended.
      arm: name of the arm.
      seed: the seed's own number, as in config.json (not its position).

    Raises:
      RunDirectoryError: an unknown arm or seed, a run that has not ended, a seed that diverged, a damaged file.
    """
    config = read_config(run_dir)
    arrays = load_policies(run_dir, arm)
    if seed not in config["seeds"]:
        first, last = config["seeds"][0], config["seeds"][-1]
        raise RunDirectoryError(f"{run_dir}: no seed {seed}, expected one of {first} … {last}")
    position = config["seeds"].index(seed)
    own = {name: array[position] for name, array in arrays.items()}
    if failed_seeds(run_dir)[[entry["name"] for entry in config["arms"]].index(arm), position]:
        raise RunDirectoryError(f"{run_dir}: seed {seed} of arm {arm!r} diverged, so its policy is worth nothing")
    broken = [name for name, array in own.items() if not np.isfinite(array).all()]
    if broken:
        raise RunDirectoryError(f"{run_dir}: seed {seed} of arm {arm!r} diverged, {broken[0]} is not finite")
    activation = next(entry["ppo"]["activation"] for entry in config["arms"] if entry["name"] == arm)
    return Policy({tower: _layers(own, tower) for tower in ("policy", "value")}, activation)


def _layers(arrays: Mapping[str, np.ndarray], tower: str) -> tuple[networks.Dense, ...]:
    count = sum(name.startswith(f"{tower}/") and name.endswith("/kernel") for name in arrays)
    names = [f"{tower}/dense_{index}" for index in range(count)]
    return tuple(
        networks.Dense(jnp.asarray(arrays[f"{name}/kernel"]), jnp.asarray(arrays[f"{name}/bias"])) for name in names
    )


@partial(jax.jit, static_argnames="activation")
def _apply(towers: Any, features: jax.Array, activation: str) -> tuple[jax.Array, jax.Array]:
    """Logits [..., A] and values [...]; products in full float32 on every device."""
    with jax.default_matmul_precision("highest"):
        params = networks.join_towers(towers["policy"], towers["value"])
        return networks.apply(params, features, activation)
