"""The momentum environment for users of Gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnax.wrappers.gym import GymnaxToGymWrapper

from momentum_jax.env.momentum import EnvParams, Momentum


class MomentumGymEnv(GymnaxToGymWrapper):
    """gymnax's wrapper, made to keep Gymnasium's contract.

    gymnax's wrapper never seeds `np_random` and hands out JAX arrays; this one seeds on reset and hands out NumPy
    arrays and Python numbers. At an episode's end the observation is the final one, as Gymnasium wants it, not the
    first of the next episode.
    """

    def __init__(self, params: EnvParams | None = None, seed: int | None = None):
        env = Momentum()
        super().__init__(env, env.default_params if params is None else params, seed)
        self._action_mask = jax.jit(env.action_mask)

    def reset(self, *, seed: int | None = None, options: Any | None = None, **_: Any) -> tuple[np.ndarray, dict]:
        gymnasium.Env.reset(self, seed=seed)
        observation, _ = super().reset(seed=seed, options=options)
        return np.asarray(observation), {"action_mask": self.action_masks()}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        _, reward, terminated, truncated, info = super().step(jnp.int32(action))
        info = jax.device_get(info)
        observation = info.pop("final_observation")
        info["action_mask"] = self.action_masks()
        return observation, float(reward), bool(terminated), bool(truncated), info

    def action_masks(self) -> np.ndarray:
        """[6] bool, True = legal, under the name that sb3-contrib's masked learners ask for."""
        return np.asarray(self._action_mask(self.env_state, self.env_params))
