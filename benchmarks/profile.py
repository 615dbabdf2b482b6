"""Where the time of one update goes, on one device: its parts timed alone, at exactly their own shapes.

    python -m benchmarks.profile [--repeats=40]

A part runs in a compiled loop as often as an update runs it, and what it reads depends on the turn before, so that
nothing leaves the loop. All are timed in turn, `--repeats` times, and the fastest counts. "rest" is what the parts of a
stage leave; it may be less than nothing, since parts timed together disturb each other's cache less or more than the
whole does. Products are timed alone too: the rate that they reach is the roof at these shapes.
"""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from absl import app, flags

from benchmarks import bars
from momentum_jax.processes import backend_startup

_REPEATS = flags.DEFINE_integer("repeats", 40, "timings of each part, of which the fastest is quoted")


def main(argv: list[str]) -> None:
    del argv
    backend_startup.start(num_devices=1)
    from benchmarks import products, results, update_parts
    from momentum_jax.env.momentum import make_market
    from momentum_jax.market.dataset import load_segment
    from momentum_jax.ppo.hyper_parameters import PPOConfig

    config = PPOConfig()
    market = make_market([load_segment(bars.market_config())])
    parts = dict(update_parts.UpdateParts(config, market).calls())
    shapes = list(update_parts.minibatch_products(config))
    seconds = _fastest([*parts.values(), *(shape.call for shape in shapes)])
    table = _table({key: 1e3 * value for key, value in zip(parts, seconds, strict=False)})
    product_table = _product_table(shapes, seconds[len(parts) :])
    flops = products.flops_per_step(config) * config.rollout_size
    reached = flops / seconds[0] / 1e9
    print(f"\nOne update of one run on one device, {config.rollout_size} steps:\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.2f}"))
    print(f"\nProducts alone; the update as a whole reaches {reached:.0f} GFLOP/s:\n")
    print(product_table.to_string(index=False, float_format=lambda value: f"{value:,.1f}"))
    result = {"bars": bars.describe(), "parts": table.to_dict("records"), "products": product_table.to_dict("records")}
    print("\nwritten:", results.write("profile", result | {"update_gflops": reached}))


def _fastest(calls: list[tuple[Any, ...]]) -> list[float]:
    """Seconds of the fastest of `--repeats` runs of each (function, arguments …), all timed in turn."""
    import jax

    compiled = [(jax.jit(function).lower(*arguments).compile(), arguments) for function, *arguments in calls]
    rounds = []
    for _ in range(1 + _REPEATS.value):
        rounds.append([])
        for function, arguments in compiled:
            started = time.perf_counter()
            jax.block_until_ready(function(*arguments))
            rounds[-1].append(time.perf_counter() - started)
    return [min(times) for times in zip(*rounds[1:], strict=True)]


def _table(milliseconds: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Each group with what its parts leave unexplained, and shares of the update."""
    total = milliseconds["update", "whole"]
    rows = []
    for group in dict.fromkeys(group for group, _ in milliseconds):
        parts = {part: value for (other, part), value in milliseconds.items() if other == group}
        if len(parts) > 1:
            parts["rest"] = 2 * parts["whole"] - sum(parts.values())
        elif group == "update":
            stages = [value for (other, part), value in milliseconds.items() if part == "whole" and other != "update"]
            parts["rest"] = total - sum(stages)
        rows += [(group, part, value, 100 * value / total) for part, value in parts.items()]
    return pd.DataFrame(rows, columns=["stage", "part", "ms", "% of update"])


def _product_table(products: list[Any], seconds: list[float]) -> pd.DataFrame:
    rates = [product.flops * product.turns / value / 1e9 for product, value in zip(products, seconds, strict=True)]
    rows = [
        (product.name, product.times, product.flops / rate / 1e3, rate, 100 * rate / rates[0])
        for product, rate in zip(products, rates, strict=True)
    ]
    return pd.DataFrame(rows, columns=["product", "in a minibatch", "us", "GFLOP/s", "% of large"])


if __name__ == "__main__":
    app.run(main)
