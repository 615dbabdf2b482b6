"""One update of the reference learner (PyTorch, masked PPO) and one made in NumPy, replayed from their records."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.networks import towers as networks
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import batches, distributions, learning, losses, optimizers, records
from momentum_jax.ppo.hyper_parameters import PPOConfig
from tests.ppo import numpy_update
from tests.ppo.recorded_tasks import TASKS, compact

pytestmark = pytest.mark.golden


def towers_of(record: Any, prefix: str) -> dict[str, list[dict[str, jax.Array]]]:
    def dense(name: str) -> dict[str, jax.Array]:
        kernel, bias = record[f"{prefix}/{name}.weight"].T, record[f"{prefix}/{name}.bias"]
        return {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}

    return {tower: list(map(dense, names)) for tower, names in numpy_update.LAYERS.items()}


def reduced(agent: agents.Agent, record: Any) -> tuple[Any, Any]:
    """The record's parameters before the update, as they act on the task's features, and their deviations."""
    params = networks.join_towers(towers_of(record, "params_before"))
    kernel, deviations = agent.task.reduce_kernel(params["first"]["feature_kernel"])
    params["first"]["feature_kernel"] = kernel
    return params, {"first.feature_kernel": deviations}


def config_of(record: Any) -> PPOConfig:
    names = {"num_steps": "n_steps", "minibatch_size": "batch_size", "num_epochs": "n_epochs"}
    same = ("learning_rate", "gamma", "gae_lambda", "clip_range", "ent_coef", "vf_coef", "max_grad_norm", "adam_eps")
    values = {name: float(record[f"hyperparameters/{name}"]) for name in same}
    sizes = {ours: int(record[f"hyperparameters/{theirs}"]) for ours, theirs in names.items()}
    layers = numpy_update.LAYERS["policy"][:-1]
    hidden = tuple(len(record[f"params_before/{layer}.bias"]) for layer in layers)
    return PPOConfig(**values, **sizes, hidden_sizes=hidden)


def batch_of(record: Any, task_name: str, config: PPOConfig) -> batches.Batch:
    rollout = {name.removeprefix("rollout/"): record[name] for name in record.files if name.startswith("rollout/")}
    starts = np.concatenate([rollout["episode_starts"][1:], rollout["last_episode_start"][None]])
    advantages = losses.generalized_advantages(
        jnp.asarray(rollout["rewards"]),
        jnp.asarray(rollout["values"]),
        jnp.asarray(starts),
        jnp.asarray(rollout["last_value"][0]),
        config.gamma,
        config.gae_lambda,
    )
    return batches.Batch(
        compact=compact(task_name, rollout["observations"][:, 0]),
        action_mask=jnp.asarray(rollout["action_masks"][:, 0] > 0),
        action=jnp.asarray(rollout["actions"][:, 0, 0], jnp.int32),
        log_prob=jnp.asarray(rollout["log_probs"][:, 0]),
        advantage=advantages[:, 0],
        returns=(advantages + rollout["values"])[:, 0],
    )


def learn(record: Any, task_name: str, batch: batches.Batch, permutations: np.ndarray) -> Any:
    """Towers after the given minibatches, and their metrics."""
    config = config_of(record)
    agent = agents.make(TASKS[task_name], config)
    params, deviations = reduced(agent, record)
    opt_state = optimizers.make(config, config.learning_rate, jnp.asarray(agent.input_counts)).init(params)
    step = jax.jit(learning.learn, static_argnums=0)
    params, _, metrics = step(
        agent, config, (), config.learning_rate, params, opt_state, batch, jnp.asarray(permutations)
    )
    return networks.split_towers(agent.whole_params(params, deviations)), metrics


def assert_towers(actual: Any, expected: Any, tolerance: float) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=tolerance), actual, expected)


def test_advantages_and_returns(update_record):
    batch = batch_of(update_record, "flat", config_of(update_record))
    np.testing.assert_allclose(batch.advantage, update_record["rollout/advantages"][:, 0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(batch.returns, update_record["rollout/returns"][:, 0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("task_name", TASKS)
def test_values_and_log_probs_of_the_acting_policy(update_record, task_name):
    config = config_of(update_record)
    batch, agent = batch_of(update_record, task_name, config), agents.make(TASKS[task_name], config)
    params, _ = reduced(agent, update_record)
    logits, values = agent.evaluate(params, batch.compact, (), 1)
    log_probs = distributions.masked_log_probs(logits, batch.action_mask)
    np.testing.assert_allclose(values, update_record["rollout/values"][:, 0], rtol=0, atol=2e-6)
    np.testing.assert_allclose(distributions.log_prob(log_probs, batch.action), batch.log_prob, rtol=0, atol=2e-6)


@pytest.mark.parametrize("task_name", TASKS)
def test_first_minibatch(update_record, task_name):
    config = config_of(update_record)
    batch = batch_of(update_record, task_name, config)
    first = update_record["permutations"][:1, : config.minibatch_size]
    towers, (_, grad_norms) = learn(update_record, task_name, batch, first)
    assert_towers(towers, towers_of(update_record, "params_after_1_minibatch"), 1e-7)
    clipped = towers_of(update_record, "clipped_grad_minibatch_0")
    clipped_norm = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(clipped)))
    np.testing.assert_allclose(min(float(grad_norms[0]), config.max_grad_norm), clipped_norm, rtol=1e-5)


@pytest.mark.parametrize("task_name", TASKS)
def test_whole_update_and_logs(update_record, task_name):
    batch = batch_of(update_record, task_name, config_of(update_record))
    towers, metrics = learn(update_record, task_name, batch, update_record["permutations"])
    assert_towers(towers, towers_of(update_record, "params_after_update"), 2e-6)
    values = jnp.asarray(update_record["rollout/values"][:, 0])
    logged = records.summarize(config_of(update_record), *metrics, batch.advantage, batch.returns, values)
    for name in ("loss", "value_loss", "approx_kl", "clip_fraction", "explained_variance"):
        assert float(getattr(logged, name)) == pytest.approx(float(update_record[f"log/{name}"]), abs=1e-5), name
    assert float(-logged.entropy) == pytest.approx(float(update_record["log/entropy_loss"]), abs=1e-5)
    assert float(logged.policy_loss) == pytest.approx(float(update_record["log/policy_gradient_loss"]), abs=1e-5)


def test_the_program_that_made_the_small_record_makes_every_record(update_record):
    for name, made in numpy_update.outputs_of(dict(update_record)).items():
        np.testing.assert_allclose(made.reshape(update_record[name].shape), update_record[name], rtol=0, atol=2e-6)
