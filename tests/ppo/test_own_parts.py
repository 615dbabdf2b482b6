"""A person's own network and optimiser: what the learner cannot use is refused in one line before a run is opened."""

from __future__ import annotations

import dataclasses

import jax
import pytest

from momentum_jax.config import Arm, RunConfig
from momentum_jax.fields import ConfigError
from momentum_jax.ppo import own_parts
from momentum_jax.ppo.traced_config import PPOConfig
from momentum_jax.training import runner
from tests.ppo.probes import Bandit

NETWORKS = """
import flax.linen as nn
import jax.numpy as jnp
from momentum_jax.networks.network import Network

class Right(Network):
    use_bias = True
    def hidden(self, features):
        return nn.tanh(nn.Dense(8)(features))
    def out(self, logits, values):
        return logits, values[..., 0]
    @nn.compact
    def __call__(self, carry, features, starts):
        hidden = self.hidden(features)
        head = nn.Dense(self.num_actions + self.more, use_bias=self.use_bias, name="policy_head")
        return self.out(head(hidden), nn.Dense(1)(hidden))
    more = 0

class WideValues(Right):
    def out(self, logits, values): return logits, values

class OneValue(Right):
    def out(self, logits, values): return logits, values.sum()

class MoreLogits(Right):
    more = 1

class LogitsAlone(Right):
    def out(self, logits, values): return logits

class Typo(Right):
    def hidden(self, features):
        return nn.Dens(8)(features)

class BatchNorm(Right):
    def hidden(self, features): return nn.BatchNorm(use_running_average=False)(features)

class SownNorm(BatchNorm):
    def out(self, logits, values):
        self.sow("losses", "values", values)
        return logits, values[..., 0]

class Sown(Right):
    def hidden(self, features):
        self.sow("losses", "features", features)
        return self.perturb("hidden", nn.tanh(nn.Dense(8)(features)))

class SownTypo(Sown):
    def out(self, logits, values): return logits, (values if self.is_initializing() else values.nothing)[..., 0]

class ActsByStatistics(Network):
    def setup(self):
        self.norm = nn.BatchNorm(use_running_average=True)
        self.head, self.value = nn.Dense(self.num_actions), nn.Dense(1)
    def __call__(self, carry, features, starts):
        if self.is_initializing():
            self.norm(features)
        return self.head(features), self.value(features)[..., 0]
    def act(self, carry, features, start):
        return carry, self.head(self.norm(features))

class Dropout(Right):
    def hidden(self, features): return nn.Dropout(0.1, deterministic=False)(features)

class Half(Right):
    def out(self, logits, values): return logits.astype(jnp.bfloat16), values[..., 0]

class NoBias(Right):
    use_bias = False

class Remembers(Right):
    def init_carry(self, num_envs): return jnp.zeros((num_envs, 4))
    def act(self, carry, features, start): return self.after(carry), self(carry, features, start)[0]
    def after(self, carry): return carry

class Grows(Remembers):
    def after(self, carry): return jnp.concatenate([carry, carry], axis=-1)

class Forgets(Remembers):
    def after(self, carry): return ()

class Counts(Remembers):
    def after(self, carry): return carry.astype(int)

class OneStep(Remembers):
    def out(self, logits, values): return logits[0], values[0, ..., 0]

class ActsWithout(Remembers):
    def act(self, carry, features, start): return self(carry, features, start)[0]

class NoCarry(Remembers):
    def init_carry(self, num_envs): return jnp.zeros(num_envs, self.width)

class Restarted(Remembers):
    takes_restarts = True

def handed_on(**settings): return Right(**settings)

def fails(num_actions, hidden_sizes, activation):
    raise TypeError("of its own")
"""
WRONG_NETWORKS = {
    "WideValues": "values of inputs [3, F] are float32[3,1], expected float32[3]: drop their last axis, as in values",
    "OneValue": "values of inputs [3, F] are float32[], expected float32[3]: give one to each",
    "MoreLogits": "logits of inputs [3, F] are float32[3,3], expected float32[3,2]: give num_actions of them to each",
    "LogitsAlone": "__call__ gives float32[3,2], expected logits and values: return both, as in return logits, values",
    "Typo": "its init fails: AttributeError: module 'flax.linen' has no attribute 'Dens' (line {nn.Dens(8)})",
    "BatchNorm": "keeps batch_stats, expected params alone",
    "SownNorm": "keeps batch_stats, losses, expected params alone",
    "SownTypo": "__call__ fails: AttributeError: ",
    "ActsByStatistics": "keeps batch_stats, expected params alone",
    "Dropout": "__call__ fails: InvalidRngError: ",
    "Half": "logits of inputs [3, F] are bfloat16[3,2], expected float32[3,2]: convert them, as in logits.ast",
    "Grows": "act turns a state float32[3,4] into float32[3,8]: let both have the same parts, shapes and types",
    "Forgets": "act turns a state float32[3,4] into (): let both have",
    "Counts": "act turns a state float32[3,4] into int32[3,4]: let both have",
    "OneStep": "logits of inputs [5, 3, F] are float32[3,2], expected float32[5,3,2]: give num_actions of them to each",
    "ActsWithout": "act gives float32[3,2], expected a state and logits: return both, as in return carry, logits",
    "NoCarry": "init_carry fails: AttributeError: ",
    "Restarted": "__call__ fails: TypeError: ",
    "fails": "fails: TypeError: of its own (line {raise TypeError})",
}
OPTIMIZERS = """
import jax.numpy as jnp
import optax

def right(learning_rate): return optax.adamw(learning_rate)
def settings(**settings): return optax.sgd(**settings)
def without(): return optax.sgd(0.1)
def more(learning_rate, **more): return optax.sgd(learning_rate, **more)
def fails(learning_rate):
    return 1 / 0
def fails_by_type(learning_rate):
    return optax.sgd(learning_rate, no_such=1)
def decides(learning_rate):
    if learning_rate > 0:
        return optax.sgd(learning_rate)
def other_name(lr): return optax.sgd(lr)
def number(learning_rate): return 3
def needs_values(learning_rate):
    def update(updates, state, params=None, *, value, **others): return updates, state
    return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)
def changes_state(learning_rate):
    def update(updates, state, params=None): return updates, state[:1]
    return optax.GradientTransformation(lambda params: jnp.zeros(2), update)
def fails_late(learning_rate):
    return optax.GradientTransformation(lambda params: params, lambda updates, state, params: updates["no such layer"])
"""
WRONG_OPTIMIZERS = {
    "fails": "fails: ZeroDivisionError: division by zero (line {1 / 0})",
    "fails_by_type": "fails: TypeError: sgd() got an unexpected keyword argument 'no_such' (line {no_such=})",
    "decides": "fails: TracerBoolConversionError: Attempted boolean conversion of traced array",
    "other_name": "cannot be called with learning_rate, eps: missing a required argument: 'lr': use these",
    "number": "gives a int, expected an optax.GradientTransformation",
    "needs_values": "its update fails: TypeError: needs_values.<locals>.update() missing 1 required keyword",
    "changes_state": "an update turns its state float32[2] into float32[1]: let both have the same parts",
    "fails_late": "its update fails: KeyError: 'no such layer' (line {no such layer})",
}
CONFIG = PPOConfig(num_steps=8, minibatch_size=4, hidden_sizes=(4,))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for name, text in (("nets.py", NETWORKS), ("opts.py", OPTIMIZERS)):
        (folder / name).write_text(text)
    return folder


