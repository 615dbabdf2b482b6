"""The runs of a study: a queue in the declared order that goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from momentum_jax import run_directory
from momentum_jax.config.experiment import Experiment
from momentum_jax.config.run_config import RunConfig
from momentum_jax.fields import ConfigError, differences
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.study.declaration import Study, declare, part_name
from momentum_jax.training.resume import compatibility


class PartRun(NamedTuple):
    """A part as it is to be run."""

    name: str
    config: RunConfig
    run_dir: Path


class State(StrEnum):
    """How far a part is."""

    FINISHED = "finished"
    BEGUN = "begun"
    WAITING = "waiting"


class Train(Protocol):
    """What trains a part: `runner.train`, or a test's stand-in."""

    def __call__(self, config: RunConfig, run_dir: Path, *, resume: bool) -> None: ...


def plan(
    study: Study,
    folder: Path,
    configure: Callable[[Experiment], RunConfig],
    chosen: Sequence[str] = (),
    data_source: str | None = None,
) -> list[PartRun]:
    """The runs of a study, in order.

    Args:
      study: the study.
      folder: run directories lie in it, by part.
      configure: makes the run of a part, with what the command line adds.
      chosen: names of parts; empty for all.
      data_source: where the study's bars come from, see `MarketConfig`; default that of a run without settings. A
        part that names another one is left out.

    Raises:
      ConfigError: there is no such part, or nothing is left.
    """
    wanted = {part_name(study.part(name)) for name in chosen}
    runs, source = [], data_source or MarketConfig().data_source
    for part in study.parts:
        named = part.market.get("data_source")
        asked = part_name(part) in wanted if wanted else part_name(part) not in study.by_request
        if not asked or named not in (None, source):
            continue
        config = configure(part)
        if named in (None, config.market.data_source):
            runs.append(PartRun(part_name(part), config, folder / part_name(part)))
    if not runs:
        raise ConfigError(f"parts {', '.join(chosen)} do not belong to this data source, so there is nothing to run")
    return runs


def check_folder(folder: Path) -> None:
    """Raises RunDirectoryError where `folder` cannot hold the run directories of a study."""
    if folder.exists() and not folder.is_dir():
        raise run_directory.RunDirectoryError(
            f"{folder}: is a file, and a study needs a folder: choose another --run_dir"
        )
    if run_directory.is_run(folder):
        raise run_directory.RunDirectoryError(
            f"{folder}: is the directory of a run, and a study keeps one for each part: choose another --run_dir"
        )


def state_of(run: PartRun) -> State:
    """How far a part is.

    Raises:
      RunDirectoryError: something else lies where its run directory should.
    """
    if not run.run_dir.exists():
        return State.WAITING
    return State.FINISHED if run_directory.is_finished(run.run_dir) else State.BEGUN


def begun_run(runs: Sequence[PartRun]) -> Path | None:
    """The directory of the first part that was begun and is not finished.

    Raises:
      RunDirectoryError: something else lies where a part's run directory should.
    """
    return next((run.run_dir for run in runs if state_of(run) is State.BEGUN), None)


def check(runs: Sequence[PartRun]) -> None:
    """Compare what lies there already with what is asked for.

    Raises:
      ConfigError: a part was run or begun with other settings.
      RunDirectoryError: something else lies where its run directory should.
    """
    for run in runs:
        run.config.validate()
        if state_of(run) is State.WAITING:
            continue
        stored = compatibility.deciding_settings(compatibility.stored_run(run.run_dir))
        found = next(differences(stored, compatibility.deciding_settings(run.config)), None)
        if found:
            setting, before, now = found
            raise ConfigError(
                f"{run.run_dir}: {setting} was {before}, now {now}: "
                "give the flags it was begun with, or another --run_dir"
            )


def carry_out(
    study: Study, folder: Path, runs: Sequence[PartRun], train: Train, say: Callable[[str], None] = print
) -> None:
    """Run every part that is not finished, in order; one that was begun goes on from its saved state.

    Raises:
      ConfigError, RunDirectoryError: before anything is trained; see `check`.
      Whatever `train` raises ends the queue; running it again goes on there.
    """
    check(runs)
    declare(study, folder)
    say(status_text(runs))
    for run in runs:
        state = state_of(run)
        if state is not State.FINISHED:
            say(f"part {run.name}: {'resuming' if state is State.BEGUN else 'beginning'}")
            train(run.config, run.run_dir, resume=state is State.BEGUN)
    say(status_text(runs))


def env_steps(config: RunConfig) -> int:
    """Environment steps of a run, all arms and seeds together."""
    return len(config.arms) * config.num_seeds * config.total_updates * config.rollout_size


def status_text(runs: Sequence[PartRun]) -> str:
    """One line per part: its state, arms, seeds and steps, and what is left of the whole."""
    lines = []
    for run in runs:
        config = run.config
        size = f"{len(config.arms)} arm(s) × {config.num_seeds} seeds × {config.timesteps:,} steps"
        lines.append(f"  {run.name:<16} {state_of(run).value:<9} {size}")
    left = sum(env_steps(run.config) for run in runs if state_of(run) is not State.FINISHED)
    return "\n".join([*lines, f"  {left / 1e6:.1f} million environment steps are left of the parts not finished"])
