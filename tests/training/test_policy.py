"""Saved policies: what they say is what the learner's own network says, and NumPy alone can read them."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env import observation_layout
from momentum_jax.env.device_market import FIRST_BAR
from momentum_jax.env.gymnasium import MomentumGymEnv
from momentum_jax.env.momentum import Momentum, make_market, make_params
from momentum_jax.policy import Policy, load_policy
from momentum_jax.ppo import agent as agents
from momentum_jax.ppo import distributions, learner
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.run_directory import atomic_files
from momentum_jax.training.fleet import Fleet, program_layouts
from tests.conftest import ROOT
from tests.markets import make_segment
from tests.quick_programs import compiled_quickly

_PPO = {"num_steps": 64, "minibatch_size": 32, "num_epochs": 4, "hidden_sizes": (16, 8), "learning_rate": 1e-2}
ARMS = (
    Arm(name="tanh", ppo=PPOConfig(**_PPO)),
    Arm(name="relu", ppo=PPOConfig(**_PPO, activation="relu")),
    Arm(name="layer_norm", ppo=PPOConfig(**_PPO, network="layer_norm", optimizer="adamw")),
    Arm(name="normalized", ppo=PPOConfig(**_PPO, normalize_observations=True)),
    Arm(name="normalized_whole", ppo=PPOConfig(**_PPO, network="layer_norm", normalize_observations=True)),
    Arm(name="recurrent", ppo=PPOConfig(**_PPO, network=f"{ROOT / 'tests' / 'ppo' / 'recurrent.py'}:Recurrent")),
)
FLAT = np.array([True, True, True, False, False, False])
PARTS = ("kernel", "bias")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(fleet, run directory) after three updates of 2 arms × 2 seeds, numbered 5 and 6."""
    config = RunConfig(experiment="test", arms=ARMS, timesteps=192, num_seeds=2, first_seed=5)
    layouts = program_layouts(config, Momentum(), num_seeds=2)
    with compiled_quickly():
        fleet = Fleet(config, Momentum(), make_market([make_segment()]), layouts)
    for _ in range(3):
        fleet.fetch(fleet.update())
    run_dir = tmp_path_factory.mktemp("runs") / "run"
    run_directory.create_run(run_dir, config.to_json() | {"data": {}})
    for arm, layers in fleet.policies():
        run_directory.write_policy(run_dir, arm, layers)
    return fleet, run_dir


@pytest.fixture(scope="module")
def states():
    """What the learner stores of 16 flat states, leaves [16, ...], and the observations [16, 20, 23] of the same."""
    task, params = Momentum(), make_params(make_segment())
    compact = task.flat_observation(jnp.arange(FIRST_BAR, FIRST_BAR + 16))
    return compact, observation_layout.expand(task.expand(compact, params))


ASKED = [
    *[("tanh", 0), ("tanh", 1), ("relu", 0), ("relu", 1), ("layer_norm", 1), ("recurrent", 1)],
    *[("normalized", 0), ("normalized", 1), ("normalized_whole", 1)],
]


