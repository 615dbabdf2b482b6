"""Many runs of the learner in one compiled program: groups of runs on a mesh of devices.

A *run* is one seed of one arm. Runs lie on one flat axis, each with its own seed, hyper-parameters and options; a
group is `num_devices × group_width` of them, advanced one update by one call. Groups follow one after the other
and share the program. A run's numbers do not depend on the runs beside it: nothing crosses the runs' axis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from momentum_jax.diagnostics.events import EventWord
from momentum_jax.env.task import Task
from momentum_jax.ppo import learner
from momentum_jax.ppo.hyper_parameters import MATMUL_PRECISIONS
from momentum_jax.ppo.records import UpdateRecord
from momentum_jax.ppo.traced_config import PPOConfig
from momentum_jax.training import device_arrays
from momentum_jax.training.compiled_program import Compiler, Program
from momentum_jax.training.group_width import Layout
from momentum_jax.training.initialisation import Initialiser, initialising_devices
from momentum_jax.training.run_mesh import RunMesh
from momentum_jax.training.runs import Run, filled_up, in_groups, stacked_settings, without_unused_options


class Present(NamedTuple):
    """One run as it is now."""

    seed: jax.Array  # [] uint32: number of its seed
    state: Any  # the learner's


class Engine:
    """The runs of one compiled program: their states on the devices and the functions that advance them.

    Runs must agree in the static fields of their configuration. The last group is filled up with copies of its
    first run, which are computed and never reported.

    Programs are compiled aside, by their shapes, and states are made when they are first needed: `prepare` waits for
    both.
    """

    def __init__(
        self,
        task: Task,
        shared: Any,
        runs: Sequence[Run],
        layout: Layout,
        total_updates: int,
        fixed_streams: Sequence[str] = (),
        compiler: Compiler | None = None,
    ):
        """`shared` is the task's part that all runs have in common, an argument of the program.

        Raises:
          ConfigError: the task has more actions than an event word can tell apart.
        """
        EventWord.of(task.diagnostics)
        self.runs = without_unused_options(runs)
        self._mesh = RunMesh(layout)
        self._shared = jax.device_put(shared, self._mesh.everywhere)
        self._total_updates = jax.device_put(jnp.int32(total_updates), self._mesh.everywhere)
        self._group_size = layout.group_size
        self._platform = layout.devices[0].platform
        self._task = task
        self._groups = in_groups(self.runs, layout.group_size)
        self._whole_groups = [filled_up(group, layout.group_size) for group in self._groups]
        self._inputs = [self._put(stacked_settings(group)) for group in self._whole_groups]
        self._seeds = [self._put(np.asarray([run.seed for run in group], np.uint32)) for group in self._whole_groups]
        devices = initialising_devices(layout.devices)
        self._initialiser = Initialiser(task, shared, devices, self._mesh.by_run, fixed_streams)
        self._shapes = self._initialiser.shapes(self._whole_groups[0])
        self._compiler = compiler or Compiler(self._platform)
        arguments = self._shared, *self._inputs[0], self._total_updates, self._shapes
        self._update = Program(self._over_runs(_update_run), arguments, self._compiler, donate_argnums=4)
        self._programs = [self._update]

    @functools.cached_property
    def _states(self) -> list[learner.LearnerState]:
        """Each group's states, made by CPUs while programs are compiled.

        A GPU gets them once all programs are there: with other work to do, it would time their kernels badly.
        """
        states = []
        for group in self._whole_groups:
            place = self._initialiser.made(group)
            if self._platform == "gpu":
                self._compiler.wait()
            states.append(place())
        return states

    def prepare(self) -> None:
        """Wait until every state is made and every program compiled; raises what the compiler raised."""
        self.wait()
        for program in self._programs:
            _ = program.compiled

    @property
    def num_groups(self) -> int:
        return len(self._groups)

    def gather(self, by_group: Sequence[Any]) -> Any:
        """Put what the groups returned together on the host: leaves [runs, ...] in the order of `runs`."""
        counts = [len(group) for group in self._groups]

        def join(*leaves: Any) -> np.ndarray:
            return device_arrays.joined([np.asarray(leaf)[:count] for leaf, count in zip(leaves, counts, strict=True)])

        return jax.tree.map(join, *by_group)

    def update(self, group: int) -> UpdateRecord:
        """Advance a group by one update; returns at once, with leaves [runs of the group and padding, ...]."""
        self._states[group], record = self._update(
            self._shared, *self._inputs[group], self._total_updates, self._states[group]
        )
        return device_arrays.sent(record)

    @property
    def compiled_update(self) -> jax.stages.Compiled:
        """The program of one update, for whoever reads its text or asks for its memory."""
        return self._update.compiled

    @property
    def compile_seconds(self) -> float:
        """Seconds that the update took to compile."""
        return self._update.compile_seconds

    def compile(self, function: Callable[..., Any], common: Any) -> Callable[[int], Any]:
        """Begins to compile `function(task, config, env_params, common, present)` of one run into one of a group.

        It is for what runs seldom beside the updates, as at checkpoints. `present` is a `Present`, and `common` an
        argument that all runs share. What the compiled function returns has leaves [runs of the group and padding, ...]
        and is not waited for.
        """
        common = jax.device_put(common, self._mesh.everywhere)

        def arguments(group: int, states: Any) -> tuple[Any, ...]:
            return self._shared, *self._inputs[group], common, Present(self._seeds[group], states)

        program = Program(self._over_runs(function), arguments(0, self._shapes), self._compiler, runs_seldom=True)
        self._programs.append(program)
        return lambda group: device_arrays.sent(program(*arguments(group, self._states[group])))

    def wait(self) -> None:
        """Wait until every group has been advanced."""
        jax.block_until_ready(self._states)

    def snapshot(self, group: int) -> dict[str, np.ndarray]:
        """A group's states on the host by the leaves' names, arrays [runs of the group, ...]; waits for them."""
        count = len(self._groups[group])
        found = jax.tree_util.tree_leaves_with_path(device_arrays.copied(self._states[group]))
        return {device_arrays.name(path): np.asarray(leaf)[:count] for path, leaf in found}

    def restore(self, group: int, snapshot: Mapping[str, np.ndarray]) -> None:
        """Put what `snapshot` returned in place of a group's states.

        Raises:
          ValueError: its arrays are not those of this program's states.
        """
        count = len(self._groups[group])
        padding = self._group_size - count

        def restored(path: Any, leaf: jax.Array) -> Any:
            name, expected = device_arrays.name(path), device_arrays.plain(leaf)
            found = snapshot.get(name, snapshot.get(learner.former_name(name)))
            shape = (count, *expected.shape[1:])
            if found is None or found.shape != shape or found.dtype != expected.dtype:
                raise ValueError(f"{name} is not {expected.dtype} {shape}")
            padded: Any = np.concatenate([found, np.repeat(found[:1], padding, axis=0)])
            return device_arrays.wrapped(leaf, padded)

        self._states[group] = self._put(jax.tree_util.tree_map_with_path(restored, self._states[group]))

    @property
    def on_accelerator(self) -> bool:
        """Whether states lie in a memory of their own, and the host's is free."""
        return self._platform != "cpu"

    @property
    def state_bytes(self) -> int:
        """Size of all runs' states, padding included."""
        return sum(device_arrays.plain(leaf).nbytes for leaf in jax.tree.leaves(self._states))

    def group_runs(self, group: int) -> int:
        """Runs of a group, without its padding."""
        return len(self._groups[group])

    def policies(self, runs: range) -> Iterator[dict[str, np.ndarray]]:
        """The exported parameters of each of consecutive runs by name, on the host."""
        export = learner.exporter(self._task, self.runs[0].config)
        for group in range(runs[0] // self._group_size, runs[-1] // self._group_size + 1):
            parts = jax.tree.map(np.asarray, device_arrays.copied(learner.exportable(self._states[group])))
            first = group * self._group_size
            for index in range(max(runs[0] - first, 0), min(runs[-1] + 1 - first, self.group_runs(group))):
                own = jax.tree.map(lambda leaf, i=index: leaf[i], parts)
                yield export(own)

    def _over_runs(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` of one run over a group's."""

        def one(common: tuple[Any, Any], own: tuple[Any, Any, Any]) -> Any:
            (shared, argument), (config, options, state) = common, own
            with jax.default_matmul_precision(MATMUL_PRECISIONS[config.matmul_precision]):
                return function(self._task, config, self._task.bind(shared, options), argument, state)

        mapped = self._mesh.over_runs(one)

        def on_device(shared: Any, config: Any, options: Any, common: Any, states: Any) -> Any:
            return mapped((shared, common), (config, options, states))

        return on_device

    def _put(self, tree: Any) -> Any:
        return jax.device_put(tree, self._mesh.by_run)


def _update_run(task: Task, config: PPOConfig, env_params: Any, total_updates: Any, state: Any) -> Any:
    return learner.update(task, config, env_params, total_updates, state)
