"""A run does not go on with other code than it was begun with, and a policy warns that it would act by it."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path

import pytest

import momentum_jax
from momentum_jax import run_directory
from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.fields import ConfigError
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training import own_code
from tests.training.resumed_runs import train

FILES = {
    "own_net.py": """
import flax.linen as nn
from momentum_jax.networks.network import Network
from own_layers import squashed

class B(Network):
    @nn.compact
    def __call__(self, carry, features, starts):
        hidden = squashed(nn.Dense(8)(features))
        return nn.Dense(self.num_actions, name="policy_head")(hidden), nn.Dense(1)(hidden)[..., 0]
""",
    "own_layers.py": "import jax\n\ndef squashed(x):\n    return jax.numpy.tanh(x)\n",
    "own_rule.py": "import optax\n\ndef rule(learning_rate):\n    return optax.sgd(learning_rate)\n",
    "own_env.py": """
import gymnax
import own_params

def make():
    return own_params.changed(*gymnax.make("CartPole-v1"))
""",
    "own_params.py": "def changed(env, params):\n    return env, params.replace(gravity=5.0)\n",
}


def config(folder: Path) -> RunConfig:
    ppo = PPOConfig(
        num_steps=32,
        minibatch_size=32,
        num_epochs=1,
        network=f"{folder}/own_net.py:B",
        optimizer=f"{folder}/own_rule.py:rule",
    )
    return RunConfig(
        experiment="own",
        environment=f"{folder}/own_env.py:make",
        arms=(Arm(name="a", ppo=ppo),),
        timesteps=64,
        num_seeds=1,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on files of its own, and their folder."""
    folder = tmp_path_factory.mktemp("code")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        for name, text in FILES.items():
            (folder / name).write_text(text)
        train(folder / "run", config(folder))
    return folder


@pytest.fixture
def copied(trained, tmp_path, monkeypatch):
    """A run of its own on the files, which lie in another folder than when it was begun."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    return Path(shutil.copytree(trained, tmp_path / "moved"))


def resumed(folder: Path) -> list[str]:
    return train(folder / "run", config(folder), resume=True)


def test_the_files_are_recorded_by_their_content(trained):
    sources = run_directory.read_config(trained / "run")["sources"]
    assert list(sources["environment"]) == ["own_env.py", "own_params.py"]
    assert {part: list(files) for part, files in sources["arms"]["a"].items()} == {
        "network": ["own_layers.py", "own_net.py"],
        "optimizer": ["own_rule.py"],
    }


def test_files_that_have_moved_are_the_same(copied):
    assert "finished already" in resumed(copied)[0]


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("own_net.py", "network of arm a"),
        ("own_layers.py", "network of arm a"),
        ("own_rule.py", "optimizer of arm a"),
        ("own_env.py", "environment"),
        ("own_params.py", "environment"),
    ],
)
def test_a_changed_file_is_refused_and_put_back_goes_on(copied, file, part):
    (copied / file).write_text(FILES[file] + "# another\n")
    expected = rf"the code of its {part} has changed: {file} is SHA-256 \w{{12}}…, expected SHA-256 \w{{12}}…: put the"
    with pytest.raises(ConfigError, match=expected) as caught:
        resumed(copied)
    assert "\n" not in str(caught.value)
    (copied / file).write_text(FILES[file])
    assert "finished already" in resumed(copied)[0]


def test_a_run_that_was_begun_before_code_was_recorded_goes_on(trained, copied):
    stored = run_directory.read_config(copied / "run")
    del stored["sources"]
    run_directory.replace_config(copied / "run", stored)
    (trained / "own_rule.py").write_text(FILES["own_rule.py"] + "# another\n")
    try:
        assert "finished already" in train(copied / "run", config(trained), resume=True)[0]
        with pytest.raises(ConfigError, match=r"ppo\.network was \S+/code0/own_net.py:B, now \S+/moved/own_net.py:B"):
            resumed(copied)  # nothing tells whether it is the same file
    finally:
        (trained / "own_rule.py").write_text(FILES["own_rule.py"])


def test_packages_own_files_count_for_runs_that_recorded_them():
    now = {"kit/__init__.py": "2", "kit/net.py": "1"}
    assert list(own_code._differences({"kit/net.py": "1"}, now)) == []
    assert list(own_code._differences({"kit/__init__.py": "1", "kit/net.py": "1"}, now)) == [
        "kit/__init__.py is SHA-256 2…, expected SHA-256 1…"
    ]


def test_a_policy_warns_that_its_network_has_changed(trained):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        momentum_jax.load_policy(trained / "run", arm="a", seed=0)
    (trained / "own_layers.py").write_text(FILES["own_layers.py"].replace("tanh", "sin"))
    try:
        with pytest.warns(
            UserWarning, match=r"arm a's network has changed since it was trained: own_layers\.py is SHA"
        ):
            momentum_jax.load_policy(trained / "run", arm="a", seed=0)
    finally:
        (trained / "own_layers.py").write_text(FILES["own_layers.py"])
