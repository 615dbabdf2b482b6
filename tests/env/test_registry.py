"""Environments by name: what is found, and what is refused in one line before anything is compiled."""

from __future__ import annotations

import re
import sys

import gymnax
import pytest

from momentum_jax.env import registry
from momentum_jax.env.environment_names import file_and_function, same_environment, short_name
from momentum_jax.env.gymnax_task import GymnaxTask
from momentum_jax.env.momentum import Momentum
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from tests.environment_files import OWN_WORDS

MARKET = MarketConfig()


@pytest.fixture
def in_file(tmp_path, monkeypatch):
    """Finds what a function of a file returns, the file given as text."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def find(text: str, name: str = "mine.py:make") -> registry.Environment:
        (tmp_path / "mine.py").write_text(text)
        return registry.find(f"{tmp_path}/{name}", MARKET)

    return find


def refusal(find, *arguments) -> str:
    with pytest.raises(ConfigError) as caught:
        find(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_momentum_environment_is_played_on_its_market():
    found = registry.find("momentum", MARKET)
    loaded = found.load()
    assert isinstance(found.task, Momentum) and not found.fetches
    assert loaded.shared.windows.shape[0] > 1_000 and len(loaded.facts["fingerprint"]) == 64
    assert "bars of" in loaded.title and loaded.probe_draw == 1


def test_a_gymnax_environment_is_found_by_its_id():
    found = registry.find("CartPole-v1", MARKET)
    loaded = found.load()
    assert isinstance(found.task, GymnaxTask) and found.task.diagnostics.actions == ("action_0", "action_1")
    assert loaded.shared == gymnax.make("CartPole-v1")[1]
    assert loaded.facts["environment"] == "CartPole-v1" and len(loaded.facts["fingerprint"]) == 64


def test_an_unknown_id_is_refused_with_the_nearest():
    message = refusal(registry.find, "cartpole", MARKET)
    assert message.startswith("env='cartpole' is unknown: choose one of momentum, CartPole-v1, ")
    assert message.endswith("did you mean CartPole-v1?")
    assert "did you mean momentum?" in refusal(registry.find, "Momentum-v0", MARKET)


def test_continuous_actions_are_refused():
    assert "has the action space Box(1,): " in refusal(registry.find, "Pendulum-v1", MARKET)


def test_a_task_with_words_of_its_own_is_found_in_a_file(in_file):
    found = in_file(OWN_WORDS)
    assert found.task.diagnostics.primary == "into_lean_pct" and found.load().title == "leaning"
    assert found.load().facts["environment"] == "mine.py:make"


# A task whose runs share one number, the gravity.
HEAVY = """
import gymnax
from momentum_jax.env.gymnax_task import GymnaxTask

class Task(GymnaxTask):
    def __init__(self):
        super().__init__(*gymnax.make("CartPole-v1"))

    def bind(self, shared, options):
        return gymnax.make("CartPole-v1")[1].replace(gravity=shared)
"""


@pytest.mark.parametrize("made", ["gymnax.make('CartPole-v1')", "gymnax.make('CartPole-v1')[0]", "Task(), 5.0"])
def test_a_file_may_return_an_environment_alone_or_with_its_parameters(in_file, made):
    found = in_file(f"{HEAVY}\ndef make():\n    return {made}\n")
    if "Task" in made:
        assert type(found.task).__name__ == "Task" and found.load().shared == 5.0
    else:
        assert found.load().shared == gymnax.make("CartPole-v1")[1]


WEIGHS_NOTHING = """

class Weightless:
    def __init__(self, task):
        self._task = task

    def __getattr__(self, name):
        if name == "decision_weights":
            raise AttributeError(name)
        return getattr(self._task, name)


def make_weightless():
    task, params = make()
    return Weightless(task), params
