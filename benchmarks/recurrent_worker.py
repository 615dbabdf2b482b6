"""Workers of the recurrent learner's contest: this project's learner, or the machine's products.

python -m benchmarks.recurrent_worker --num_seeds=2 [--network=lstm]
python -m benchmarks.recurrent_worker --products         its "steps" are millions of floating-point operations
"""

from __future__ import annotations

from absl import app, flags

from benchmarks import contest, ours, published_v3
from momentum_jax.processes import backend_startup

_PRODUCTS = flags.DEFINE_boolean("products", False, "multiply large matrices")
_NUM_SEEDS = flags.DEFINE_integer("num_seeds", 2, "seeds trained together")
_NETWORK = flags.DEFINE_enum("network", "lstm", list(published_v3.GATES), "network to train")
_STRETCH = flags.DEFINE_integer("stretch", 4, "updates of each seed in one timing")


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start()
    if _PRODUCTS.value:
        _serve_products()
        return
    from momentum_jax.env import observation_layout

    config = published_v3.config(_NETWORK.value)
    prepared = ours.prepare(_NUM_SEEDS.value, config)
    ours.advance(prepared, 1)
    contest.serve(
        lambda: ours.advance(prepared, _STRETCH.value),
        compile_seconds=prepared.seconds,
        state_bytes=prepared.engine.state_bytes,
        flops=published_v3.flops_per_step(config, observation_layout.INPUT_COUNTS.size),
    )


def _serve_products() -> None:
    from benchmarks import products

    multiply, operations = products.chains()
    multiply()

    def stretch() -> int:
        for _ in range(products.REPEATS):
            multiply()
        return round(products.REPEATS * operations / 1e6)

    contest.serve(stretch)


if __name__ == "__main__":
    app.run(main)
