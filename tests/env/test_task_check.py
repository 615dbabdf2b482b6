"""What a person's task answers is traced before anything is compiled: one line, with the line of the file."""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from momentum_jax.env import registry
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from tests.environment_files import MASKED, OWN_WORDS

MASK = "jnp.arange(3) == place % 3"
MARKET = MarketConfig()


@pytest.fixture
def in_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])

    def find(text: str) -> registry.Environment:
        (tmp_path / "mine.py").write_text(text)
        return registry.find(f"{tmp_path}/mine.py:make", MARKET)

    return find


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


SET_FLAG = 'flags={"off_centre": jnp.abs(after.x) > 0.03}'


@pytest.mark.parametrize(
    ("text", "old", "new", "problem"),
    [
        (
            OWN_WORDS,
            SET_FLAG,
            'flags={"off_centre": info["gone"]}',
            r"leaning: transition fails: KeyError: 'gone' .line",
        ),
        (
            OWN_WORDS,
            SET_FLAG,
            'flags={"gone": jnp.array(True)}',
            r"leaning: transition: telemetry sets the flag 'gone', .*\(they are: off_centre\)",
        ),
        (
            OWN_WORDS,
            SET_FLAG,
            'flags={"off_centre": jnp.ones(2)}',
            r"transition's event is int32 \(2,\), expected whole",
        ),
        (OWN_WORDS, "outcome=after.theta", "", r"transition's outcome is nothing, expected real numbers \(\), which"),
        (OWN_WORDS, "context=lean(before.theta)", "context=before.theta", r"leaning: transition fails: TypeError: "),
        (
            OWN_WORDS,
            "lean(compact[..., 2])",
            "compact[..., 2]",
            r"probe_contexts is float32 \(2, 3\), expected whole n",
        ),
        (OWN_WORDS, "lean(compact[..., 2])", "1 / 0", r"probe_contexts fails: ZeroDivisionError: .* \(line \d+\)$"),
        (MASKED, MASK, "jnp.ones(4, bool)", r"Ring: action_mask is bool \(4,\), expected bool \(3,\), one flag an act"),
        (MASKED, MASK, "jnp.ones(3)", r"Ring: action_mask is float32 \(3,\), expected bool \(3,\)"),
        (MASKED, MASK, "(True, True, False)", r"Ring: action_mask is a tuple, expected bool \(3,\)"),
        (MASKED, MASK, "state.nothing", r"Ring: action_mask fails: AttributeError: .*nothing.* \(line \d+\)$"),
        (
            MASKED,
            "Masked(env, env.default_params), env.default_params",
            'env, {"max_steps_in_episode": "x"}',
            r"returned parameters whose \['max_steps_in_episode'\] is 'x', expected numbers and arrays: ",
        ),
    ],
    ids=[
        *("telemetry", "flag", "flag's shape", "outcome", "context", "probe contexts", "failing contexts"),
        *("mask's shape", "mask's type", "no mask", "failing mask", "parameters"),
    ],
)
def test_what_a_task_does_not_keep_to_is_one_line(in_file, text, old, new, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        in_file(changed(text, old, new))
    assert "\n" not in str(caught.value)


def test_a_typed_key_among_parameters_is_refused_and_its_data_is_taken(in_file):
    given = "Masked(env, env.default_params), env.default_params"
    keyed = "Masked(env, env.default_params), KEYED"
    head = changed(
        MASKED,
        "class Masked",
        """@struct.dataclass
class Keyed(environment.EnvParams):
    key: jax.Array | None = None


KEYED = Keyed(max_steps_in_episode=20, key=jax.random.key(0))


class Masked""",
    )
    with pytest.raises(
        ConfigError, match=r"whose \.key is a typed random key, .*: keep jax\.random\.key_data\(key\) "
    ) as e:
        in_file(changed(head, given, keyed))
    assert "\n" not in str(e.value)
    advised = changed(head, "key=jax.random.key(0)", "key=jax.random.key_data(jax.random.key(0))")
    found = in_file(changed(advised, given, keyed))
    assert jax.random.wrap_key_data(found.shared.key) == jax.random.key(0)


def test_a_flag_and_an_end_may_be_numbers(in_file):
    text = changed(OWN_WORDS, SET_FLAG, 'flags={"off_centre": (jnp.abs(after.x) > 0.03).astype(jnp.float32)}')
    assert in_file(text).task.num_actions == 2
    ends = changed(MASKED, "return state.time >= 20", "return (state.time >= 20).astype(jnp.float32)")
    found = in_file(ends)
    state = found.task.initial_state(jax.random.key(0), found.shared)
    late = state._replace(env_state=state.env_state.replace(time=jnp.int32(19)))
    step = found.task.transition(jax.random.key(0), late, jnp.int32(0), found.shared)
    assert step.truncated.dtype == bool and bool(step.truncated) and not bool(step.terminated)


BIND = """class Masked(GymnaxTask):
    def bind(self, shared, options):
        return {"own": shared, "num_actions": 3}

    def initial_state(self, key, params):
        return super().initial_state(key, params["own"])

    def transition(self, key, state, action, params):
        return super().transition(key, state, action, params["own"])
"""


def test_what_is_bound_may_hold_sizes_of_arrays_as_in_training(in_file):
    text = changed(MASKED, "class Masked(GymnaxTask):\n", BIND)
    assert in_file(changed(text, MASK, 'jnp.arange(params["num_actions"]) == place % 3')).task.num_actions == 3
    with pytest.raises(ConfigError, match=r"^Ring: bind fails: AttributeError: .*nothing.* \(line \d+\)$"):
        in_file(changed(text, '{"own": shared, "num_actions": 3}', "shared.nothing"))


@pytest.mark.parametrize("mask", ["jnp.zeros(3, bool)", "jnp.arange(3) >= place"])
def test_a_mask_that_allows_nothing_where_actions_lead_is_refused_before_training(in_file, mask):
    found = in_file(changed(MASKED, MASK, mask))
    with pytest.raises(ConfigError, match=r"^Ring: action_mask allows nothing in a state that legal actions lead to: "):
        found.load()


def test_probe_states_have_the_tasks_own_masks_and_are_visited_by_legal_actions(in_file):
    """From place 0 only 0 is legal, from 3 too: places 1 and 2 lead on, and whoever stands on 0 or 3 stays."""
    found = in_file(MASKED)
    loaded = found.load()
    states = found.task.probe_states(loaded.shared)
    place = np.asarray(states.compact[..., 0], int)
    np.testing.assert_array_equal(np.asarray(states.action_mask), np.arange(3) == place[..., None] % 3)
    assert loaded.probe_draw == 2 and registry.find("CartPole-v1", MARKET).load().probe_draw == 1
    assert found.task.probe_states(loaded.shared) is states
    legal_only = changed(MASKED, "jax.random.randint(key, (), 0, 5)", "jnp.int32(0)")
    stays = in_file(legal_only)
    assert np.asarray(stays.task.probe_states(stays.load().shared).compact).max() == 0