"""


def test_a_task_that_weighs_nothing_may_leave_the_weights_out(in_file):
    found = in_file(OWN_WORDS + WEIGHS_NOTHING, "mine.py:make_weightless")
    assert type(found.task).__name__ == "Weightless" and not hasattr(found.task, "decision_weights")


def test_the_function_may_have_any_name(in_file):
    text = "import gymnax\ndef swing():\n    return gymnax.make('Acrobot-v1')\n"
    assert in_file(text, "mine.py:swing").task.num_actions == 3
    assert refusal(in_file, text, "mine.py").endswith("defines no function make: write path/to/file.py:FUNCTION")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def make(:", "fails: SyntaxError: .*line 1"),
        ("import nowhere", "fails: ModuleNotFoundError: No module named 'nowhere' .line 1"),
        ("def make():\n    return 1 / 0", "fails: ZeroDivisionError: division by zero .line 2"),
        ("def make():\n    return 3", "returned int, without diagnostics, num_actions, .*: return a Task"),
        (OWN_WORDS.replace('primary="into_lean_pct"', 'primary="lean_pct"'), "diagnostics of leaning: primary names"),
        ("import gymnax\ndef make():\n    return gymnax.make('Pendulum-v1')", "has the action space"),
    ],
    ids=["syntax", "import", "error", "nonsense", "description", "continuous"],
)
def test_a_file_that_fails_is_one_line_with_the_place(in_file, text, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        in_file(text)
    assert "\n" not in str(caught.value)


PLAIN = """
import jax.numpy as jnp
from gymnax.environments import environment, spaces

class Plain(environment.Environment):
    def reset_env(self, key, params):
        return jnp.zeros(2), environment.EnvState(time=0)

    def step_env(self, key, state, action, params):
        return jnp.zeros(2), environment.EnvState(time=state.time + 1), jnp.float32(1), jnp.array(False), {}

    def observation_space(self, params):
        return spaces.Box(-1.0, 1.0, (2,))

    def action_space(self, params):
        return spaces.Discrete(3)

make = Plain
"""


def test_of_gymnaxs_base_class_only_what_is_played_has_to_be_defined(in_file):
    assert in_file(PLAIN).task.num_actions == 3  # its `num_actions` raises NotImplementedError


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("def action_space", "def actions", "^Plain does not define action_space, which gymnax leaves to each"),
        ("spaces.Discrete(3)", "spaces.Discrete('3')", r"^Plain: action_space fails: TypeError: .* \(line 16\)$"),
        ("make = Plain", "def make():\n    return Plain", "returned the class Plain itself, without diagnostics, "),
        ("make = Plain", "def make():\n    raise SystemExit(3)", r"make' fails: SystemExit: 3 \(line 19\)$"),
        ("make = Plain", "def make(size):\n    return Plain()", "missing 1 required positional argument: 'size'"),
        (
            "    def reset",
            "    default_params = property(lambda self: 1 / 0)\n    def reset",
            "ZeroDivisionError: .* .line 6.$",
        ),
    ],
    ids=["inherited", "space", "class", "exit", "argument", "parameters"],
)
def test_what_an_environment_of_a_file_lacks_or_fails_in_is_one_line(in_file, old, new, problem):
    assert re.search(problem, refusal(in_file, PLAIN.replace(old, new)))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert refusal(registry.find, f"{tmp_path}/none.py:make", MARKET).endswith("none.py:make': there is no such file")


def test_the_fingerprint_tells_files_and_parameters_apart(in_file, monkeypatch):
    text = "import os\nimport gymnax\ndef make():\n    env, params = gymnax.make('CartPole-v1')\n"
    text += "    return env, params.replace(gravity=float(os.environ['GRAVITY']))\n"
    prints = []
    for variant, gravity in ((text, "9.8"), (text, "9.8"), (text, "5"), (text + "# again", "9.8")):
        monkeypatch.setenv("GRAVITY", gravity)
        prints.append(in_file(variant).load().facts["fingerprint"])
    assert prints[0] == prints[1] and len(set(prints)) == 3


def test_names_of_files(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert file_and_function("a/b.py:make_it") == ("a/b.py", "make_it")
    assert file_and_function("b.py") == file_and_function("b.py:") == ("b.py", "make")
    assert file_and_function("CartPole-v1") is None
    assert short_name("a/b.py:make_it") == "b" and short_name("CartPole-v1") == "CartPole-v1"
    assert same_environment("b.py", f"{tmp_path}/b.py:make") and not same_environment("b.py", "c.py")
