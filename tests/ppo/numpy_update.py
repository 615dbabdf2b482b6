"""One PPO update in NumPy: float64 throughout, gradients derived by hand, nothing taken from momentum_jax.

It made `tests/golden/ppo_update_small.npz`, in the format of the reference learner's records, from the invented
rollout of `invented_inputs`; `python -m tests.ppo.numpy_update` writes it again. A test holds this program against
every record there is, so where the reference's own records lie it is checked against PyTorch.
Sources: Schulman et al. 2017 (arXiv:1707.06347) and 2016 (arXiv:1506.02438); Kingma & Ba 2015 (arXiv:1412.6980).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RECORD = Path(__file__).parents[1] / "golden" / "ppo_update_small.npz"
# Layers by tower, from the observation to the head, under the names of the reference's records.
LAYERS = {
    "policy": ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net"),
    "value": ("mlp_extractor.value_net.0", "mlp_extractor.value_net.2", "value_net"),
}

Arrays = Mapping[str, np.ndarray]
Weights = dict[str, np.ndarray]  # "<layer>.weight" [out, in] and "<layer>.bias" [out]


def forward(weights: Weights, tower: str, inputs: np.ndarray) -> list[np.ndarray]:
    """What enters each layer of a tower, and what leaves the last one."""
    passed = [inputs]
    for number, layer in enumerate(LAYERS[tower]):
        outputs = passed[-1] @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        passed.append(outputs if number == 2 else np.tanh(outputs))
    return passed


def backward(weights: Weights, tower: str, passed: list[np.ndarray], gradient: np.ndarray) -> Weights:
    """Gradients of a tower's weights from that of its outputs, [B, out]."""
    gradients = {}
    for number in (2, 1, 0):
        layer, entered = LAYERS[tower][number], passed[number]
        gradients[f"{layer}.weight"] = gradient.T @ entered
        gradients[f"{layer}.bias"] = gradient.sum(axis=0)
        gradient = (gradient @ weights[f"{layer}.weight"]) * (1 - entered**2)
    return gradients


def log_softmax(logits: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Log-probabilities over the legal actions; -inf elsewhere."""
    masked = np.where(legal, logits, -np.inf)
    shifted = masked - masked.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def advantages_of(rewards, values, starts, last_value, last_start, gamma, decay) -> np.ndarray:
    """Generalised advantages [T]; `starts` marks the steps at which an episode begins."""
    advantages, later = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        final = t == len(rewards) - 1
        goes_on = 1.0 - (last_start if final else starts[t + 1])
        next_value = last_value if final else values[t + 1]
        later = rewards[t] + gamma * next_value * goes_on - values[t] + gamma * decay * goes_on * later
        advantages[t] = later
    return advantages


def minibatch(weights: Weights, batch: Arrays, hyper: Mapping[str, float]) -> tuple[Weights, dict[str, float]]:
    """Gradients of the loss of one minibatch, and what is logged of it."""
    policy = forward(weights, "policy", batch["observation"])
    value = forward(weights, "value", batch["observation"])
    by_logits, by_value, logged = loss(policy[-1], value[-1][:, 0], batch, hyper)
    return backward(weights, "policy", policy, by_logits) | backward(weights, "value", value, by_value), logged


def loss(
    logits: np.ndarray, values: np.ndarray, batch: Arrays, hyper: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """The loss's gradients by logits [B, A] and by values [B, 1], and what is logged of it."""
    size = len(batch["action"])
    chosen = np.arange(size), batch["action"]
    advantages = batch["advantage"] - batch["advantage"].mean()
    # Sample standard deviation, as torch.Tensor.std computes it.
    advantages = advantages / (np.sqrt((advantages**2).sum() / (size - 1)) + 1e-8)

    log_probs = log_softmax(logits, batch["legal"])
    probs = np.exp(log_probs)
    finite = np.where(batch["legal"], log_probs, 0.0)
    entropy = -(probs * finite).sum(axis=1)
    log_ratio = log_probs[chosen] - batch["log_prob"]
    ratio = np.exp(log_ratio)
    clipped = np.clip(ratio, 1 - hyper["clip_range"], 1 + hyper["clip_range"])
    binds = advantages * clipped < advantages * ratio
    by_log_prob = np.where(binds, 0.0, -advantages * ratio) / size
    one_hot = np.zeros_like(probs)
    one_hot[chosen] = 1.0
    by_logits = by_log_prob[:, None] * (one_hot - probs)
    by_logits += hyper["ent_coef"] / size * probs * (finite + entropy[:, None])

    errors = values - batch["returns"]
    by_value = hyper["vf_coef"] * 2 * errors[:, None] / size

    policy_loss = -np.minimum(advantages * ratio, advantages * clipped).mean()
    logged = {
        "policy_gradient_loss": policy_loss,
        "value_loss": (errors**2).mean(),
        "entropy_loss": -entropy.mean(),
        "approx_kl": ((ratio - 1) - log_ratio).mean(),
        "clip_fraction": (np.abs(ratio - 1) > hyper["clip_range"]).mean(),
    }
    logged["loss"] = policy_loss + hyper["ent_coef"] * logged["entropy_loss"] + hyper["vf_coef"] * logged["value_loss"]
    return by_logits, by_value, logged


class Adam:
    """Adam with the bias corrections written out."""

    def __init__(self, weights: Weights, learning_rate: float, eps: float):
        self.rate, self.eps, self.steps = learning_rate, eps, 0
        self.mean, self.square = ({name: np.zeros_like(array) for name, array in weights.items()} for _ in range(2))

    def step(self, weights: Weights, gradients: Weights) -> Weights:
        self.steps += 1
        moved = {}
        for name, gradient in gradients.items():
            self.mean[name] = 0.9 * self.mean[name] + 0.1 * gradient
            self.square[name] = 0.999 * self.square[name] + 0.001 * gradient**2
            mean = self.mean[name] / (1 - 0.9**self.steps)
            square = self.square[name] / (1 - 0.999**self.steps)
            moved[name] = weights[name] - self.rate * mean / (np.sqrt(square) + self.eps)
        return moved


def clipped_by_norm(gradients: Weights, largest: float) -> Weights:
    """Scaled down to a global norm of at most `largest`, with the reference's 1e-6 in the denominator."""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients.values()))
    return {name: gradient * min(1.0, largest / (norm + 1e-6)) for name, gradient in gradients.items()}


