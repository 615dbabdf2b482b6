"""Environment steps a second of the recurrent learner at the published size, beside what the machine can multiply.

    python -m benchmarks.recurrent [--seeds=2] [--updates=4] [--network=lstm]

The reference recurrent learner takes about 80 steps a second on one core (`recurrent.md` of the specification), with
the same network and minibatches. Timings of this learner and of the machine's own float32 products take turns, so that
what else runs on the machine falls on both.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
from absl import app, flags

from benchmarks import bars, ours
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.processes import backend_startup

REFERENCE_RATE = 80.0  # steps a second of the reference on one core
GATES = {"lstm": 4, "gru": 3}

_SEEDS = flags.DEFINE_integer("seeds", 2, "seeds to train, shared by the cores")
_UPDATES = flags.DEFINE_integer("updates", 4, "updates of each seed in one timing")
_TURNS = flags.DEFINE_integer("turns", 5, "timings, of which the median is quoted")
_NETWORK = flags.DEFINE_enum("network", "lstm", list(GATES), "network to train")


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start()
    import jax

    from benchmarks import products, results

    config = published(_NETWORK.value)
    prepared = ours.prepare(_SEEDS.value, config)
    ours.advance(prepared, 1)
    rates, roofs = [], []
    for _ in range(_TURNS.value):
        roofs.append(products.gflops())
        started = time.perf_counter()
        steps = ours.advance(prepared, _UPDATES.value)
        rates.append(steps / (time.perf_counter() - started))
    rate, cores = float(np.median(rates)), min(_SEEDS.value, jax.local_device_count())
    reached = rate * flops_per_step(config, GATES[_NETWORK.value]) / 1e9
    result = {
        "bars": bars.describe(),
        "network": _NETWORK.value,
        "seeds": _SEEDS.value,
        "cores": cores,
        "steps_per_second": rate,
        "slowest": min(rates),
        "fastest": max(rates),
        "ratio_to_reference": rate / (REFERENCE_RATE * cores),
        "gflops": reached,
        "share_of_products": reached / float(np.median(roofs)),
        "state_megabytes_per_seed": prepared.engine.state_bytes / _SEEDS.value / 1e6,
        "init_and_compile_seconds": prepared.seconds,
    }
    for name, value in result.items():
        print(f"{name:26s}", f"{value:,.2f}" if isinstance(value, float) else value)
    print("\nwritten:", results.write(f"recurrent_{_NETWORK.value}", result))


def published(network: str) -> PPOConfig:
    """The sizes and minibatches of v3, and its lack of a mask."""
    return PPOConfig(
        network=network, hidden_sizes=(128, 64), minibatching="rotation", minibatch_size=128, action_mask=False
    )


def flops_per_step(config: PPOConfig, num_gates: int, num_actions: int = 6) -> float:
    """Floating-point operations of matrix products for one environment step, as the program executes them.

    Acting takes both memories and the policy's tower, values and log-probabilities both sides once more; each epoch a
    forward pass, the weights' gradients, and the inputs' gradients of all but the inputs' kernel. Elementwise work, the
    optimiser and the environment are not counted.
    """
    from momentum_jax.env import observation_layout

    units = config.lstm_size
    entering = 2 * observation_layout.INPUT_COUNTS.size * num_gates * units
    returning = 2 * units * num_gates * units
    hidden = sum(a * b for a, b in pairwise((units, *config.hidden_sizes)))
    policy, value = hidden + config.hidden_sizes[-1] * num_actions, hidden + config.hidden_sizes[-1]
    forward = 2 * (entering + returning + policy + value)
    backward = forward + 2 * (returning + policy + value)
    acting = 2 * (entering + returning + policy)
    return acting + forward + config.num_epochs * (forward + backward)


if __name__ == "__main__":
    app.run(main)
