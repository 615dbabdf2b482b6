"""Trains an experiment: loads its data, compiles, advances from checkpoint to checkpoint and writes each at once.

A run can end anywhere and be resumed: its state is saved at checkpoints, and what lies behind the newest state is
computed again, to the same bits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from momentum_jax import run_directory
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env import registry
from momentum_jax.env.environment_names import file_and_function
from momentum_jax.env.task import Task
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import from_anywhere
from momentum_jax.ppo import own_parts
from momentum_jax.processes import distributed, jax_settings, kernel_choices, paths
from momentum_jax.processes.invocation import resume_command
from momentum_jax.training import capacity
from momentum_jax.training.fleet import Fleet, program_layouts
from momentum_jax.training.group_width import Layout, described
from momentum_jax.training.manifest import describe, headline, now
from momentum_jax.training.resume import compatibility
from momentum_jax.training.run_description import check_recorded, check_recorded_probes, remarks
from momentum_jax.training.worker import Worker

# What `train` raises when a run cannot be: nothing has been compiled or written then.
REFUSALS = (ConfigError, DataError, run_directory.RunDirectoryError)


def train(
    config: RunConfig,
    run_dir: Path,
    say: Callable[[str], None] = print,
    *,
    resume: bool = False,
    job: distributed.Job | None = None,
    go_on: str | None = None,
) -> None:
    """Train every arm with every seed and fill `run_dir`.

    Args:
      config: the run; with `resume` it may be longer than the one that is stored.
      run_dir: where results go; must not exist, or with `resume` must be a run's.
      say: receives what is logged, line by line. Where nobody can read it any more, the run goes on.
      resume: go on from the newest saved state. A run that is finished already stays as it is.
      job: the processes that train together, each its share of the seeds in files of its own. Nothing crosses
        seeds, so they meet only at the start and the end.
      go_on: the command that goes on with what was stopped; default that of this run.

    Raises:
      ConfigError, DataError, RunDirectoryError: before anything is compiled or written.
      Interrupted: a signal asked for it; the state is saved.
      WriteError: the disk is full, or the directory went away; earlier states are kept.
      ProcessLostError: another process has died or stopped; the state is saved.
    """
    config = _from_anywhere(config)
    config.validate()
    job = job or distributed.Job()
    go_on = go_on or resume_command(run_dir)
    if config.num_seeds < job.count:
        raise ConfigError(
            f"num_seeds={config.num_seeds} is less than {job.count} processes: train more, or start fewer"
        )
    share = run_directory.Share(job.index, job.count)
    environment = registry.find(config.environment, config.market, config.env_options)
    task = environment.task
    _check_with_task(config, task)
    layouts = _layouts(config, task, run_dir, resume, share)  # now, for fetching bars may take hours
    loaded = _load(environment, config, job)
    check_recorded_probes(config, task, loaded.shared)
    description = describe(config, task, loaded, layouts, job.count)
    with _opened(run_dir, description, resume, job) as finished, compatibility.explained(run_dir, share, go_on):
        worker = Worker(config, run_dir, share, job, say, go_on)
        if finished:
            worker.log("finished already: nothing to resume (--extend_to makes it longer)")
            return
        worker.log(headline(config, loaded))
        said = *config.unjudged_claims(), *loaded.remarks, *remarks(config, task, loaded)
        for line in (*said, *_remarks(run_dir, description)):
            worker.log(line)
        started = time.perf_counter()
        seeds = share.of(config.seeds)
        fleet = Fleet(config, task, loaded.shared, layouts, seeds, loaded.evaluated, loaded.sessions, say=worker.log)
        _keep_kernels(run_dir, layouts)
        worker.log(f"compiled for {described(layouts)} in {time.perf_counter() - started:.1f} s")
        worker.train(fleet)
        job.barrier("trained")
        if job.is_first:
            run_directory.replace_config(run_dir, run_directory.read_config(run_dir) | {"finished": now()})


def _check_with_task(config: RunConfig, task: Task) -> None:
    """Raises ConfigError where the environment, or a network or optimiser that is not shipped, does not fit the run."""
    for arms in config.programs:
        own = [config.arms[index] for index in arms]
        biased = any(arm.ppo.initial_action_bias or any(arm.by_seed.get("initial_action_bias", ())) for arm in own)
        own_parts.check(task, own[0].ppo, biased=biased)
    check_recorded(config, task)


def _layouts(config: RunConfig, task: Task, run_dir: Path, resume: bool, share: run_directory.Share) -> list[Layout]:
    """How this process's runs are spread over the machine; raises as `train` where they have no room."""
    num_seeds = len(share.of(range(config.num_seeds)))
    layouts = program_layouts(config, task, num_seeds)
    capacity.check_memory(config, task, layouts, num_seeds)
    if share.index == 0 and not resume:
        run_directory.check_absent(run_dir)
        capacity.check_disk(config, task, run_dir)
    return layouts


