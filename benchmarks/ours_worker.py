"""This project's learner as a worker of a contest: `python -m benchmarks.ours_worker --num_seeds=8`."""

from __future__ import annotations

from absl import app, flags

from benchmarks import ours
from momentum_jax.processes import backend_startup

_NUM_SEEDS = flags.DEFINE_integer("num_seeds", 8, "seeds trained together")
_STRETCH = flags.DEFINE_integer("stretch", 20, "updates of each seed in one timing")


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start()
    from benchmarks import contest

    prepared = ours.prepare(_NUM_SEEDS.value)
    hold = ours.hold_percent(prepared, ours.CHECK_UPDATES)
    contest.serve(lambda: ours.advance(prepared, _STRETCH.value), hold_pct=hold, compile_seconds=prepared.seconds)


if __name__ == "__main__":
    app.run(main)
