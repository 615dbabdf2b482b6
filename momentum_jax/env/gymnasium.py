"""The momentum environment for users of Gymnasium."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnax.wrappers.gym import GymnaxToGymWrapper

from momentum_jax.env.momentum import EnvParams, Momentum, make_params
from momentum_jax.env.traced_options import EnvOptions
from momentum_jax.market.dataset import load_segment
from momentum_jax.market.market_options import MarketConfig

# JAX runs by now, and its threads do not follow into a forked process: the first computation there would wait for ever.
_in_forked_process = False


def _note_fork() -> None:
    global _in_forked_process
    _in_forked_process = True


os.register_at_fork(after_in_child=_note_fork)


class MomentumGymEnv(GymnaxToGymWrapper):
    """gymnax's wrapper, made to keep Gymnasium's contract.

    gymnax's wrapper never seeds `np_random` and hands out JAX arrays; this one seeds on reset and hands out NumPy
    arrays and Python numbers. At an episode's end the observation is the final one, as Gymnasium wants it, not the
    first of the next episode.

    Args:
      params: what the environment is played on, from `env.momentum.make_params`; in place of the two below.
      seed: of the first episode; 0 by default. `reset(seed=…)` sets another.
      market: whose first segment is played; the embedded synthetic market by default.
      options: rewards and switches; the reference's by default.

    Raises:
      DataError: the market cannot be used.
      ValueError: `params` together with `market` or `options`.
      RuntimeError: in a process that was forked, where JAX would hang.
    """

    _was_reset = False

    def __init__(
        self,
        params: EnvParams | None = None,
        seed: int | None = None,
        *,
        market: MarketConfig | None = None,
        options: EnvOptions | None = None,
    ):
        if _in_forked_process:
            raise RuntimeError(
                "JAX hangs in a forked process: start workers with spawn, as in AsyncVectorEnv(…, context='spawn')"
            )
        if params is not None and (market is not None or options is not None):
            raise ValueError("params already hold a market and options: give params, or market and options")
        if params is None:
            params = make_params(load_segment(market or MarketConfig()), options)
        super().__init__(Momentum(EnvOptions(**params.options.switches)), params, seed)
        self._action_mask = jax.jit(self._env.action_mask)

    # The base class makes new spaces at every look, so that seeding one would be forgotten.

    @cached_property
    def action_space(self) -> gymnasium.spaces.Discrete:
        return super().action_space

    @cached_property
    def observation_space(self) -> gymnasium.spaces.Box:
        return super().observation_space

    def reset(self, *, seed: int | None = None, options: Any | None = None, **_: Any) -> tuple[np.ndarray, dict]:
        gymnasium.Env.reset(self, seed=seed)
        observation, _ = super().reset(seed=seed, options=options)
        self._was_reset = True
        return np.asarray(observation), {"action_mask": self.action_masks()}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Advance by one bar.

        Args:
          action: a whole number from 0 to 5, as a Python or NumPy number or an array without axes.

        Raises:
          gymnasium.error.InvalidAction: it is none.
          gymnasium.error.ResetNeeded: before the first `reset`.
        """
        chosen = self._checked(action)
        _, reward, terminated, truncated, info = super().step(jnp.int32(chosen))
        info = jax.device_get(info)
        observation = info.pop("final_observation")
        info["action_mask"] = self.action_masks()
        return observation, float(reward), bool(terminated), bool(truncated), info

    def _checked(self, action: Any) -> Any:
        """The action, if the space has it: JAX would take the nearest one, and truncate fractions."""
        if not self._was_reset:
            raise gymnasium.error.ResetNeeded("step was called before reset: begin the episode with reset()")
        plain = np.asarray(action) if isinstance(action, jax.Array) else action
        if isinstance(plain, bool) or not self.action_space.contains(plain):
            what = f"an array of shape {np.shape(plain)}" if np.shape(plain) else " ".join(repr(plain).split())[:80]
            raise gymnasium.error.InvalidAction(
                f"action is {what}, expected one whole number from 0 to {int(self.action_space.n) - 1}: one of an "
                "array's elements is array[0], a fraction has to be rounded by whoever computed it"
            )
        return plain

    def action_masks(self) -> np.ndarray:
        """[6] bool, True = legal, under the name that sb3-contrib's masked learners ask for."""
        return np.asarray(self._action_mask(self.env_state, self.env_params))
