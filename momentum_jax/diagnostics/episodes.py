"""Returns and lengths of the episodes that end in an update's record, on the host."""

from __future__ import annotations

import numpy as np


class RunningEpisodes:
    """Episodes that stretch over many updates; returns are summed in float64.

    Attributes:
      return_so_far: [R, M] returns of the episodes that are going on.
      length_so_far: [R, M] float64, their steps; NaN of one that began before lengths were counted.
    """

    def __init__(self, num_runs: int, num_envs: int):
        self.return_so_far = np.zeros((num_runs, num_envs))
        self.length_so_far = np.zeros((num_runs, num_envs))

    def finished(self, reward: np.ndarray, ended: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The episodes that end at each step.

        Args:
          reward: [R, T, M] of the next T steps.
          ended: [R, T, M] bool, an episode's last step.

        Returns:
          returns [R, T, M], NaN where no episode ends, and lengths [R, T, M] float64, 0 there.
        """
        total = self.return_so_far[:, None] + np.cumsum(reward, axis=1, dtype=np.float64)
        run, env, step = np.nonzero(ended.swapaxes(1, 2))  # one environment's episodes follow each other
        at_end, steps_done = total[run, step, env], step + 1
        first = np.ones(run.size, bool)  # of its environment in this record
        first[1:] = (run[1:] != run[:-1]) | (env[1:] != env[:-1])
        returns, lengths = np.full(reward.shape, np.nan), np.zeros(reward.shape)
        returns[run, step, env] = at_end - np.where(first, 0.0, np.roll(at_end, 1))
        lengths[run, step, env] = steps_done - np.where(first, -self.length_so_far[run, env], np.roll(steps_done, 1))
        last = np.roll(first, -1)
        self.return_so_far, self.length_so_far = total[:, -1].copy(), self.length_so_far + reward.shape[1]
        self.return_so_far[run[last], env[last]] -= at_end[last]
        self.length_so_far[run[last], env[last]] = reward.shape[1] - steps_done[last]
        return returns, lengths