@pytest.mark.parametrize(("arm", "position"), ASKED)
def test_probabilities_and_values_are_the_learners_own(run, states, arm: str, position: int):
    fleet, run_dir = run
    compact, obs = states
    number = [one.name for one in ARMS].index(arm)
    state = jax.tree.map(lambda leaf: leaf[position], fleet._engines[number]._states[0])
    agent = learner.acting_agent(Momentum(), ARMS[number].ppo, state)
    seen = agent.features(compact, make_params(make_segment()))
    logits, values = agent.evaluate(state.params, seen, agent.initial_memory(16), 1)
    expected = jnp.exp(distributions.masked_log_probs(logits, FLAT))
    policy = load_policy(run_dir, arm, 5 + position)
    mask = np.broadcast_to(FLAT, (16, 6))
    np.testing.assert_allclose(policy.action_probabilities(obs, mask), expected, rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(policy.value(obs), values, rtol=2e-4, atol=1e-5)
    flat = np.asarray(obs).reshape(16, -1)
    np.testing.assert_array_equal(policy.action_probabilities(flat, mask), policy.action_probabilities(obs, mask))
    assert np.ptp(np.asarray(expected)[:, :3], axis=1).min() > 0.01  # trained: not the uniform policy of the start


def test_draws_follow_the_probabilities_and_the_mask(run, states):
    policy = load_policy(run[1], "tanh", 5)
    obs = jnp.broadcast_to(states[1][0], (20_000, 20, 23))
    mask = np.broadcast_to(np.array([False, True, False, True, True, False]), (20_000, 6))
    actions = np.asarray(policy.act(obs, mask, jax.random.key(0)))
    assert actions.dtype == np.int32 and set(actions) <= {1, 3, 4}
    shares = np.bincount(actions, minlength=6) / actions.size
    expected = np.asarray(policy.action_probabilities(obs[0], mask[0]))
    assert (expected[[0, 2, 5]] == 0).all()
    np.testing.assert_allclose(shares, expected, atol=4 * 0.5 / np.sqrt(actions.size))
    assert (actions == np.asarray(policy.act(obs, mask, jax.random.key(0)))).all()
    assert (np.asarray(policy.act(obs, mask)) == expected.argmax()).all()


def test_acting_works_inside_jit_and_vmap(run, states):
    policy = load_policy(run[1], "relu", 6)
    keys = jax.random.split(jax.random.key(1), 16)
    mask = jnp.broadcast_to(FLAT, (16, 6))
    together = jax.jit(jax.vmap(policy.act))(states[1], mask, keys)
    alone = [policy.act(obs, FLAT, key) for obs, key in zip(states[1], keys, strict=True)]
    np.testing.assert_array_equal(together, np.stack(alone))


def test_a_carry_goes_from_step_to_step(run, states):
    """Eight environments of two steps: the second as the learner evaluates it; without a carry each is a start."""
    policy, obs = load_policy(run[1], "recurrent", 5), np.asarray(states[1]).reshape(2, 4, 2, 20, 23)
    mask, carry = np.broadcast_to(FLAT, (4, 2, 6)), policy.init_carry(4, 2)
    first, after = policy.act(obs[0], mask, carry=carry)
    second, _ = policy.act(obs[1], mask, carry=after)
    rows, starts = obs.reshape(2, 8, 460), jnp.zeros((2, 8), bool).at[0].set(True)
    fresh = policy.network.init_carry(8)
    logits, _ = policy.network.apply({"params": policy.params}, fresh, jnp.asarray(rows), starts)
    expected = np.argmax(np.where(FLAT, logits, -np.inf), axis=-1).reshape(2, 4, 2)
    np.testing.assert_array_equal(np.stack([first, second]), expected)
    np.testing.assert_array_equal(first, policy.act(obs[0], mask))
    key = jax.random.key(0)
    drawn, _ = policy.act(obs[0], mask, key, carry=carry)
    np.testing.assert_array_equal(drawn, policy.act(obs[0], mask, key))
    with pytest.raises(
        ValueError, match=r"carry has leaves \[\(4, 2, 16\)\], expected \[\(8, 16\)\]: .* init_carry\(8,\)"
    ):
        policy.act(obs[0].reshape(8, 20, 23), mask.reshape(8, 6), carry=carry)
    plain = load_policy(run[1], "tanh", 5)
    action, nothing = plain.act(obs[0], mask, carry=plain.init_carry(4, 2))
    np.testing.assert_array_equal(action, plain.act(obs[0], mask))
    assert nothing == ()


def test_a_policy_is_an_argument_of_compiled_functions_and_seeds_stack(run, states):
    mask = jnp.broadcast_to(FLAT, (16, 6))
    seeds = [load_policy(run[1], "tanh", seed) for seed in (5, 6)]
    probabilities = jax.jit(lambda policy, obs: policy.action_probabilities(obs, mask))
    alone = [probabilities(policy, states[1]) for policy in seeds]
    assert probabilities._cache_size() == 1  # one program serves every seed
    np.testing.assert_allclose(alone[0], seeds[0].action_probabilities(states[1], mask), rtol=1e-6)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *seeds)
    together = jax.vmap(probabilities, in_axes=(0, None))(stacked, states[1])
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-5, atol=1e-7)
    assert not np.allclose(together[0], together[1])


