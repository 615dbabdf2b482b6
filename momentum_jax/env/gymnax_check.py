"""What a gymnax environment gives, against what it declares: found by tracing it, before anything is compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from numbers import Number
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment, spaces

from momentum_jax.fields import ConfigError
from momentum_jax.processes.python_file import place

_STEP = "observation, state, reward, terminated, info"
_ARRAYS = 4  # of a step's five values; an `info` may hold anything


def check_spaces(env: environment.Environment, params: Any) -> None:
    """Raises ConfigError: the action space is not discrete, or observations are not one array."""
    actions = _own(env, "action_space", lambda: env.action_space(params))
    observations = _own(env, "observation_space", lambda: env.observation_space(params))
    if not isinstance(actions, spaces.Discrete):
        raise ConfigError(
            f"{env.name} has the action space {_space_text(actions)}: the policy chooses one of n actions, so give "
            f"an environment whose action space is Discrete, or wrap this one with a list of actions"
        )
    if not isinstance(observations, spaces.Box | spaces.Discrete):
        raise ConfigError(
            f"{env.name} has the observation space {_space_text(observations)}: observations must be one array, so "
            f"wrap the environment to join theirs"
        )
    if 0 in observations.shape:
        raise ConfigError(f"{env.name} has observations of shape {observations.shape}, which hold no number")


def check_steps(env: environment.Environment, params: Any) -> None:
    """Trace a start and a step.

    Raises:
      ConfigError: one of them fails, or does not return what the environment declares.
    """
    key, action = jax.random.key(0), jnp.int32(0)
    start = _traced(env, "reset_env", 2, "observation, state", lambda: env.reset_env(key, params))
    shape = tuple(env.observation_space(params).shape)
    _check_array(env, "reset_env returns an observation", start[0], shape)

    def step(state: Any) -> Any:
        return env.step_env(key, state, action, params)

    observation, state, reward, terminated = _traced(env, "step_env", 5, _STEP, step, start[1])
    _check_array(env, "step_env returns an observation", observation, shape, start[0].dtype)
    _check_array(env, "step_env returns a reward", reward, ())
    _check_array(env, "step_env returns terminated", terminated, ())
    _check_state(env, start[1], state)
    truncated = _traced(env, "is_truncated", None, "a flag", lambda state: env.is_truncated(state, params), state)
    _check_array(env, "is_truncated returns a flag", truncated, ())


def _traced(
    env: environment.Environment, name: str, count: int | None, expected: str, run: Callable[..., Any], *arguments: Any
) -> Any:
    """Shapes of what a function of the environment returns: `count` parts, in words `expected`, without an `info`."""
    found: list[Any] = []

    def traced(*given: Any) -> Any:
        found.append(run(*given))
        return found[0][:_ARRAYS] if isinstance(found[0], tuple | list) else found[0]

    try:
        shapes = jax.eval_shape(traced, *arguments)
    except Exception as error:  # it is code of others
        if found:
            odd = _text(_first_odd_leaf(found[0]))
            raise ConfigError(f"{env.name}: {name} returns {odd}, expected arrays: {expected}") from error
        raise _failed(env, name, error) from error
    size = len(found[0]) if isinstance(found[0], tuple | list) else 1
    if count not in (None, size):
        raise ConfigError(f"{env.name}: {name} returns {size} value(s), expected {count}: {expected}")
    return shapes


def _own(env: environment.Environment, name: str, run: Callable[[], Any]) -> Any:
    """What a function of the environment returns, in one line where it fails."""
    try:
        return run()
    except Exception as error:  # it is code of others
        raise _failed(env, name, error) from error


def _failed(env: environment.Environment, name: str, error: Exception) -> ConfigError:
    """In one line, with the last line that was running of the file that defines the function."""
    if isinstance(error, NotImplementedError) and not str(error):
        return ConfigError(f"{env.name} does not define {name}, which gymnax leaves to each environment")
    code = getattr(inspect.unwrap(getattr(type(env), name)), "__code__", None)
    where = "" if code is None else place(error, Path(code.co_filename))
    return ConfigError(f"{env.name}: {name} fails: {type(error).__name__}: {_first_line(error)}{where}")


def _check_array(
    env: environment.Environment, what: str, found: Any, shape: tuple[int, ...], dtype: Any = None
) -> None:
    if not hasattr(found, "shape") or not hasattr(found, "dtype"):
        raise ConfigError(f"{env.name}: {what} that is a {type(found).__name__}, expected one array")
    is_complex = jnp.issubdtype(found.dtype, jnp.complexfloating)
    is_number = jnp.issubdtype(found.dtype, jnp.number) or found.dtype == jnp.bool_
    if tuple(found.shape) != shape or not is_number or is_complex:
        numbers = "real numbers" if is_complex else "numbers"
        raise ConfigError(f"{env.name}: {what} of {found.dtype} {found.shape}, expected {numbers} {shape}")
    if dtype is not None and found.dtype != dtype:
        raise ConfigError(f"{env.name}: {what} of {found.dtype}, expected {dtype} as from reset_env")


def _check_state(env: environment.Environment, start: Any, following: Any) -> None:
    """A state has one layout, at the start and after a step; only weak types may differ."""
    before, after = (jax.tree_util.tree_leaves_with_path(state) for state in (start, following))
    if [path for path, _ in before] != [path for path, _ in after]:
        raise ConfigError(f"{env.name}: step_env returns a state with other parts than that of reset_env")
    for (path, one), (_, other) in zip(before, after, strict=True):
        if (one.shape, one.dtype) != (other.shape, other.dtype):
            raise ConfigError(
                f"{env.name}: the state's {jax.tree_util.keystr(path, simple=True)} is {one.dtype} {one.shape} from "
                f"reset_env and {other.dtype} {other.shape} from step_env: give both the same"
            )


def _first_odd_leaf(tree: Any) -> Any:
    """The first part that is neither array nor number."""
    leaves = jax.tree.leaves(tree)
    return next((leaf for leaf in leaves if not isinstance(leaf, jax.Array | np.ndarray | np.generic | Number)), tree)


def _space_text(space: Any) -> str:
    shape = getattr(space, "shape", "")
    if isinstance(space, spaces.Space):
        return f"{type(space).__name__}{shape}"
    return f"{type(space).__module__}.{type(space).__name__}{shape}, which is none of gymnax.environments.spaces"


def _text(value: Any) -> str:
    return " ".join(repr(value).split())[:80]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")[:200]
