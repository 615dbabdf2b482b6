"""All runs of an experiment, arms × seeds, in as few compiled programs as their static settings allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from momentum_jax.config.arms import Arm
from momentum_jax.config.run_config import RunConfig
from momentum_jax.diagnostics.evaluation import Episodes
from momentum_jax.diagnostics.session_profit import SessionProfits
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.env.registry import LabelledMarket
from momentum_jax.env.task import Task
from momentum_jax.fields import ConfigError
from momentum_jax.ppo.playing import plan_of
from momentum_jax.ppo.records import UpdateRecord
from momentum_jax.run_directory.atomic_files import Rows
from momentum_jax.session_play.plan import session_plan
from momentum_jax.training import checkpoint_programs, memory
from momentum_jax.training.compiled_program import Compiler
from momentum_jax.training.engine import Engine
from momentum_jax.training.exported_policies import exported
from momentum_jax.training.group_width import Layout, default_layout
from momentum_jax.training.in_flight import Dispatched, RecordsInFlight
from momentum_jax.training.recorder import blank_record
from momentum_jax.training.run_description import describe_run, probe_sets
from momentum_jax.training.run_snapshots import Snapshot, SnapshotReader, joined
from momentum_jax.training.runs import Run

_SNAPSHOT_BYTES = 24e6  # 32 runs of the reference's network, one of a recurrent one


def program_layouts(config: RunConfig, task: Task, num_seeds: int) -> list[Layout]:
    """How the runs of each program of `config.programs` are spread over the machine, `num_seeds` of each arm.

    Each program has a layout of its own: one that was sized for all runs together would be filled up with copies.
    """
    found = jax.local_devices()
    if config.num_devices is not None and config.num_devices > len(found):
        raise ConfigError(
            f"num_devices={config.num_devices} is more than there are here, {len(found)} {found[0].platform} "
            "device(s): ask for fewer, or leave it out"
        )
    widths: tuple[int | None, ...] = config.group_width or (None,)
    widths = widths if len(widths) > 1 else widths * len(config.programs)
    memories = [memory.of_run(task, config.arms[arms[0]].ppo) for arms in config.programs]
    runs = [len(arms) * num_seeds for arms in config.programs]
    # On one device; several share the runs and leave more room.
    states = [each.state * count for each, count in zip(memories, runs, strict=True)]
    return [
        default_layout(count, width, config.num_devices, each, sum(states) - own)
        for count, width, each, own in zip(runs, widths, memories, states, strict=True)
    ]


class Fleet:
    """Dispatches updates, probes and evaluations of all runs; `fetch` waits for what was dispatched.

    Runs are numbered arm · num_seeds + seed, whichever program they run in.

    Attributes:
      diagnostics: what is recorded.
      evaluation_seconds: spent on evaluation so far.
    """

    def __init__(
        self,
        config: RunConfig,
        task: Task,
        shared: Any,
        layouts: Sequence[Layout],
        seeds: Sequence[int] | None = None,
        evaluated: Any = None,
        sessions: LabelledMarket | None = None,
        say: Callable[[str], None] | None = None,
    ):
        """Initialises every run and compiles every program.

        Args:
          config: the run.
          task: the environment.
          shared: its part that all runs have in common, such as a market.
          layouts: one for each program, see `program_layouts`.
          seeds: this process's, all where it is alone.
          evaluated: what evaluated episodes are played on; None where that is `shared`.
          sessions: that policies trade at checkpoints; None where they trade none.
          say: hears of what is waited for.
        """
        self._config = config
        self.seeds = config.seeds if seeds is None else tuple(seeds)
        self._task = task
        self.diagnostics = describe_run(config, task, sessions)
        states = probe_sets(config, task, shared)
        self._arms_by_program = config.programs
        self._dispatched = self._in_order_of_dispatch()
        self._order = np.argsort(self._dispatched)
        with Compiler(layouts[0].devices[0].platform, say=say) as compiler:
            self._engines = [
                self._engine(arms, shared, layout, compiler)
                for arms, layout in zip(self._arms_by_program, layouts, strict=True)
            ]
            self._probes = [engine.compile(checkpoint_programs.probe, states) for engine in self._engines]
            self._evaluations = self._compiled_evaluations(evaluated)
            self._trades = self._compiled_trades(sessions)
            for engine in self._engines:
                engine.prepare()
        self.evaluation_seconds = 0.0
        limits = [layout.groups_in_flight for layout in layouts if layout.groups_in_flight is not None]
        self._in_flight = RecordsInFlight(min([sum(engine.num_groups for engine in self._engines), *limits]))

    @property
    def num_seeds(self) -> int:
        return len(self.seeds)

    @property
    def num_runs(self) -> int:
        return self._order.size

    def update(self, stopped: np.ndarray | None = None) -> Dispatched:
        """Advance every run by one update; `fetch` gives a `records.UpdateRecord`.

        Records reach the host between the dispatches, in their order, see `in_flight.RecordsInFlight`: first what is
        left of the update before.

        Args:
          stopped: [runs] bool; groups of stopped runs alone are not advanced, and nothing happens in their record.
        """
        idle = self._idle_groups(stopped)
        dispatched: Dispatched = []
        for number, engine in enumerate(self._engines):
            records: list[Any] = []
            dispatched.append(records)
            for group in range(engine.num_groups):
                skipped = (number, group) in idle
                records.append(self._blank(engine.group_runs(group)) if skipped else engine.update(group))
                self._in_flight.add(records, group)
        return dispatched

    def probe(self) -> Dispatched:
        """Ask the present policies for their probabilities; `fetch` gives a `probes.ProbeRecord` of each set."""
        return [
            [probe(group) for group in range(engine.num_groups)]
            for engine, probe in zip(self._engines, self._probes, strict=True)
        ]

    def evaluate(self) -> Dispatched:
        """Let the present policies play fresh episodes, and wait for them; `fetch` gives an `evaluation.Episodes`."""
        return self._timed(self._evaluations)

    def trade(self) -> Dispatched:
        """Let the present policies trade the sessions, and wait; `fetch` gives a `session_profit.SessionProfits`."""
        return self._timed(self._trades)

    def _timed(self, programs: Sequence[Callable[[int], Any]]) -> Dispatched:
        """Evaluate every group by its engine's program; waits at both ends so that the time is known that it takes."""
        for engine in self._engines:
            engine.wait()
        started = time.perf_counter()
        played = [
            [program(group) for group in range(engine.num_groups)]
            for engine, program in zip(self._engines, programs, strict=True)
        ]
        jax.block_until_ready(played)
        self.evaluation_seconds += time.perf_counter() - started
        return played

    def fetch(self, dispatched: Dispatched) -> Any:
        """Wait for dispatched results and bring them to the host, leaves [runs, ...]."""
        self._in_flight.remove(dispatched)
        return self._join([engine.gather(groups) for engine, groups in zip(self._engines, dispatched, strict=True)])

    def policies(self) -> Iterator[tuple[str, dict[str, Rows]]]:
        """Each arm's name and present parameters by name (`policy/dense_0/kernel`), arrays [seed, ...].

        They come seed by seed, and are never held beside states that the host holds.
        """
        for engine, arms in zip(self._engines, self._arms_by_program, strict=True):
            for position, arm in enumerate(arms):
                runs = range(position * self.num_seeds, (position + 1) * self.num_seeds)
                yield self._config.arms[arm].name, exported(engine, runs)

    @property
    def state_bytes(self) -> int:
        """Size of the states of all runs."""
        return sum(engine.state_bytes for engine in self._engines)

    def snapshots(self) -> Iterator[Snapshot]:
        """The states of all runs on the host, some megabytes at a time, so that never all are held twice."""
        for engine in self._engines:
            groups = range(engine.num_groups)
            step = max(1, int(_SNAPSHOT_BYTES * engine.num_groups / engine.state_bytes))
            for start in groups[::step]:
                yield joined([engine.snapshot(group) for group in groups[start : start + step]])

    def restore(self, snapshots: Iterator[Snapshot]) -> None:
        """Put back what `snapshots` gave, also where groups were of another size then.

        Raises:
          ValueError: the snapshots are not of these runs and this program.
        """
        runs = SnapshotReader(snapshots)
        for engine in self._engines:
            for group in range(engine.num_groups):
                engine.restore(group, runs.take(engine.group_runs(group)))

    def _compiled_evaluations(self, evaluated: Any) -> list[Callable[[int], Episodes]]:
        """The program that evaluates a group, of each engine; nothing where the run evaluates nothing."""
        asked = self.diagnostics.evaluation
        if asked is None:
            return []
        plan = plan_of(asked, evaluated)
        return [engine.compile(checkpoint_programs.evaluate, plan) for engine in self._engines]

    def _compiled_trades(self, sessions: LabelledMarket | None) -> list[Callable[[int], SessionProfits]]:
        """The program that trades sessions with a group's policies, of each engine; nothing where none are traded."""
        if sessions is None:
            return []
        plan = session_plan(sessions.market, sessions.labels)
        return [engine.compile(checkpoint_programs.trade, plan) for engine in self._engines]

    def _idle_groups(self, stopped: np.ndarray | None) -> set[tuple[int, int]]:
        """The (program, group) of every group whose runs are all stopped."""
        if stopped is None or not stopped.any():
            return set()
        groups = [(number, group) for number, engine in enumerate(self._engines) for group in range(engine.num_groups)]
        sizes = [self._engines[number].group_runs(group) for number, group in groups]
        by_group = np.split(stopped[self._dispatched], np.cumsum(sizes)[:-1])
        return {place for place, runs in zip(groups, by_group, strict=True) if runs.all()}

    def _blank(self, num_runs: int) -> UpdateRecord:
        ppo = self._config.arms[0].ppo
        return blank_record(num_runs, ppo.num_steps, ppo.num_envs, has_outcomes=self.diagnostics.has_outcomes)

    def _in_order_of_dispatch(self) -> np.ndarray:
        """Numbers of the runs, program by program."""
        arms = np.concatenate(self._arms_by_program)
        return (arms[:, None] * self.num_seeds + np.arange(self.num_seeds)).ravel()

    def _engine(self, arms: Sequence[int], shared: Any, layout: Layout, compiler: Compiler) -> Engine:
        chosen = [self._config.arms[arm] for arm in arms]
        has_options = self._config.environment == MOMENTUM_NAME
        positions = [(seed, self._config.seeds.index(seed)) for seed in self.seeds]
        runs = [_run(seed, arm.of_seed(position), has_options) for arm in chosen for seed, position in positions]
        updates, fixed_streams = self._config.total_updates, self._config.fixed_streams
        return Engine(self._task, shared, runs, layout, updates, fixed_streams, compiler)

    def _join(self, by_program: Sequence[Any]) -> Any:
        def join(*leaves: np.ndarray) -> np.ndarray:
            # A single program has them in order: a copy of what thousands of runs answer takes as long as an update.
            return leaves[0] if len(leaves) == 1 else np.concatenate(leaves)[self._order]

        return jax.tree.map(join, *by_program)


def _run(seed: int, arm: Arm, has_options: bool) -> Run:
    return Run(seed, arm.ppo, arm.env if has_options else None, arm.redrawn_streams)