def test_one_seed_is_read_without_the_others(run, tmp_path, monkeypatch):
    """No array is read whole; and a file that an older version compressed still opens."""
    _, run_dir = run
    expected = load_policy(run_dir, "relu", 6)
    path = atomic_files.policy_path(run_dir, "relu")
    read = []
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: read.append(1))
    jax.tree.map(np.testing.assert_array_equal, load_policy(run_dir, "relu", 6), expected)
    assert not read
    monkeypatch.undo()
    other = tmp_path / "run"
    run_directory.create_run(other, run_directory.read_config(run_dir))
    atomic_files.write_arrays(atomic_files.policy_path(other, "relu"), run_directory.load_policies(run_dir, "relu"))
    assert atomic_files.policy_path(other, "relu").read_bytes() != path.read_bytes()
    jax.tree.map(np.testing.assert_array_equal, load_policy(other, "relu", 6), expected)


def test_a_policy_file_that_is_cut_short_is_named(run, tmp_path):
    other = tmp_path / "run"
    run_directory.create_run(other, run_directory.read_config(run[1]))
    path = atomic_files.policy_path(other, "relu")
    path.parent.mkdir()
    path.write_bytes(atomic_files.policy_path(run[1], "relu").read_bytes()[:-200])
    with pytest.raises(run_directory.RunDirectoryError, match=r"final_relu\.npz: cut short or damaged"):
        load_policy(other, "relu", 6)


def test_a_policy_plays_the_gymnasium_environment(run):
    policy = load_policy(run[1], "tanh", 6)
    env = MomentumGymEnv(make_params(make_segment()))
    obs, info = env.reset(seed=3)
    for step in range(40):
        action = int(policy.act(obs, info["action_mask"], jax.random.key(step)))
        assert info["action_mask"][action]
        obs, _, _, _, info = env.step(action)


def test_exported_arrays_give_the_same_policy_with_numpy_alone(run, states, tmp_path, monkeypatch):
    """Runs the documentation's own example."""
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "policies.md").read_text(), re.DOTALL)
    (example,) = [text for text in examples if "np.load" in text]
    policy = load_policy(run[1], "tanh", 5)
    monkeypatch.chdir(tmp_path)
    policy.export("seed3.npz")
    for obs in np.asarray(states[1])[:4]:
        names = {"np": np, "obs": obs, "mask": FLAT}
        exec(example, names)
        np.testing.assert_allclose(names["probabilities"], policy.action_probabilities(obs, FLAT), rtol=1e-4, atol=1e-6)
    names = names["arrays"].files
    layers = [f"{tower}/dense_{index}/{part}" for tower in ("policy", "value") for index in range(3) for part in PARTS]
    assert sorted(names) == sorted([*layers, "activation"])


def test_what_is_not_there_is_named(run):
    with pytest.raises(
        run_directory.RunDirectoryError,
        match=r"no arm 'sin', expected one of \['tanh', 'relu', 'layer_norm', 'normalized', .*'recurrent'\]",
    ):
        load_policy(run[1], "sin", 5)
    with pytest.raises(run_directory.RunDirectoryError, match="no seed 0, expected one of 5 … 6"):
        load_policy(run[1], "tanh", 0)


