"""What is said of seeds that fail: once an arm, as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from momentum_jax.config.run_config import RunConfig


class Failures:
    """Turns what a recorder knows of failed runs into lines; each thing is said of an arm once."""

    def __init__(self, config: RunConfig, seeds: Sequence[int]):
        """`seeds` are this process's."""
        self._config = config
        self._seeds = seeds
        self._said: set[tuple[str, int]] = set()  # what was said, of the arms with these numbers

    def lines(
        self, failed_step: np.ndarray, stopped: np.ndarray, bad_reward: np.ndarray, nothing_legal: np.ndarray
    ) -> Iterator[str]:
        """What is new; arguments [runs] as `Recorder` has them."""
        shape = (len(self._config.arms), len(self._seeds))
        arrays = (array.reshape(shape) for array in (failed_step, stopped, bad_reward, nothing_legal))
        for number, (steps, lost, rewards, empty) in enumerate(zip(*arrays, strict=True)):
            if (empty >= 0).any() and self._is_new("mask", number):
                yield self._of_mask(number, empty)
            rewarded = np.where(empty < 0, rewards, -1)
            if (rewarded >= 0).any() and self._is_new("reward", number):
                yield self._of_reward(number, rewarded)
            unexplained = lost & (rewards < 0) & (empty < 0)
            if (steps >= 0).all() and self._is_new("all", number):
                yield self._of_all(number, steps.max(), lost, empty >= 0)
            elif unexplained.any() and self._is_new("loss", number):
                yield self._of_loss(number, steps, unexplained)

    def _is_new(self, what: str, number: int) -> bool:
        new = (what, number) not in self._said
        self._said.add((what, number))
        return new

    def _of_mask(self, number: int, empty: np.ndarray) -> str:
        place = int(np.where(empty >= 0, empty, np.inf).argmin())
        return (
            f"seed {self._seeds[place]} of arm {self._config.arms[number].name}: the environment's action_mask allows "
            f"nothing at step {empty[place]:,}: the seed has failed; leave at least one action legal in every state"
        )

    def _of_reward(self, number: int, rewards: np.ndarray) -> str:
        place = int(np.where(rewards >= 0, rewards, np.inf).argmin())
        return (
            f"seed {self._seeds[place]} of arm {self._config.arms[number].name}: the environment's reward at step "
            f"{rewards[place]:,} is not a finite number: the seed has failed"
        )

    def _of_loss(self, number: int, steps: np.ndarray, lost: np.ndarray) -> str:
        place = int(np.where(lost, steps, np.inf).argmin())
        return (
            f"seed {self._seeds[place]} of arm {self._config.arms[number].name} has failed by step {steps[place]:,}: "
            "losses are not finite though rewards are: look at its observations and at the learning rate"
        )

    def _of_all(self, number: int, step: int, lost: np.ndarray, empty: np.ndarray) -> str:
        whole, here = self._config.num_seeds, len(self._seeds)
        who = "every seed" if here == whole else f"every seed of this process ({here} of {whole})"
        limit = f"value losses are above divergence_limit={self._config.divergence_limit:g}"
        what = "losses are not finite, its training stops" if lost.all() else limit
        if empty.all():
            what = "action masks allow nothing, its training stops"
        return f"arm {self._config.arms[number].name}: {who} has failed by step {step:,}: {what}"
