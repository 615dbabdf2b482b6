"""One update of the reference recurrent learner (PyTorch) and two made in NumPy, replayed from their records."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.networks import lstm
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches, distributions, learning, losses, optimizers, records
from momentum_jax.ppo.hyper_parameters import PPOConfig
from tests.ppo import numpy_recurrent_update
from tests.ppo.numpy_recurrent_update import SIDES, flat
from tests.ppo.recorded_tasks import TASKS, compact

pytestmark = pytest.mark.golden

# In units of 1, or of what is larger. The reference itself is up to 1.1e-6 away from float64; products of features that
# stand for several inputs are summed in another order.
STATE_BARS = {"flat": 1e-6, "shared": 2e-6}
MEMORY = {
    "input_kernel": "weight_ih_l0",
    "input_bias": "bias_ih_l0",
    "recurrent_kernel": "weight_hh_l0",
    "recurrent_bias": "bias_hh_l0",
}


def config_of(record: Any) -> PPOConfig:
    names = {"num_steps": "n_steps", "minibatch_size": "batch_size", "num_epochs": "n_epochs"}
    names |= {"lstm_size": "lstm_hidden_size"}
    same = ("learning_rate", "gamma", "gae_lambda", "clip_range", "ent_coef", "vf_coef", "max_grad_norm", "adam_eps")
    values = {name: float(record[f"hyperparameters/{name}"]) for name in same}
    sizes = {ours: int(record[f"hyperparameters/{theirs}"]) for ours, theirs in names.items()}
    hidden = tuple(int(width) for width in record["hyperparameters/hidden_sizes"])
    envs = record["rollout/rewards"].shape[1]
    return PPOConfig(network="lstm", minibatching="rotation", num_envs=envs, hidden_sizes=hidden, **values, **sizes)


def arrays_of(record: Any, prefix: str) -> dict[str, np.ndarray]:
    """Parameters as a policy is stored."""
    weights = {name.removeprefix(f"{prefix}/"): record[name] for name in record.files if name.startswith(f"{prefix}/")}
    arrays = {}
    for tower, (memory, *_) in SIDES.items():
        arrays |= {f"{tower}/lstm/{ours}": weights[f"{memory}.{theirs}"].T for ours, theirs in MEMORY.items()}
        for number, layer in enumerate(numpy_recurrent_update.layers_of(weights, tower)):
            arrays[f"{tower}/dense_{number}/kernel"] = weights[f"{layer}.weight"].T
            arrays[f"{tower}/dense_{number}/bias"] = weights[f"{layer}.bias"]
    return arrays


def begun(record: Any, task_name: str) -> tuple[agents.Agent, Any, Any]:
    """An agent, the record's parameters before the update as they act on its task's features, and deviations."""
    agent = agents.make(TASKS[task_name], config_of(record))
    params = agent.network.from_arrays(arrays_of(record, "params_before"))
    kernel, deviations = agent.task.reduce_kernel(params["first"]["feature_kernel"])
    params["first"]["feature_kernel"] = kernel
    return agent, params, {"first.feature_kernel": deviations}


def stored_memory(record: Any) -> agents.Memory:
    """Before each step, leaves [T, M, ...]."""

    def sides(kind: str) -> jax.Array:
        return jnp.stack([record[f"rollout/{kind}_states_{short}"][:, 0] for _, short, _ in SIDES.values()], axis=2)

    return agents.Memory(lstm.State(sides("hidden"), sides("cell")), jnp.asarray(record["rollout/episode_starts"] > 0))


def masks_of(record: Any) -> np.ndarray:
    shape = (*record["rollout/rewards"].shape, 6)
    return record["rollout/action_masks"] > 0 if "rollout/action_masks" in record.files else np.ones(shape, bool)


def batch_of(record: Any, task_name: str) -> batches.Batch:
    config = config_of(record)
    rollout = {name.removeprefix("rollout/"): record[name] for name in record.files if name.startswith("rollout/")}
    starts = np.concatenate([rollout["episode_starts"][1:], rollout["last_episode_start"].reshape(1, -1)])
    advantages = losses.generalized_advantages(
        jnp.asarray(rollout["rewards"]),
        jnp.asarray(rollout["values"]),
        jnp.asarray(starts),
        jnp.asarray(rollout["last_value"].ravel()),
        config.gamma,
        config.gae_lambda,
    )
    return batches.Batch(
        compact=compact(task_name, flat(rollout["observations"])),
        action_mask=jnp.asarray(flat(masks_of(record))),
        action=jnp.asarray(flat(rollout["actions"]).ravel(), jnp.int32),
        log_prob=jnp.asarray(flat(rollout["log_probs"])),
        advantage=flat(advantages),
        returns=flat(advantages + rollout["values"]),
        memory=jax.tree.map(flat, stored_memory(record)),
    )


def learn(record: Any, task_name: str, ordered: jax.Array) -> tuple[dict[str, np.ndarray], Any]:
    """Parameters after gradient steps on an order of transitions, as a policy is stored, and the steps' metrics."""
    config = config_of(record)
    agent, params, deviations = begun(record, task_name)
    opt_state = optimizers.make(config, config.learning_rate, jnp.asarray(agent.input_counts)).init(params)
    step = jax.jit(learning.learn, static_argnums=0)
    params, _, metrics = step(
        agent, config, (), config.learning_rate, params, opt_state, batch_of(record, task_name), ordered
    )
    return agent.network.to_arrays(agent.whole_params(params, deviations)), metrics


