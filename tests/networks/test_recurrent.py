"""Networks that remember: initial weights, one step by hand, and time unrolled with gradients outside the loop."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.networks import backend, gru, lstm
from momentum_jax.networks import network as networks
from momentum_jax.networks.network import Restarts
from momentum_jax.networks.unrolling import RecurrentWeights, unroll

CELLS = {"lstm": lstm.LSTMCell, "gru": gru.GRUCell}
STEPS, BATCH, INPUTS, UNITS = 7, 3, 12, 5
NAMES = ("input_kernel", "input_bias", "recurrent_kernel", "recurrent_bias")


def network_of(name, units=UNITS):
    return networks.make(name, num_actions=6, hidden_sizes=(8, 4), activation="relu", lstm_size=units)


@pytest.fixture(scope="module", params=CELLS)
def network(request):
    return network_of(request.param)


@pytest.fixture(scope="module")
def params(network):
    return network.init_params(jax.random.key(0), INPUTS)


def draw(key, shape):
    return jax.random.normal(jax.random.key(key), shape)


def carry_of(network, key, lead=(BATCH,)):
    zeros = network.cell.zeros((*lead, 2, UNITS))
    return jax.tree.map(lambda leaf: draw(key, leaf.shape), zeros)


@pytest.mark.parametrize("name", CELLS)
def test_memories_start_uniform_below_orthogonal_towers(name):
    """As PyTorch: every weight and both biases within ±1/√H."""
    arrays = network_of(name, units=64).to_arrays(network_of(name, units=64).init_params(jax.random.key(1), 40))
    for tower in ("policy", "value"):
        for part in NAMES:
            array = np.asarray(arrays[f"{tower}/{name}/{part}"])
            assert 0.117 < np.abs(array).max() <= 0.125, part
            np.testing.assert_allclose(array.std(), 0.125 / 3**0.5, rtol=0.15)
    for gain, layer in ((2**0.5, "policy/dense_0"), (0.01, "policy/dense_2"), (1.0, "value/dense_2")):
        kernel = np.asarray(arrays[f"{layer}/kernel"])
        # Rows or columns, whichever are fewer, are orthogonal and as long as the gain.
        small = kernel.T @ kernel if kernel.shape[0] >= kernel.shape[1] else kernel @ kernel.T
        np.testing.assert_allclose(small, gain**2 * np.eye(len(small)), atol=1e-5 * gain)
        assert not arrays[f"{layer}/bias"].any()
    assert not np.allclose(arrays[f"policy/{name}/recurrent_kernel"], arrays[f"value/{name}/recurrent_kernel"])
    assert not np.allclose(arrays[f"policy/{name}/input_bias"], arrays[f"policy/{name}/recurrent_bias"])


def sigmoid(sums):
    return 1 / (1 + np.exp(-sums))


def gru_by_hand(arrays, inputs, hidden):
    """PyTorch's documented equations."""
    entering = np.split(inputs @ arrays["input_kernel"] + arrays["input_bias"], 3, axis=-1)
    returning = np.split(hidden @ arrays["recurrent_kernel"] + arrays["recurrent_bias"], 3, axis=-1)
    reset, update = (sigmoid(entering[gate] + returning[gate]) for gate in (0, 1))
    candidate = np.tanh(entering[2] + reset * returning[2])
    return ((1 - update) * candidate + update * hidden,)


def lstm_by_hand(arrays, inputs, hidden, cell):
    sums = inputs @ arrays["input_kernel"] + arrays["input_bias"]
    sums = sums + hidden @ arrays["recurrent_kernel"] + arrays["recurrent_bias"]
    entering, forget, candidate, leaving = np.split(sums, 4, axis=-1)
    cell = sigmoid(forget) * cell + sigmoid(entering) * np.tanh(candidate)
    return sigmoid(leaving) * np.tanh(cell), cell


def test_a_step_by_hand(network, params):
    by_hand = {"lstm": lstm_by_hand, "gru": gru_by_hand}[network.memory_name]
    carry, features = carry_of(network, 2), draw(3, (BATCH, INPUTS))
    found, _ = network.apply({"params": params}, carry, features, jnp.zeros(BATCH, bool), method="act")
    arrays = network.to_arrays(params)
    for side, tower in enumerate(("policy", "value")):
        own = {name: np.asarray(arrays[f"{tower}/{network.memory_name}/{name}"]) for name in NAMES}
        expected = by_hand(own, np.asarray(features), *(np.asarray(leaf[:, side]) for leaf in carry))
        for leaf, after in zip(found, expected, strict=True):
            np.testing.assert_allclose(leaf[:, side], after, rtol=1e-5, atol=1e-6)