def outputs_of(record: Arrays) -> dict[str, np.ndarray]:
    """All that follows from a record's rollout, weights, permutations and hyper-parameters, by the record's names."""
    hyper, weights = hyper_parameters(record), initial_weights(record)
    batch, results = _batch(record, weights, hyper)

    def gradients(weights: Weights, rows: np.ndarray) -> tuple[Weights, dict[str, float]]:
        return minibatch(weights, {name: array[rows] for name, array in batch.items()}, hyper)

    return results | learned(weights, hyper, record["permutations"], gradients, results)


def learned(
    weights: Weights,
    hyper: Mapping[str, float],
    rows: np.ndarray,
    gradients_of: Callable[[Weights, np.ndarray], tuple[Weights, dict[str, float]]],
    rollout: Arrays,
) -> dict[str, np.ndarray]:
    """Weights and logs after gradient steps on slices of each epoch's rows [epochs, B], by the record's names."""
    adam, logs, results = Adam(weights, hyper["learning_rate"], hyper["adam_eps"]), [], {}
    for indices in rows.reshape(-1, int(hyper["batch_size"])):
        gradients, logged = gradients_of(weights, indices)
        clipped = clipped_by_norm(gradients, hyper["max_grad_norm"])
        weights = adam.step(weights, clipped)
        if not logs:
            results |= named("clipped_grad_minibatch_0", clipped) | named("params_after_1_minibatch", weights)
        logs.append(logged)
    results |= named("params_after_update", weights)
    means = {name: np.mean([logged[name] for logged in logs]) for name in logs[0]}
    an_epoch = len(logs) // len(rows)
    means |= {"loss": logs[-1]["loss"], "approx_kl": np.mean([one["approx_kl"] for one in logs[-an_epoch:]])}
    values, returns = rollout["rollout/values"], rollout["rollout/returns"]
    means["explained_variance"] = 1 - np.var(returns - values) / np.var(returns)
    return results | {f"log/{name}": np.asarray(mean) for name, mean in means.items()}


def hyper_parameters(record: Arrays) -> dict[str, float]:
    """Those that are one number."""
    return {name: float(array) for name, array in group(record, "hyperparameters").items() if np.ndim(array) == 0}


def initial_weights(record: Arrays) -> Weights:
    return {name: array.astype(np.float64) for name, array in group(record, "params_before").items()}


