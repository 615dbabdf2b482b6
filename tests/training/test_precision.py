"""Products are float32 unless a run asks for less: checked in the program that is compiled, on any backend."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum
from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training.engine import Engine
from momentum_jax.training.group_width import default_layout
from momentum_jax.training.runs import Run

TINY = {"num_steps": 4, "minibatch_size": 2, "num_epochs": 1, "hidden_sizes": (3,)}
# What each name asks of XLA: the operands' precision, or the algorithm of the product.
ASKED = {
    "float32": {"[HIGHEST, HIGHEST]"},
    "tf32": {"[HIGH, HIGH]"},
    "bfloat16": {"algorithm"},
}


def precisions(text: str) -> set[str]:
    """What the products of a program in StableHLO ask for."""
    products = [line for line in text.splitlines() if "stablehlo.dot" in line]
    assert products
    found = (re.search(r"precision = (\[\w+, \w+\])", line) for line in products)
    return {
        "algorithm" if "lhs_precision_type = bf16" in line else match.group(1) if match else "none"
        for line, match in zip(products, found, strict=True)
    }


@pytest.mark.parametrize("name", ASKED)
def test_every_product_of_an_update_has_the_precision_of_the_run(market, name, monkeypatch):
    lowered = []
    monkeypatch.setattr(jax.stages.Lowered, "compile", lambda self: lowered.append(self.as_text()))
    run = Run(0, PPOConfig(**TINY, matmul_precision=name), EnvOptions())
    _ = Engine(Momentum(), market.params.market, [run], default_layout(1), 1).compiled_update
    assert precisions(lowered[-1]) == ASKED[name]


def test_products_outside_the_engine_are_float32_whatever_the_backend_prefers():
    text = jax.jit(jnp.matmul).lower(jnp.ones((2, 2)), jnp.ones((2, 2))).as_text()
    assert precisions(text) == {"[HIGHEST, HIGHEST]"}


def test_precision_is_recorded_and_decides_a_run():
    def plain(name: str) -> dict:
        arm = Arm(name="a", ppo=PPOConfig(matmul_precision=name))
        return RunConfig(experiment="x", arms=(arm,)).to_json()

    assert plain("tf32")["arms"][0]["ppo"]["matmul_precision"] == "tf32"
    assert RunConfig.from_json(plain("tf32")).arms[0].ppo.matmul_precision == "tf32"
    before = plain("float32")
    del before["arms"][0]["ppo"]["matmul_precision"]  # written before the setting existed
    assert RunConfig.from_json(before).to_json() == plain("float32")
    with pytest.raises(ConfigError, match="matmul_precision='fp8' is unknown: choose one of float32, tf32, bfloat16"):
        PPOConfig(matmul_precision="fp8").validate()