def numbered(message: str, text: str) -> str:
    """The message with the number of the line that has the words in braces."""
    front, brace, rest = message.partition("{")
    if not brace:
        return message
    words, _, end = rest.partition("}")
    line = next(number for number, line in enumerate(text.splitlines(), 1) if words in line)
    return f"{front}{line}{end}"


@pytest.mark.parametrize("name", WRONG_NETWORKS)
def test_a_network_that_the_learner_cannot_use_is_refused(files, name):
    config = dataclasses.replace(CONFIG, network=f"{files}/nets.py:{name}")
    with pytest.raises(ConfigError) as caught:
        own_parts.check(Bandit(), config)
    assert "\n" not in str(caught.value)
    assert numbered(WRONG_NETWORKS[name], NETWORKS) in str(caught.value)


@pytest.mark.parametrize("name", WRONG_OPTIMIZERS)
def test_an_optimiser_that_the_learner_cannot_use_is_refused(files, name):
    config = dataclasses.replace(CONFIG, optimizer=f"{files}/opts.py:{name}")
    with pytest.raises(ConfigError) as caught:
        own_parts.check(Bandit(), config)
    assert "\n" not in str(caught.value)
    assert numbered(WRONG_OPTIMIZERS[name], OPTIMIZERS) in str(caught.value)


