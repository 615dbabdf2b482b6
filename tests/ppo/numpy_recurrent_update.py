"""One recurrent PPO update in NumPy: float64 throughout, gradients derived by hand, nothing taken from momentum_jax.

It made `tests/golden/recurrent_ppo_update_small.npz` and its masked twin, in the format of the reference recurrent
learner's records, from invented rollouts of two environments; `python -m tests.ppo.numpy_recurrent_update` writes them
again. A test holds this program against every record there is, so where the reference's own records lie it is checked
against PyTorch. Sequences are taken as the reference takes them, one list of steps each; momentum_jax does not.
Sources: as of `numpy_update`; Hochreiter & Schmidhuber 1997.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.ppo import numpy_update
from tests.ppo.numpy_update import Arrays, Weights, group, named

FOLDER = Path(__file__).parents[1] / "golden"
RECORDS = {masked: FOLDER / f"recurrent_{'masked_' if masked else ''}ppo_update_small.npz" for masked in (False, True)}
SIDES = {"policy": ("lstm_actor", "pi", "action_net"), "value": ("lstm_critic", "vf", "value_net")}


def layers_of(weights: Arrays, tower: str) -> list[str]:
    """Names of a tower's layers, from the memory to the head."""
    hidden = [f"mlp_extractor.{tower}_net.{number}" for number in range(0, 100, 2)]
    return [name for name in hidden if f"{name}.weight" in weights] + [SIDES[tower][2]]


def flat(array: np.ndarray) -> np.ndarray:
    """[T, M, ...] to [M·T, ...], environment by environment."""
    return array.swapaxes(0, 1).reshape(-1, *array.shape[2:])


def sigmoid(sums: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-sums))


class Memory:
    """An LSTM on one sequence, and the way back."""

    def __init__(self, weights: Weights, lstm: str):
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        self.names = [f"{lstm}.{name}" for name in names]
        self.by_inputs, self.by_hidden, *self.biases = (weights[name] for name in self.names)

    def forward(self, inputs: np.ndarray, hidden: np.ndarray, cell: np.ndarray, start: bool) -> np.ndarray:
        """What leaves it after each step of inputs [T, D]; the state is zero where the sequence starts an episode."""
        hidden, cell = hidden * (1 - start), cell * (1 - start)
        self.inputs, self.steps, left = inputs, [], []
        for entered in inputs:
            sums = self.by_inputs @ entered + self.by_hidden @ hidden + sum(self.biases)
            in_, forget, candidate, out = np.split(sums, 4)
            in_, forget, candidate, out = sigmoid(in_), sigmoid(forget), np.tanh(candidate), sigmoid(out)
            after = forget * cell + in_ * candidate
            self.steps.append((hidden, cell, in_, forget, candidate, out, after))
            hidden, cell = out * np.tanh(after), after
            left.append(hidden)
        self.state = hidden, cell
        return np.stack(left)

    def backward(self, gradient: np.ndarray) -> Weights:
        """Gradients of the weights from that of what left it, [T, H]."""
        by_sums = np.zeros((len(gradient), len(self.biases[0])))
        later_hidden, later_cell = np.zeros_like(gradient[0]), np.zeros_like(gradient[0])
        for step in reversed(range(len(gradient))):
            _, cell, in_, forget, candidate, out, after = self.steps[step]
            by_left = gradient[step] + later_hidden
            by_cell = later_cell + by_left * out * (1 - np.tanh(after) ** 2)
            by_gates = by_cell * candidate, by_cell * cell, by_cell * in_, by_left * np.tanh(after)
            slopes = in_ * (1 - in_), forget * (1 - forget), 1 - candidate**2, out * (1 - out)
            by_sums[step] = np.concatenate([by * slope for by, slope in zip(by_gates, slopes, strict=True)])
            later_hidden, later_cell = by_sums[step] @ self.by_hidden, by_cell * forget
        entered = np.stack([step[0] for step in self.steps])
        bias = by_sums.sum(axis=0)
        return dict(zip(self.names, (by_sums.T @ self.inputs, by_sums.T @ entered, bias, bias), strict=True))


def tower_forward(weights: Weights, tower: str, inputs: np.ndarray) -> list[np.ndarray]:
    """What enters each layer of a tower, and what leaves the last one."""
    passed, names = [inputs], layers_of(weights, tower)
    for layer in names:
        sums = passed[-1] @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        passed.append(sums if layer == names[-1] else np.tanh(sums))
    return passed


def tower_backward(
    weights: Weights, tower: str, passed: list[np.ndarray], gradient: np.ndarray
) -> tuple[Weights, np.ndarray]:
    """Gradients of a tower's weights and of what enters it."""
    gradients = {}
    for number, layer in reversed(list(enumerate(layers_of(weights, tower)))):
        gradients |= {f"{layer}.weight": gradient.T @ passed[number], f"{layer}.bias": gradient.sum(axis=0)}
        gradient = gradient @ weights[f"{layer}.weight"]
        gradient = gradient * (1 - passed[number] ** 2) if number else gradient
    return gradients, gradient


