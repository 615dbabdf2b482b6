"""A person's own network and optimiser, tried on shapes alone before a run is opened: nothing is computed or compiled.

What the learner asks of them is checked here, so that a mistake is one line with its place and not a trace of the
compiler. Shipped ones are tested, and are not tried.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp

from momentum_jax import lookup
from momentum_jax.env.task import Task
from momentum_jax.fields import ConfigError
from momentum_jax.networks.network import Network, Params, Restarts
from momentum_jax.networks.table import NETWORKS
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import optimizers
from momentum_jax.ppo.optimizer_table import OPTIMIZERS
from momentum_jax.ppo.traced_config import PPOConfig
from momentum_jax.processes.python_file import in_one_line

# Of a trial: two numbers that are unlike each other and 1, so that swapped axes are noticed.
_ENVS, _STEPS = 3, 5


class _Tried(NamedTuple):
    """A part of the learner that is a person's own."""

    called: str  # in messages
    source: Path  # its file or folder

    def run(self, function: Callable[..., Any], *arguments: Any, does: str, remedy: str = "") -> Any:
        """Shapes of what a function gives. Raises ConfigError for whatever goes wrong in it."""
        front = f"{self.called}: {does} fails"
        try:
            return in_one_line(lambda: jax.eval_shape(function, *arguments), front, self.source)
        except ConfigError as error:
            raise ConfigError(f"{error}: {remedy}" if remedy else str(error)) from error


def check(task: Task, config: PPOConfig, *, biased: bool = False) -> None:
    """Try the network and the optimiser that are not shipped.

    Args:
      task: the environment.
      config: of the learner.
      biased: whether a run adds `initial_action_bias` to its logits.

    Raises:
      ConfigError: they fail, or give something else than the learner takes: what was found and expected, and what to
        do, with the line of the person's file where it failed.
    """
    if config.network in NETWORKS and config.optimizer in OPTIMIZERS:
        return
    network = agents.network_of(config, task.num_actions)
    tried = _Tried(f"network={config.network}", lookup.source(config.network, NETWORKS))
    carry = tried.run(partial(network.init_carry, _ENVS), does="init_carry")
    agent = agents.make(task, config)
    if config.network not in NETWORKS:
        _check_collections(tried, network, task.num_inputs, carry)
    params = tried.run(lambda key: agent.init_params(key)[0], jax.random.key(0), does="its init")
    num_features = len(agent.input_counts)
    if config.network not in NETWORKS:
        _check_forward(tried, network, params, num_features, carry)
        _check_act(tried, network, params, num_features, carry)
        if biased:
            tried.run(network.bias_logits, params, _array(task.num_actions), does="bias_logits")
    if config.optimizer not in OPTIMIZERS:
        _check_optimizer(config, params, jnp.asarray(agent.input_counts))


def _check_collections(tried: _Tried, network: Network, num_inputs: int, carry: Any) -> None:
    """Refuse a network that cannot do without variables beside the parameters: only these are learned and saved.

    What `sow` and `perturb` add in `init` alone is not missed afterwards.
    """
    if type(network).init_params is not Network.init_params:
        return
    lead = (_STEPS, _ENVS) if jax.tree.leaves(carry) else (_ENVS,)
    inputs = {
        "__call__": (carry, _array(*lead, num_inputs), _array(*lead, dtype=bool)),
        "act": (carry, _array(_ENVS, num_inputs), _array(_ENVS, dtype=bool)),
    }
    made = tried.run(network.init, jax.random.key(0), *inputs["__call__"], does="its init")
    others = {name: variables for name, variables in made.items() if name != "params"}
    for method in inputs if others else ():
        alone, all_of_them = ((made.get("params", {}), kept, *inputs[method]) for kept in ({}, others))
        if not _runs(network, method, alone) and _runs(network, method, all_of_them):
            raise ConfigError(
                f"{tried.called} keeps {', '.join(sorted(others))}, expected params alone, which are what the learner "
                "learns and saves: leave out what keeps more, such as BatchNorm for nn.LayerNorm"
            )


