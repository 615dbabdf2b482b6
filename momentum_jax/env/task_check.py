"""What a task answers, against what the learner asks of it: found by tracing it, before anything is compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import jax
import jax.numpy as jnp

from momentum_jax.env.task import Step, Task
from momentum_jax.fields import ConfigError
from momentum_jax.processes.python_file import place

_FLAG, _WHOLE, _NUMBER = "bool", "whole numbers", "real numbers"
_KINDS = {_FLAG: jnp.bool_, _WHOLE: jnp.integer, _NUMBER: jnp.number}
_PROBES = (2, 3)  # leading axes of probe states; any sizes that differ from each other


def check_shared(shared: Any, called: str) -> None:
    """Refuse what is no argument of a compiled program among what all runs share.

    Args:
      shared: any pytree.
      called: what errors call where it comes from.

    Raises:
      ConfigError: a leaf is neither a number nor an array of numbers; a typed key is none.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(shared):
        try:
            array = jnp.asarray(leaf)
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigError(
                f"{called} returned parameters whose {jax.tree_util.keystr(path)} is {_text(leaf)}, expected numbers "
                f"and arrays: keep anything else in the environment itself ({_first_line(error)})"
            ) from error
        if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
            raise ConfigError(
                f"{called} returned parameters whose {jax.tree_util.keystr(path)} is a typed random key, expected "
                "numbers and arrays: keep jax.random.key_data(key) there, and use jax.random.wrap_key_data of it"
            )


def check_task(task: Task, shared: Any, path: Path) -> None:
    """Trace a start, its mask, a step and the contexts of probe states, as the learner asks for them.

    Args:
      task: made by a person's file.
      shared: what all runs share.
      path: of the file, whose line errors name.

    Raises:
      ConfigError: one of them fails, or answers something of another shape or type than `Task` says.
    """
    traced = _Tracer(task.diagnostics.environment, path)

    def bound(function: Callable[..., Any]) -> Callable[..., Any]:
        """With parameters bound inside, as in training, so that they may hold what is no array, such as a size."""
        return lambda shared, *arguments: function(*arguments, task.bind(shared, None))

    traced("bind", bound(lambda params: None), shared)
    key = jax.random.key(0)
    state = traced("initial_state", bound(partial(task.initial_state, key)), shared)
    mask = traced("action_mask", bound(task.action_mask), shared, state)
    traced.expect("action_mask", mask, (task.num_actions,), _FLAG, "one flag an action, True = legal")
    stepped = bound(lambda state, params: task.transition(key, state, jnp.int32(0), params))
    step = traced("transition", stepped, shared, state)
    _check_step(traced, task, state, step)
    compact = traced("compact", bound(task.compact), shared, state)
    probed = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((*_PROBES, *leaf.shape), leaf.dtype), compact)
    contexts = traced("probe_contexts", bound(task.probe_contexts), shared, probed)
    traced.expect("probe_contexts", contexts, _PROBES, _WHOLE, "one a probe state")


def _check_step(traced: _Tracer, task: Task, state: Any, step: Any) -> None:
    if not isinstance(step, Step):
        traced.refuse(f"transition returns a {type(step).__name__}, expected a momentum_jax.env.task.Step")
    if _layout(step.state) != _layout(state):
        traced.refuse("transition returns a state of other parts, shapes or types than that of initial_state")
    for name, kind in (("reward", _NUMBER), ("terminated", _FLAG), ("truncated", _FLAG), ("event", _WHOLE)):
        traced.expect(f"transition's {name}", getattr(step, name), (), kind, "one a step")
    if task.diagnostics.has_outcomes:
        traced.expect("transition's outcome", step.outcome, (), _NUMBER, "which variables of the description count")


class _Tracer:
    """Traces a task's functions and says in one line what is wrong with one."""

    def __init__(self, environment: str, path: Path):
        self._environment = environment
        self._path = path

    def __call__(self, name: str, run: Callable[..., Any], *arguments: Any) -> Any:
        """Shapes of what a function returns."""
        try:
            return jax.eval_shape(run, *arguments)
        except ConfigError as error:
            self.refuse(f"{name}: {error}{place(error, self._path)}")
        except Exception as error:  # it is code of others
            where = place(error, self._path)
            raise ConfigError(
                f"{self._environment}: {name} fails: {type(error).__name__}: {_first_line(error)}{where}"
            ) from error

    def expect(self, what: str, found: Any, shape: tuple[int, ...], kind: str, meaning: str) -> None:
        """Refuse what is no array of that shape and kind of number."""
        expected = f"expected {kind} {shape}, {meaning}"
        if not hasattr(found, "shape") or not hasattr(found, "dtype"):
            self.refuse(f"{what} is {'nothing' if found == () else f'a {type(found).__name__}'}, {expected}")
        fits = jnp.issubdtype(found.dtype, _KINDS[kind]) and not jnp.issubdtype(found.dtype, jnp.complexfloating)
        if tuple(found.shape) != shape or not fits:
            self.refuse(f"{what} is {found.dtype} {tuple(found.shape)}, {expected}")

    def refuse(self, problem: str) -> NoReturn:
        raise ConfigError(f"{self._environment}: {problem}")


def _layout(tree: Any) -> list[Any]:
    return [(path, leaf.shape, leaf.dtype) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]


def _text(value: Any) -> str:
    return " ".join(repr(value).split())[:80]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")[:200]