def test_an_unfinished_run_and_a_diverged_seed_are_refused(run, tmp_path: Path):
    fleet, run_dir = run
    config = run_directory.read_config(run_dir)
    run_directory.create_run(tmp_path / "run", config)
    with pytest.raises(run_directory.RunDirectoryError, match=r"final_tanh\.npz: not found"):
        load_policy(tmp_path / "run", "tanh", 5)
    arrays = {name: np.stack(list(layer.rows)) for name, layer in dict(fleet.policies())["tanh"].items()}
    arrays["value/dense_0/bias"][1, 0] = np.nan
    run_directory.write_policy(tmp_path / "run", "tanh", arrays)
    load_policy(tmp_path / "run", "tanh", 5)
    with pytest.raises(run_directory.RunDirectoryError, match=r"seed 6 of arm .tanh. diverged, value.dense_0.bias"):
        load_policy(tmp_path / "run", "tanh", 6)


@pytest.mark.parametrize(
    ("obs", "mask", "message"),
    [
        (np.zeros((20, 22)), FLAT, r"obs has shape \(20, 22\), expected \[..., 20, 23\] or flattened, \[..., 460\]"),
        (np.zeros(()), FLAT, r"obs has shape \(\)"),
        (np.zeros(460), FLAT[:5], r"mask is bool \(5,\), expected bool \(6,\)"),
        (np.zeros((2, 460)), FLAT, r"mask is bool \(6,\), expected bool \(2, 6\)"),
        (np.zeros(460), FLAT.astype(int), "mask is int32"),
        (np.zeros((2, 460)), np.stack([FLAT, FLAT & False]), "mask allows no action at all"),
    ],
)
def test_wrong_input_is_refused(run, obs: np.ndarray, mask: np.ndarray, message: str):
    policy = load_policy(run[1], "tanh", 5)
    with pytest.raises(ValueError, match=message):
        policy.act(obs, mask)


def shaped(observation_shape: tuple[int, ...], num_inputs: int) -> Policy:
    """An untrained policy of three actions on observations of that shape."""
    ppo = PPOConfig(network="layer_norm", hidden_sizes=(4,))
    network = agents.network_of(ppo, 3)
    params = network.init_params(jax.random.key(0), num_inputs)
    return Policy(params=params, scaling=None, network=network, observation_shape=observation_shape)


@pytest.mark.parametrize(
    ("observation_shape", "num_inputs", "obs_shape", "lead"),
    [
        ((), 1, (), ()),
        ((), 1, (5,), (5,)),
        ((), 1, (1,), (1,)),
        ((), 1, (1,), ()),
        ((), 1, (5, 1), (5,)),
        ((), 1, (5, 1), (5, 1)),
        ((), 1, (2, 3), (2, 3)),
        ((1, 1), 1, (1, 1), ()),
        ((1, 1), 1, (1, 1), (1,)),
        ((4,), 4, (0, 4), (0,)),
        ((2, 2), 4, (0, 3, 2, 2), (0, 3)),
        ((2, 2), 4, (3, 0, 4), (3, 0)),
    ],
)
def test_any_leading_axes_are_taken(observation_shape, num_inputs, obs_shape, lead):
    """Numbers without axes, batches without an observation; the mask decides between two readings of a shape."""
    policy, obs = shaped(observation_shape, num_inputs), jnp.arange(np.prod(obs_shape)).reshape(obs_shape)
    mask = np.ones((*lead, 3), bool)
    rows = obs.reshape(-1, num_inputs).astype(jnp.float32)
    expected = jax.vmap(lambda row: policy.action_probabilities(row, np.ones(3, bool)))(rows)
    np.testing.assert_allclose(policy.action_probabilities(obs, mask).reshape(-1, 3), expected, rtol=1e-5)
    assert policy.act(obs, mask).shape == lead
    assert policy.act(obs, mask, carry=policy.init_carry(*lead))[0].shape == lead


def test_a_value_without_a_mask_reads_a_shape_as_that_of_whole_observations():
    assert [shaped((), 1).value(np.zeros(shape)).shape for shape in ((), (1,), (7,))] == [(), (1,), (7,)]
    assert shaped((4,), 4).value(np.zeros((0, 4))).shape == (0,)


def test_the_package_offers_it():
    assert momentum_jax.load_policy is load_policy