def _runs(network: Network, method: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a method can be traced with parameters, other variables that it may change, and inputs."""

    def apply(params: Params, others: Any, *inputs: Any) -> Any:
        params = network.acting_params(params) if method == "act" else params
        return network.apply({"params": params, **others}, *inputs, method=method, mutable=[*others])

    try:
        jax.eval_shape(apply, *arguments)
    except Exception:  # it is code of others; `_check_forward` and `_check_act` say what is wrong
        return False
    return True


def _check_forward(tried: _Tried, network: Network, params: Params, num_features: int, carry: Any) -> None:
    """`__call__` on a batch, or on sequences where the network remembers; and its gradient."""
    remembers = bool(jax.tree.leaves(carry))
    lead = (_STEPS, _ENVS) if remembers else (_ENVS,)
    inputs: tuple[Any, ...] = (carry, _array(*lead, num_features), _array(*lead, dtype=bool))
    if remembers and network.takes_restarts:
        before = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((_STEPS, *leaf.shape), leaf.dtype), carry)
        _check_outputs(tried, network, tried.run(_applied(network), params, *inputs, does="__call__"), lead)
        inputs = (*inputs, Restarts(cast(Any, _array(*lead, dtype=bool)), before))
    _check_outputs(tried, network, tried.run(_applied(network), params, *inputs, does="__call__"), lead)

    def summed(params: Params, *inputs: Any) -> jax.Array:
        logits, values = _applied(network)(params, *inputs)
        return jnp.sum(logits) + jnp.sum(values)

    tried.run(jax.grad(summed), params, *inputs, does="the gradient of __call__")


def _check_outputs(tried: _Tried, network: Network, outputs: Any, lead: tuple[int, ...]) -> None:
    if not (isinstance(outputs, tuple) and len(outputs) == 2):
        raise ConfigError(
            f"{tried.called}: __call__ gives {_shown(outputs)}, expected logits and values: return both, as in "
            "return logits, values"
        )
    given = f"of inputs [{', '.join(map(str, lead))}, F]"
    logits, values = outputs
    _check_array(tried, "logits", given, logits, (*lead, network.num_actions), "give num_actions of them to each")
    remedy = "drop their last axis, as in values[..., 0]" if _shape(values) == (*lead, 1) else "give one to each"
    _check_array(tried, "values", given, values, lead, remedy)


def _check_act(tried: _Tried, network: Network, params: Params, num_features: int, carry: Any) -> None:
    """One step of acting: the state keeps its form, so that a loop can carry it."""
    acting = tried.run(network.acting_params, params, does="acting_params")
    inputs = carry, _array(_ENVS, num_features), _array(_ENVS, dtype=bool)
    outputs = tried.run(_applied(network, "act"), acting, *inputs, does="act")
    if not (isinstance(outputs, tuple) and len(outputs) == 2):
        raise ConfigError(
            f"{tried.called}: act gives {_shown(outputs)}, expected a state and logits: return both, as in "
            "return carry, logits"
        )
    after, logits = outputs
    given = f"of act's inputs [{_ENVS}, F]"
    _check_array(tried, "logits", given, logits, (_ENVS, network.num_actions), "give num_actions of them to each")
    if _forms(after) != _forms(carry):
        raise ConfigError(
            f"{tried.called}: act turns a state {_shown(carry)} into {_shown(after)}: let both have the same parts, "
            "shapes and types, and init_carry give them"
        )


def _check_array(tried: _Tried, name: str, given: str, found: Any, shape: tuple[int, ...], remedy: str) -> None:
    expected = _array(*shape)
    if _shape(found) == shape and found.dtype == expected.dtype:
        return
    remedy = remedy if _shape(found) != shape else f"convert them, as in {name}.astype({str(expected.dtype)!r})"
    raise ConfigError(f"{tried.called}: {name} {given} are {_shown(found)}, expected {_shown(expected)}: {remedy}")


def _check_optimizer(config: PPOConfig, params: Params, counts: jax.Array) -> None:
    """The optimiser's state before a step and after it, with all that is traced in a program traced here too."""
    tried = _Tried(f"optimizer={config.optimizer}", lookup.source(config.optimizer, OPTIMIZERS))

    def init(config: PPOConfig, params: Params) -> Any:
        return optimizers.make(config, config.learning_rate, counts).init(params)

    def update(config: PPOConfig, params: Params, state: Any, norm: jax.Array) -> Any:
        return optimizers.make(config, config.learning_rate, counts).update(params, state, params, norm=norm)

    state = tried.run(init, config, params, does="its init")
    remedy = "an update gets gradients, state and parameters alone: choose one that needs no more, such as optax:lion"
    updates, after = tried.run(update, config, params, state, _array(), does="its update", remedy=remedy)
    for name, found, expected in (("its state", after, state), ("parameters", updates, params)):
        if _forms(found) != _forms(expected):
            raise ConfigError(
                f"{tried.called}: an update turns {name} {_shown(expected)} into {_shown(found)}: let both have the "
                "same parts, shapes and types"
            )


def _applied(network: Network, method: str = "__call__") -> Callable[..., Any]:
    return lambda params, *inputs: network.apply({"params": params}, *inputs, method=method)


def _array(*shape: int, dtype: Any = float) -> jax.ShapeDtypeStruct:
    """Shape and type of an array; floats are as wide as JAX has them now."""
    return jax.ShapeDtypeStruct(shape, jnp.result_type(dtype))


def _shape(found: Any) -> Any:
    return getattr(found, "shape", None)


def _forms(tree: Any) -> Any:
    """Structure, shapes and types."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]


def _shown(tree: Any) -> str:
    """Types and shapes as JAX writes them, such as float32[3,2]; those of the leaves where there are several."""
    leaves = [f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]" for leaf in jax.tree.leaves(tree)]
    return leaves[0] if len(leaves) == 1 else f"({', '.join(leaves)})"