def _from_anywhere(config: RunConfig) -> RunConfig:
    """The same run with paths in full: it may go on from another folder."""
    parts = file_and_function(config.environment)
    if parts is not None:
        path = paths.user_path(parts[0], "env").absolute()
        return dataclasses.replace(config, environment=f"{path}:{parts[1]}")
    return dataclasses.replace(config, market=from_anywhere(config.market))


def _load(environment: registry.Environment, config: RunConfig, job: distributed.Job) -> registry.Loaded:
    """The environment's data. One process alone asks a vendor; the others wait, and read what it stored.

    Raises:
      DataError: it cannot be used, or another process has other data.
    """
    asked = {"evaluates": config.eval_episodes > 0, "trades": config.evaluate_every > 0}
    if not environment.fetches:
        loaded = environment.load(**asked)
    elif job.is_first:
        loaded = environment.load(**asked)
        job.barrier("fetched")
    else:
        job.barrier("fetched")
        loaded = environment.load(refresh=False, **asked)
    found = job.gather("data", str(loaded.facts["fingerprint"]))
    other = next((index for index, text in enumerate(found) if text != found[0]), None)
    if other is not None:
        where = config.market.where if environment.fetches else config.environment
        raise DataError(
            f"{where}: process {other} reads other data than process 0: give all of them the same files, "
            f"or one cache_path that all of them see"
        )
    return loaded


@contextlib.contextmanager
def _opened(run_dir: Path, description: Mapping[str, Any], resume: bool, job: distributed.Job) -> Iterator[bool]:
    """Hold the run directory, made or found as asked; yields whether all that is asked for is there already.

    The first process makes or checks it while the others wait.
    """
    with contextlib.ExitStack() as stack:
        if job.is_first:
            _make_or_find(run_dir, description, resume, stack)
        # Only the first process knows that the directory is there.
        finished = job.broadcast("opened", str(job.is_first and run_directory.is_finished(run_dir))) == str(True)
        if not job.is_first:
            recorded = run_directory.read_config(run_dir).get("jax_settings")
            jax_settings.check_same(run_dir, recorded, description["jax_settings"])
            stack.enter_context(run_directory.locked(run_dir, run_directory.Share(job.index, job.count)))
        yield finished


def _make_or_find(run_dir: Path, description: Mapping[str, Any], resume: bool, stack: contextlib.ExitStack) -> None:
    """Make the run directory, or see that it is this run's; lock it until `stack` is left."""
    if not resume:
        jax_settings.check_needed(description["jax_settings"])
        run_directory.create_run(run_dir, description)
        stack.enter_context(run_directory.locked(run_dir))
        return
    stored = run_directory.read_config(run_dir)  # a foreign folder is refused before a lock is written into it
    stack.enter_context(run_directory.locked(run_dir))
    compatibility.check_unchanged(run_dir, description)
    run_directory.remove_leftovers(run_dir)
    if description["timesteps"] > stored["timesteps"]:
        longer = {name: description[name] for name in ("timesteps", "checkpoints", "finished")}
        run_directory.replace_config(run_dir, stored | longer)


def _remarks(run_dir: Path, description: Mapping[str, Any]) -> Iterator[str]:
    yield from jax_settings.ignored()
    yield from compatibility.changed_versions(run_dir, description)


def _keep_kernels(run_dir: Path, layouts: Sequence[Layout]) -> None:
    """On a GPU, keep what XLA chose: resuming needs the same kernels for the same bits. Every process keeps its own."""
    if any(device.platform == "gpu" for layout in layouts for device in layout.devices):
        kernel_choices.keep(Path(jax.config.jax_compilation_cache_dir), run_dir)  # type: ignore[attr-defined]
