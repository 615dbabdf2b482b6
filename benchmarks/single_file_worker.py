"""The single-file PPO as a worker of a contest: `python -m benchmarks.single_file_worker --num_seeds=8`."""

from __future__ import annotations

import numpy as np
from absl import app, flags

from benchmarks import contest, ours, single_file_ppo

_NUM_SEEDS = flags.DEFINE_integer("num_seeds", 8, "seeds trained together")
_STRETCH = flags.DEFINE_integer("stretch", 5, "updates of each seed in one timing")


def main(argv: list[str]) -> None:
    del argv
    advance, steps = single_file_ppo.prepare(_NUM_SEEDS.value, _STRETCH.value)
    # The check's 10 updates are run by the very program that is timed.
    first_steps = [advance() for _ in range(ours.CHECK_UPDATES // _STRETCH.value)]
    holds, flat = np.sum(first_steps, axis=0)

    def stretch() -> int:
        advance()
        return steps

    contest.serve(stretch, hold_pct=(100.0 * holds / flat).tolist())


if __name__ == "__main__":
    app.run(main)