def _batch(record: Arrays, weights: Weights, hyper: Mapping[str, float]) -> tuple[Arrays, dict[str, np.ndarray]]:
    """The transitions [T, ...] to learn from, and those of them that a record holds, [T, 1]."""
    rollout = group(record, "rollout")
    steps = len(rollout["rewards"])
    observation = rollout["observations"].reshape(steps, -1).astype(np.float64)
    legal, action = rollout["action_masks"][:, 0] > 0, rollout["actions"].reshape(steps)
    log_probs = log_softmax(forward(weights, "policy", observation)[-1], legal)
    values = forward(weights, "value", observation)[-1][:, 0]
    starts, last = rollout["episode_starts"][:, 0], (rollout["last_value"].item(), rollout["last_episode_start"].item())
    rewards = rollout["rewards"][:, 0].astype(np.float64)
    advantages = advantages_of(rewards, values, starts, *last, hyper["gamma"], hyper["gae_lambda"])
    log_prob, returns = log_probs[np.arange(steps), action], advantages + values
    named = {"log_probs": log_prob, "values": values, "advantages": advantages, "returns": returns}
    batch = {"observation": observation, "legal": legal, "action": action, "log_prob": log_prob}
    batch |= {"advantage": advantages, "returns": returns}
    return batch, {f"rollout/{name}": array[:, None] for name, array in named.items()}


def group(record: Arrays, prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{prefix}/"): record[name] for name in record if name.startswith(f"{prefix}/")}


def named(prefix: str, arrays: Arrays) -> dict[str, np.ndarray]:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def invented_inputs(steps: int = 32, hidden: tuple[int, int] = (2, 3), epochs: int = 3) -> dict[str, np.ndarray]:
    """A rollout with two ends inside, on windows [20, 23] of coarse numbers, and a small network."""
    rng = np.random.default_rng(11)
    bars = rng.integers(-8, 9, (steps + 20, 23)) / 8
    windows = np.stack([bars[step : step + 20] for step in range(steps)])
    constant = [5, 6, 16, 19, 20, 21, 22]  # columns that have one value for the whole window
    windows[:, :, constant] = windows[:, :1, constant]
    flat = rng.random(steps) < 0.5
    legal = np.where(flat[:, None], [1, 1, 1, 0, 0, 0], [1, 0, 0, 1, 1, 1])
    action = [rng.choice(np.flatnonzero(row)) for row in legal]
    starts = np.isin(np.arange(steps), (0, 11, 23))
    sizes = {"policy": (460, *hidden, 6), "value": (460, *hidden, 1)}
    weights = {}
    for tower, layers in LAYERS.items():
        for layer, entering, leaving in zip(layers, sizes[tower][:-1], sizes[tower][1:], strict=True):
            weights[f"{layer}.weight"] = np.round(64 * rng.normal(0, entering**-0.5, (leaving, entering))) / 64
            weights[f"{layer}.bias"] = np.round(64 * rng.normal(0, 0.2, leaving)) / 64
    hyper = {"learning_rate": 5e-4, "n_steps": steps, "batch_size": 8, "n_epochs": epochs, "gamma": 0.92}
    hyper |= {"gae_lambda": 0.95, "clip_range": 0.005, "ent_coef": 0.08, "vf_coef": 0.5, "max_grad_norm": 0.5}
    hyper["adam_eps"] = 1e-4
    rollout = {
        "observations": windows[:, None],
        "actions": np.reshape(action, (steps, 1, 1)),
        "rewards": rng.integers(-8, 9, (steps, 1)) / 8,
        "episode_starts": starts[:, None],
        "action_masks": legal[:, None],
        "last_episode_start": np.array([False]),
        "last_value": np.array([[0.25]]),
    }
    record = named("rollout", rollout) | named("params_before", weights)
    record["permutations"] = np.stack([rng.permutation(steps) for _ in range(epochs)])
    return record | {f"hyperparameters/{name}": np.asarray(value) for name, value in hyper.items()}


def write(path: Path, inputs: Arrays, outputs: Arrays) -> None:
    """A record, numbers of the rollout and of weights as float32 like the reference's."""
    record = {**inputs, **outputs}
    exact = ("hyperparameters/", "log/", "permutations", "rotations", "rollout/actions", "rollout/last_episode_start")
    arrays: dict[str, Any] = {
        name: array if name.startswith(exact) else array.astype(np.float32) for name, array in record.items()
    }
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    made_up = invented_inputs()
    write(RECORD, made_up, outputs_of(made_up))
