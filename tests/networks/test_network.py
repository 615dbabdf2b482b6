"""Networks by name: those of the table, a user's own file, and what is refused before anything is compiled."""

from __future__ import annotations

import jax
import pytest

from momentum_jax.fields import ConfigError
from momentum_jax.networks import network as networks
from momentum_jax.networks import table
from momentum_jax.ppo.agent import Agent
from momentum_jax.ppo.hyper_parameters import PPOConfig
from tests.ppo.probes import Bandit

SIZES = {"num_actions": 2, "hidden_sizes": (4,), "activation": "tanh"}
OWN = """
import flax.linen as nn
from momentum_jax.networks.network import Network

class Linear(Network):
    @nn.compact
    def __call__(self, carry, features, starts):
        return nn.Dense(self.num_actions, name="policy_head")(features), nn.Dense(1)(features)[..., 0]

class Blind(Linear):
    reads_features = True

def number(**settings):
    return 3

def other(width):
    return width
"""


def test_the_size_of_memories_is_read_by_the_networks_named_so():
    made = {name: networks.make(name, **SIZES, lstm_size=3) for name in table.NETWORKS}
    assert {name for name, network in made.items() if getattr(network, "lstm_size", None) == 3} == {*table.WITH_MEMORY}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "own.py"
    path.write_text(OWN)
    return path


def test_every_network_of_the_table_is_made():
    for name in table.NETWORKS:
        assert isinstance(networks.make(name, **SIZES), networks.Network)


def test_a_file_of_ones_own_is_one_class(own):
    network = networks.make(f"{own}:Linear", **SIZES)
    params = network.init_params(jax.random.key(0), 3)
    assert params["policy_head"]["kernel"].shape == (3, 2)
    # The same object each time: a compiled function serves the next call too.
    assert network == networks.make(f"{own}:Linear", **SIZES)
    assert hash(network) == hash(networks.make(f"{own}:Linear", **SIZES))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "tower",
            r"network='tower' is unknown: choose one of towers, .*, gru, or name your own .*mean towers\?",
        ),
        ("nowhere.py:Net", r"network='nowhere.py:Net': there is no file nowhere.py"),
        ("OWN:Missing", r"network='.*own.py:Missing': .*own.py does not define Missing"),
        ("OWN:number", r"gives a int, expected a momentum_jax.networks.network.Network"),
        (
            "OWN:other",
            r"cannot be called with num_actions, hidden_sizes, activation: missing .*: 'width'",
        ),
        ("no_such_package:Net", r"network='no_such_package:Net' fails: ModuleNotFoundError"),
    ],
)
def test_a_network_that_is_not_there_is_refused(own, name, message):
    config = PPOConfig(network=name.replace("OWN", str(own)))
    with pytest.raises(ConfigError, match=message):
        config.validate()
        networks.make(config.network, **SIZES)


def test_features_without_a_first_layer_for_them_are_refused(own):
    agent = Agent(Bandit(), networks.make(f"{own}:Blind", **SIZES))
    with pytest.raises(ConfigError, match=r"Blind reads features and has no parameter of a FirstLayer: begin with"):
        agent.init_params(jax.random.key(0))


def test_an_initial_bias_needs_a_layer_of_that_name(own):
    network = networks.make(f"{own}:Linear", **SIZES)
    with pytest.raises(ConfigError, match=r"initial_action_bias: Linear has no layer policy_head"):
        network.bias_logits({"Dense_0": {}}, jax.numpy.zeros(2))
