"""Several runs as one dataset: the same seeds are paired, what cannot be compared is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.diagnostics.evaluation import Evaluation
from momentum_jax.diagnostics.variables import labels
from momentum_jax.run_directory import RunDirectoryError, diagnostics_of, load_run


class ComparisonError(RunDirectoryError):
    """Runs that cannot be compared; one line that says why."""


def load_runs(run_dirs: Sequence[str | Path]) -> xr.Dataset:
    """Loads one run, or joins the arms of several over the seeds and checkpoints they share.

    Arms of the same name are told apart by their run's name. Checkpoints are taken up to the
    first that differs, since a window is comparable only where its beginning is the same. What
    is left out is listed in the attribute ``left_out``, a list of sentences as JSON.

    Raises:
        RunDirectoryError: a run cannot be read.
        ComparisonError: the runs' data or probe states differ, or they share no seed or checkpoint.
    """
    if not run_dirs:
        raise ComparisonError("no run directory given, expected at least one")
    return join_runs([load_run(path) for path in run_dirs], run_dirs)


def join_runs(runs: Sequence[xr.Dataset], run_dirs: Sequence[str | Path]) -> xr.Dataset:
    """`load_runs` on runs that are loaded already; `run_dirs` is what errors call them."""
    if len(runs) == 1:
        return runs[0].assign_attrs(left_out="[]")
    for path, run in zip(run_dirs[1:], runs[1:], strict=True):
        _check_environment(str(run_dirs[0]), runs[0], str(path), run)
        _check_data(str(run_dirs[0]), runs[0], str(path), run)
        _check_probes(str(run_dirs[0]), runs[0], str(path), run)
    seeds = _common_seeds(run_dirs, runs)
    shared = _common_checkpoints(run_dirs, runs)
    parts = [run.sel(seed=seeds).isel(checkpoint=slice(shared)) for run in runs]
    names = _arm_names(runs)
    parts = [part.assign_coords(arm=names[position]) for position, part in enumerate(parts)]
    joined = xr.concat(parts, "arm", coords="minimal", compat="override", combine_attrs="override")
    return joined.assign_attrs(_attributes(runs, names, seeds, shared))


def _check_environment(first: str, left: xr.Dataset, second: str, right: xr.Dataset) -> None:
    """What is compared must have the same actions and contexts; a variable of one run alone is NaN in the other."""
    names = [diagnostics_of(run).environment for run in (left, right)]
    if names[0] != names[1]:
        raise ComparisonError(f"{second}: trained on {names[1]}, {first} on {names[0]}; they are not compared")
    expected, found = (diagnostics_of(run).evaluation for run in (left, right))
    if expected is not None and found != expected:
        raise ComparisonError(
            f"{second}: evaluated with {_in_words(found)}, {first} with {_in_words(expected)}; they are not compared"
        )
    for dim, values in labels(diagnostics_of(left)).items():
        if values != labels(diagnostics_of(right)).get(dim):
            raise ComparisonError(f"{second}: its labels of {dim} differ from those of {first}; they are not compared")


def _in_words(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "no episodes"
    return f"{evaluation.episodes} episodes of at most {evaluation.max_steps:,} steps, drawn in way {evaluation.draw}"


def _check_data(first: str, left: xr.Dataset, second: str, right: xr.Dataset) -> None:
    prints = [run.attrs["data_fingerprint"] for run in (left, right)]
    if prints[0] != prints[1]:
        raise ComparisonError(
            f"{second}: data fingerprint {_short(prints[1])}, unlike {_short(prints[0])} of {first}; "
            "runs on different data are not compared"
        )


def _check_probes(first: str, left: xr.Dataset, second: str, right: xr.Dataset) -> None:
    """Arms that tell contexts apart alike must have been probed on the same states."""
    context = diagnostics_of(left).context
    known = {_context_rules(left, arm): left["probe_count"].isel(arm=arm) for arm in range(left.sizes["arm"])}
    for arm in range(right.sizes["arm"]):
        reference = known.get(_context_rules(right, arm), left["probe_count"].isel(arm=0).sum(context))
        found = right["probe_count"].isel(arm=arm)
        if context not in reference.dims:
            found = found.sum(context)
        if not np.array_equal(_one(reference), _one(found)):
            raise ComparisonError(
                f"{second}: probe states (probe_count) of arm {right['arm'].values[arm]} differ from those of "
                f"{first}; exact probabilities on different states are not compared"
            )
    draws = {one.name: one.draw for one in diagnostics_of(left).probe_sets}
    for one in diagnostics_of(right).probe_sets:
        if draws.get(one.name, one.draw) != one.draw:
            raise ComparisonError(
                f"{second}: its {one.states} were drawn in another way (number {one.draw}) than those of {first} "
                f"(number {draws[one.name]}); exact probabilities on different states are not compared"
            )


def _one(count: xr.DataArray) -> np.ndarray:
    return count.isel(seed=0, checkpoint=0).values


def _context_rules(run: xr.Dataset, arm: int) -> str:
    """The options of an arm that decide which context a state has."""
    settings = json.loads(run.attrs["config"])["arms"][arm]
    names = diagnostics_of(run).context_options
    values = {**(settings.get("env") or {}), **settings.get("by_seed", {})}
    return json.dumps({name: value for name, value in values.items() if name in names}, sort_keys=True)


def _common_seeds(run_dirs: Sequence[str | Path], runs: Sequence[xr.Dataset]) -> list[int]:
    common = set(runs[0]["seed"].values.tolist()).intersection(*(run["seed"].values.tolist() for run in runs[1:]))
    if not common:
        raise ComparisonError(f"{run_dirs[-1]}: no seed in common with {run_dirs[0]}, so nothing can be paired")
    return [seed for seed in runs[0]["seed"].values.tolist() if seed in common]


def _common_checkpoints(run_dirs: Sequence[str | Path], runs: Sequence[xr.Dataset]) -> int:
    shortest = min(run.sizes["checkpoint"] for run in runs)
    steps = np.stack([run["env_steps"].values[:shortest] for run in runs])
    same = (steps == steps[0]).all(axis=0)
    shared = shortest if same.all() else int(same.argmin())
    if shared < min(2, shortest) or not shared:
        raise ComparisonError(
            f"{run_dirs[-1]}: its first checkpoints differ from those of {run_dirs[0]}; windows do not match"
        )
    return shared


def _arm_names(runs: Sequence[xr.Dataset]) -> list[list[str]]:
    every = [str(arm) for run in runs for arm in run["arm"].values]
    run_names = [run.attrs["run_name"] for run in runs]
    if len(set(run_names)) < len(run_names):
        run_names = [f"{name}#{position + 1}" for position, name in enumerate(run_names)]
    return [
        [f"{name}:{arm}" if every.count(arm) > 1 else arm for arm in run["arm"].values.astype(str)]
        for name, run in zip(run_names, runs, strict=True)
    ]


def _attributes(runs: Sequence[xr.Dataset], names: list[list[str]], seeds: list[int], shared: int) -> dict[str, Any]:
    configs = [json.loads(run.attrs["config"]) for run in runs]
    arms = [
        {**_on_seeds(arm, config["seeds"], seeds), "name": name}
        for config, run_names in zip(configs, names, strict=True)
        for arm, name in zip(config["arms"], run_names, strict=True)
    ]
    left_out = []
    for run in runs:
        unpaired = run.sizes["seed"] - len(seeds)
        later = run.sizes["checkpoint"] - shared
        if unpaired:
            left_out.append(f"{unpaired} seeds of {run.attrs['run_name']} are in no other run and were left out")
        if later:
            left_out.append(f"{later} later checkpoints of {run.attrs['run_name']} were left out")
    steps = runs[0]["env_steps"].values[:shared].tolist()
    joined = {**configs[0], "arms": arms, "seeds": seeds, "checkpoints": steps, "timesteps": steps[-1]}
    joined["claims"] = [claim for config in configs for claim in config.get("claims", [])]
    not_recorded = sorted({name for run in runs for name in json.loads(run.attrs.get("not_recorded", "[]"))})
    joined["experiment"] = " and ".join(dict.fromkeys(config["experiment"] for config in configs))
    return {
        "experiment": joined["experiment"],
        "run_name": " and ".join(run.attrs["run_name"] for run in runs),
        "config": json.dumps(joined),
        "left_out": json.dumps(left_out),
        "not_recorded": json.dumps(not_recorded),
    }


def _on_seeds(arm: Mapping[str, Any], own: Sequence[int], seeds: Sequence[int]) -> dict[str, Any]:
    """An arm of a run on its `own` seeds, with the values of `seeds` alone where they have some each."""
    by_seed = arm.get("by_seed", {})
    kept = {name: [values[own.index(seed)] for seed in seeds] for name, values in by_seed.items()}
    return {**arm, "by_seed": kept} if by_seed else dict(arm)


def _short(fingerprint: str) -> str:
    return fingerprint[:19] or "(none)"