def assert_parameters(record: Any, prefix: str, actual: dict[str, np.ndarray], tolerance: float) -> None:
    expected = arrays_of(record, prefix)
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=0, atol=tolerance, err_msg=name)


def test_advantages_and_returns(recurrent_record):
    batch = batch_of(recurrent_record, "flat")
    np.testing.assert_allclose(batch.advantage, flat(recurrent_record["rollout/advantages"]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(batch.returns, flat(recurrent_record["rollout/returns"]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("task_name", TASKS)
def test_states_as_the_policy_acts(recurrent_record, task_name):
    """One step after the other from the states before the first, through ends of episodes."""
    agent, params, _ = begun(recurrent_record, task_name)
    stored = stored_memory(recurrent_record)
    observations = recurrent_record["rollout/observations"]
    seen = compact(task_name, observations.reshape(-1, 20, 23)).reshape(*observations.shape[:2], -1)

    def act(carry, start, observed):
        return agent.act(params, agents.Memory(carry, start), observed, (), ())[0]

    def before(carry, now):
        return jax.vmap(act)(carry, *now), carry

    first = jax.tree.map(lambda leaf: leaf[0], stored.carry)
    _, found = jax.jit(lambda: jax.lax.scan(before, first, (stored.start, seen)))()
    for state, expected in zip(found, stored.carry, strict=True):
        assert np.max(np.abs(state - expected) / np.maximum(1.0, np.abs(expected))) <= STATE_BARS[task_name]


@pytest.mark.parametrize("task_name", TASKS)
@pytest.mark.parametrize("in_a_row", [False, True])
def test_values_and_log_probs_of_the_acting_policy(recurrent_record, task_name, in_a_row):
    """From the stored state of each transition, and from that of each environment's first."""
    agent, params, _ = begun(recurrent_record, task_name)
    batch = batch_of(recurrent_record, task_name)
    length = config_of(recurrent_record).num_steps if in_a_row else 1
    logits, values = agent.evaluate(params, batch.compact, batch.memory, length)
    log_probs = distributions.masked_log_probs(logits, batch.action_mask)
    bar = STATE_BARS[task_name]
    np.testing.assert_allclose(values, flat(recurrent_record["rollout/values"]), rtol=0, atol=bar)
    np.testing.assert_allclose(distributions.log_prob(log_probs, batch.action), batch.log_prob, rtol=0, atol=2e-6)


@pytest.mark.parametrize("task_name", TASKS)
def test_first_minibatch(recurrent_record, task_name):
    config = config_of(recurrent_record)
    first = batches.rotated(jnp.asarray(recurrent_record["rotations"]), config)[:1, : config.minibatch_size]
    found, (_, grad_norms) = learn(recurrent_record, task_name, first)
    assert_parameters(recurrent_record, "params_after_1_minibatch", found, 1e-7)
    clipped = arrays_of(recurrent_record, "clipped_grad_minibatch_0").values()
    clipped_norm = np.sqrt(sum(np.sum(np.square(array)) for array in clipped))
    np.testing.assert_allclose(min(float(grad_norms[0]), config.max_grad_norm), clipped_norm, rtol=1e-5)


@pytest.mark.parametrize("task_name", TASKS)
def test_whole_update_and_logs(recurrent_record, task_name):
    config, batch = config_of(recurrent_record), batch_of(recurrent_record, task_name)
    ordered = batches.rotated(jnp.asarray(recurrent_record["rotations"]), config)
    found, metrics = learn(recurrent_record, task_name, ordered)
    assert_parameters(recurrent_record, "params_after_update", found, 2e-6)
    values = flat(jnp.asarray(recurrent_record["rollout/values"]))
    logged = records.summarize(config, *metrics, batch.advantage, batch.returns, values)
    for name in ("loss", "value_loss", "approx_kl", "clip_fraction", "explained_variance"):
        assert float(getattr(logged, name)) == pytest.approx(float(recurrent_record[f"log/{name}"]), abs=1e-5), name
    assert float(-logged.entropy) == pytest.approx(float(recurrent_record["log/entropy_loss"]), abs=1e-5)
    assert float(logged.policy_loss) == pytest.approx(float(recurrent_record["log/policy_gradient_loss"]), abs=1e-5)


def test_the_program_that_made_the_small_records_makes_every_record(recurrent_record):
    for name, made in numpy_recurrent_update.outputs_of(dict(recurrent_record)).items():
        np.testing.assert_allclose(
            made.reshape(recurrent_record[name].shape), recurrent_record[name], rtol=0, atol=2e-6, err_msg=name
        )