def test_a_sequence_is_one_step_after_the_other(network, params):
    """Through starts, with the first 9 features taken beforehand, and without."""
    variables, features = {"params": params}, draw(4, (STEPS, BATCH, INPUTS))
    starts = jnp.zeros((STEPS, BATCH), bool).at[[0, 3, 5], [1, 0, 2]].set(True)
    carry = quick = carry_of(network, 5)
    logits, values = network.apply(variables, carry, features, starts)
    assert logits.shape == (STEPS, BATCH, 6) and values.shape == (STEPS, BATCH)
    projected = network.apply(variables, features[..., :9], method="project")
    for step in range(STEPS):
        carry, quick = (
            jax.tree.map(lambda leaf, now=starts[step]: jnp.where(now[:, None, None], 0.0, leaf), state)
            for state in (carry, quick)
        )
        carry, plain = network.apply(variables, carry, features[step], starts[step], method="act")
        rest = features[step, :, 9:]
        quick, same = network.apply(variables, quick, projected[step], rest, starts[step], method="act_projected")
        np.testing.assert_allclose(plain, logits[step], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(same, logits[step], rtol=1e-5, atol=1e-6)
    biased = network.bias_logits(params, jnp.arange(6.0))
    moved, unmoved = network.apply({"params": biased}, carry_of(network, 5), features, starts)
    np.testing.assert_allclose(moved - logits, np.broadcast_to(np.arange(6.0), moved.shape), atol=1e-5)
    np.testing.assert_array_equal(unmoved, values)


def test_stored_arrays_have_the_documented_names_and_come_back(network, params):
    arrays = network.to_arrays(params)
    assert arrays[f"policy/{network.memory_name}/input_kernel"].shape == (INPUTS, network.cell.num_gates * UNITS)
    assert arrays["value/dense_2/kernel"].shape == (4, 1)
    assert sum(array.size for array in arrays.values()) == sum(leaf.size for leaf in jax.tree.leaves(params))
    jax.tree.map(np.testing.assert_array_equal, network.from_arrays(arrays), params)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    ("restarting", "choices"),
    # Three steps a turn leave one of seven over.
    [(False, backend.CPU), (True, backend.CPU), (True, backend.ACCELERATOR._replace(memory_unroll=3))],
    ids=["False", "True", "turns"],
)
def test_gradients_outside_the_loop_are_those_of_a_plain_loop(name, restarting, choices):
    """Through starts and restarts; JAX differentiates the plain one by itself."""
    cell = CELLS[name]
    gates = cell.num_gates * UNITS
    weights = RecurrentWeights(draw(0, (2, UNITS, gates)), draw(1, (2, gates)))
    sums, wanted = draw(2, (STEPS, 2, BATCH, gates)), draw(3, (STEPS, 2, BATCH, UNITS))
    carry = jax.tree.map(lambda leaf: draw(4, leaf.shape), cell.zeros((2, BATCH, UNITS)))
    starts = jnp.zeros((STEPS, BATCH), bool).at[[2, 4], [0, 1]].set(True)
    stored = jax.tree.map(lambda leaf: draw(5, leaf.shape), cell.zeros((STEPS, 2, BATCH, UNITS)))
    # One begins where an episode starts: its state is zero all the same.
    here = jnp.zeros((STEPS, BATCH), bool).at[[3, 5, 4], [0, 2, 1]].set(True)
    restarts = Restarts(here, stored) if restarting else None

    def plain(weights, sums, carry):
        state, outputs = carry, []
        for step in range(STEPS):
            if restarting:
                put_in = jax.tree.map(lambda leaf, step=step: leaf[step], stored)
                state = jax.tree.map(
                    lambda new, old, step=step: jnp.where(here[step][:, None], new, old), put_in, state
                )
            state = jax.tree.map(lambda leaf, step=step: jnp.where(starts[step][:, None], 0.0, leaf), state)
            state, _ = cell.step(sums[step], weights.sums(state.hidden), state)
            outputs.append(state.hidden)
        return jnp.sum(jnp.stack(outputs) * wanted)

    def unrolled(weights, sums, carry):
        return jnp.sum(unroll(cell, weights, sums, carry, starts, restarts) * wanted)

    with backend.assumed(choices):
        loops = str(jax.make_jaxpr(jax.grad(unrolled))(weights, sums, carry))
        expected, found = (
            jax.jit(jax.value_and_grad(function, argnums=(0, 1, 2)))(weights, sums, carry)
            for function in (plain, unrolled)
        )
    assert loops.count(f"unroll={choices.memory_unroll}\n") == 2  # forward and back
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5), found, expected)