class Side:
    """Policy or value on some rows of the batch, sequence by sequence."""

    def __init__(self, weights: Weights, tower: str, batch: Arrays, begins: np.ndarray):
        lstm, short, _ = SIDES[tower]
        self.weights, self.tower, self.memories, left = weights, tower, [], []
        self.pieces = np.split(np.arange(len(begins)), np.flatnonzero(begins)[1:])
        for piece in self.pieces:
            states = (batch[f"{kind}_states_{short}"][piece[0]] for kind in ("hidden", "cell"))
            self.memories.append(Memory(weights, lstm))
            left.append(self.memories[-1].forward(batch["observation"][piece], *states, batch["start"][piece[0]]))
        self.passed = tower_forward(weights, tower, np.concatenate(left))

    def gradients(self, by_outputs: np.ndarray) -> Weights:
        gradients, by_left = tower_backward(self.weights, self.tower, self.passed, by_outputs)
        for memory, piece in zip(self.memories, self.pieces, strict=True):
            for name, gradient in memory.backward(by_left[piece]).items():
                gradients[name] = gradients.get(name, 0.0) + gradient
        return gradients


def outputs_of(record: Arrays) -> dict[str, np.ndarray]:
    """All that follows from a record's rollout, weights, rotations and hyper-parameters, by the record's names."""
    hyper, weights = numpy_update.hyper_parameters(record), numpy_update.initial_weights(record)
    steps = len(record["rollout/rewards"])
    results = _rollout(record, weights)
    batch = _batch(record, results, hyper)
    results |= {f"rollout/{name}": _by_step(batch[name], steps) for name in ("advantage", "log_prob", "returns")}
    results["rollout/log_probs"] = results.pop("rollout/log_prob")
    results["rollout/advantages"] = results.pop("rollout/advantage")
    size = len(batch["action"])
    rows = (record["rotations"][:, None] + np.arange(size)) % size

    def gradients(weights: Weights, rows: np.ndarray) -> tuple[Weights, dict[str, float]]:
        minibatch = {name: array[rows] for name, array in batch.items()}
        begins = minibatch["start"] | (rows % steps == 0)
        begins[0] = True
        policy, value = (Side(weights, tower, minibatch, begins) for tower in SIDES)
        by_logits, by_value, logged = numpy_update.loss(policy.passed[-1], value.passed[-1][:, 0], minibatch, hyper)
        return policy.gradients(by_logits) | value.gradients(by_value), logged

    return results | numpy_update.learned(weights, hyper, rows, gradients, results)


def _by_step(array: np.ndarray, steps: int) -> np.ndarray:
    """`flat` undone."""
    return array.reshape(-1, steps).T


def _rollout(record: Arrays, weights: Weights) -> dict[str, np.ndarray]:
    """States before each step [T, 1, M, H], logits and values, as the acting networks went through a rollout."""
    rollout = group(record, "rollout")
    starts = rollout["episode_starts"] > 0
    steps, envs = starts.shape
    observations = rollout["observations"].reshape(steps, envs, -1).astype(np.float64)
    results, outputs = {}, {}
    for tower, (lstm, short, _) in SIDES.items():
        names = [f"{kind}_states_{short}" for kind in ("hidden", "cell")]
        acted = []
        for env in range(envs):
            first = tuple(rollout[name][0, 0, env].astype(np.float64) for name in names)
            acted.append(_acted(Memory(weights, lstm), observations[:, env], starts[:, env], first))
        *stored, left = (np.stack(parts, axis=1) for parts in zip(*acted, strict=True))
        results |= {f"rollout/{name}": states[:, None] for name, states in zip(names, stored, strict=True)}
        outputs[tower] = tower_forward(weights, tower, flat(left))[-1]
    return results | {"rollout/values": _by_step(outputs["value"][:, 0], steps), "logits": outputs["policy"]}


def _acted(
    memory: Memory, observations: np.ndarray, starts: np.ndarray, state: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, ...]:
    """Of one environment: hidden and cell states before each step, and what left the memory, [T, H] each."""
    rows = []
    for observed, start in zip(observations, starts, strict=True):
        left = memory.forward(observed[None], *state, start)[0]
        rows.append((*state, left))
        state = memory.state
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def _batch(record: Arrays, results: dict[str, np.ndarray], hyper: Mapping[str, float]) -> Arrays:
    """The transitions [M·T, ...] to learn from; takes the logits out of the results."""
    rollout = {name: flat(array) for name, array in group(record, "rollout").items() if np.ndim(array) > 1}
    size, logits = len(rollout["rewards"]), results.pop("logits")
    legal = rollout["action_masks"] > 0 if "action_masks" in rollout else np.ones(logits.shape, bool)
    action = rollout["actions"].reshape(size)
    log_prob = numpy_update.log_softmax(logits, legal)[np.arange(size), action]
    advantages = _advantages(record, results["rollout/values"], hyper)
    states = {
        f"{kind}_states_{short}": flat(results[f"rollout/{kind}_states_{short}"][:, 0])
        for kind in ("hidden", "cell")
        for _, short, _ in SIDES.values()
    }
    return states | {
        "observation": rollout["observations"].reshape(size, -1).astype(np.float64),
        "start": rollout["episode_starts"] > 0,
        "legal": legal,
        "action": action,
        "log_prob": log_prob,
        "advantage": advantages,
        "returns": advantages + flat(results["rollout/values"]),
    }