def test_one_that_needs_values_of_the_loss_is_refused_and_the_one_that_is_advised_is_not():
    with pytest.raises(ConfigError, match=r"optimizer=optax:lbfgs: its update fails: .*, such as optax:lion$"):
        own_parts.check(Bandit(), dataclasses.replace(CONFIG, optimizer="optax:lbfgs"))
    own_parts.check(Bandit(), dataclasses.replace(CONFIG, optimizer="optax:lion"))


@pytest.fixture
def traces(monkeypatch):
    """The functions that were tried on shapes."""
    seen, trace = [], jax.eval_shape

    def noted(function, *arguments, **settings):
        seen.append(function)
        return trace(function, *arguments, **settings)

    monkeypatch.setattr(jax, "eval_shape", noted)
    return seen


@pytest.mark.parametrize(
    ("network", "optimizer"),
    [("Right", "right"), ("Remembers", "settings"), ("handed_on", "more"), ("Sown", "right"), ("Right", "without")],
)
def test_those_that_it_can_use_are_tried_and_let_through(files, traces, network, optimizer):
    names = {"network": f"{files}/nets.py:{network}", "optimizer": f"{files}/opts.py:{optimizer}"}
    own_parts.check(Bandit(), dataclasses.replace(CONFIG, **names), biased=True)
    assert traces


def test_a_head_without_a_bias_is_refused_where_a_run_adds_to_it(files):
    config = dataclasses.replace(CONFIG, network=f"{files}/nets.py:NoBias")
    own_parts.check(Bandit(), config)
    with pytest.raises(ConfigError, match="initial_action_bias: the layer policy_head of NoBias has no bias: give it"):
        own_parts.check(Bandit(), config, biased=True)


@pytest.mark.parametrize(
    ("ppo", "by_seed", "words"),
    [
        ({"network": "WideValues"}, {}, "values of inputs"),
        ({"network": "NoBias"}, {"initial_action_bias": (0.0, 1.0)}, "has no bias"),
        ({"optimizer": "needs_values"}, {}, "its update fails"),
    ],
)
def test_a_run_is_refused_before_anything_is_written(files, tmp_path, ppo, by_seed, words):
    places = {"network": "nets.py", "optimizer": "opts.py"}
    own = {setting: f"{files}/{places[setting]}:{name}" for setting, name in ppo.items()}
    fine = Arm(name="fine", ppo=CONFIG)
    arm = Arm(name="own", ppo=dataclasses.replace(CONFIG, **own), by_seed=by_seed)
    config = RunConfig(experiment="e", arms=(fine, arm), environment="CartPole-v1", timesteps=16, num_seeds=2)
    with pytest.raises(ConfigError, match=words):
        runner.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_shipped_ones_are_not_tried(traces):
    """Start-up is measured."""
    own_parts.check(Bandit(), CONFIG)
    assert not traces