def _advantages(record: Arrays, values: np.ndarray, hyper: Mapping[str, float]) -> np.ndarray:
    """[M·T], environment by environment."""
    rewards, starts = record["rollout/rewards"].astype(np.float64), record["rollout/episode_starts"]
    last_values, last_starts = record["rollout/last_value"].ravel(), record["rollout/last_episode_start"].ravel()
    return np.concatenate(
        [
            numpy_update.advantages_of(
                rewards[:, env],
                values[:, env],
                starts[:, env],
                last_values[env],
                last_starts[env],
                hyper["gamma"],
                hyper["gae_lambda"],
            )
            for env in range(rewards.shape[1])
        ]
    )


def invented_inputs(masked: bool, steps: int = 16, units: int = 3, hidden: tuple[int, ...] = (4, 2)) -> dict:
    """A rollout of two environments with ends inside, on windows [20, 23] of coarse numbers, and a small network.

    Slices of 8 of 32 transitions begin at odd places, so that some hold the end of one environment and the beginning
    of the other, and some the wrap.
    """
    rng, envs, epochs = np.random.default_rng(17 + masked), 2, 3
    bars = rng.integers(-8, 9, (envs, steps + 20, 23)) / 8
    windows = np.stack([bars[:, step : step + 20] for step in range(steps)])
    constant = [5, 6, 16, 19, 20, 21, 22]  # columns that have one value for the whole window
    windows[..., constant] = windows[:, :, :1, constant]
    flat_now = rng.random((steps, envs)) < 0.5
    legal = (
        np.where(flat_now[..., None], [1, 1, 1, 0, 0, 0], [1, 0, 0, 1, 1, 1]) if masked else np.ones((steps, envs, 6))
    )
    starts = np.zeros((steps, envs), bool)
    starts[[5, 11], [0, 1]] = True
    weights = {}
    for tower, (lstm, _, head) in SIDES.items():
        shapes = {"weight_ih_l0": (4 * units, 460), "weight_hh_l0": (4 * units, units)}
        shapes |= {"bias_ih_l0": (4 * units,), "bias_hh_l0": (4 * units,)}
        weights |= {f"{lstm}.{name}": _coarse(rng, shape, 0.2) for name, shape in shapes.items()}
        sizes = (units, *hidden, 6 if tower == "policy" else 1)
        names = [f"mlp_extractor.{tower}_net.{2 * number}" for number in range(len(hidden))] + [head]
        for layer, entering, leaving in zip(names, sizes[:-1], sizes[1:], strict=True):
            weights[f"{layer}.weight"] = _coarse(rng, (leaving, entering), entering**-0.5)
            weights[f"{layer}.bias"] = _coarse(rng, (leaving,), 0.2)
    hyper = {"learning_rate": 1e-3, "n_steps": steps, "batch_size": 8, "n_epochs": epochs, "gamma": 0.9}
    hyper |= {"gae_lambda": 0.8, "clip_range": 0.02, "ent_coef": 0.05, "vf_coef": 0.4, "max_grad_norm": 0.3}
    hyper |= {"adam_eps": 1e-4, "lstm_hidden_size": units, "hidden_sizes": hidden, "masked": masked}
    rollout = {
        "observations": windows,
        "actions": np.array([[rng.choice(np.flatnonzero(row)) for row in step] for step in legal])[..., None],
        "rewards": rng.integers(-8, 9, (steps, envs)) / 8,
        "episode_starts": starts,
        "last_episode_start": np.array([False, True]),
        "last_value": np.array([[0.25], [-0.5]]),
    }
    rollout |= {"action_masks": legal} if masked else {}
    rollout |= {
        f"{kind}_states_{short}": _coarse(rng, (steps, 1, envs, units), 0.3)
        for kind in ("hidden", "cell")
        for short in ("pi", "vf")
    }
    record = named("rollout", rollout) | named("params_before", weights)
    record["rotations"] = np.array([3, 21, 14])
    return record | {f"hyperparameters/{name}": np.asarray(value) for name, value in hyper.items()}


def _coarse(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    return np.round(64 * rng.normal(0, scale, shape)) / 64


if __name__ == "__main__":
    for masked, path in RECORDS.items():
        inputs = invented_inputs(masked)
        numpy_update.write(path, inputs, outputs_of(inputs))
