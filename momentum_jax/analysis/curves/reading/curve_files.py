"""Files and folders of curves: the format is found by content, or named, and what was found is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from momentum_jax.analysis.curves.curve_set import first_place
from momentum_jax.analysis.curves.reading import monitors
from momentum_jax.analysis.curves.reading.arrays import read_arrays, read_evaluations
from momentum_jax.analysis.curves.reading.common_steps import align_runs, check_align, combine
from momentum_jax.analysis.curves.reading.contents import unpacked
from momentum_jax.analysis.curves.reading.datasets import read_netcdf, read_runs
from momentum_jax.analysis.curves.reading.event_files import read_event_runs
from momentum_jax.analysis.curves.reading.reading import Reading, ReadOptions, RunCurve
from momentum_jax.analysis.curves.reading.run_names import RunName, names_in_words, run_names
from momentum_jax.analysis.curves.reading.run_sources import Source, find_sources, names_of
from momentum_jax.analysis.curves.reading.table_runs import Runs, read_tables
from momentum_jax.fields import ConfigError


def read_curves(paths: str | Path | Sequence[str | Path], options: ReadOptions | None = None) -> Reading:
    """Curves of files and folders of one format.

    Args:
        paths: a file or a folder of runs, or several; see docs/dips.md for the formats.
        options: columns, tags, alignment; everything else is derived and said in the reading's notes.

    Raises:
        ConfigError: what was found is not what was expected; one line.
    """
    options = options or ReadOptions()
    check_align(options.align)
    several = [paths] if isinstance(paths, str | Path) else paths
    sources = find_sources([Path(path) for path in several], options.format)
    reading = _whole(sources, options)
    if reading is None:
        reading = _aligned(_runs(sources, options), options)
    elif options.align:
        raise ConfigError(f"--align={options.align}: the seeds share their steps already: leave it out")
    return _with_missing(reading, sources[0], options)


def _whole(sources: Sequence[Source], options: ReadOptions) -> Reading | None:
    """Curves of formats that hold all seeds on common steps; None of the others."""
    form = sources[0].format
    if form == "run":
        return read_runs([source.paths[0] for source in sources], options)
    if form == "netcdf":
        return read_netcdf(_single(sources).paths[0], options)
    if form == "arrays":
        return read_arrays(_single(sources).paths[0], sources[0].arrays, options)
    return None


def _runs(sources: Sequence[Source], options: ReadOptions) -> Runs:
    """The runs of formats with one source each."""
    names = names_of(sources)
    form = sources[0].format
    if form == "table":
        paths = [source.paths[0] for source in sources]
        contents, kinds = [source.content for source in sources], [source.kind for source in sources]
        return read_tables(paths, contents, kinds, names, options)
    runs = run_names(names)
    notes: tuple[str, ...] = (names_in_words(names, runs),)
    if form == "events":
        curves, tag, left_out = read_event_runs([source.paths[0] for source in sources], runs, options)
        return Runs(curves, tag, "TensorBoard event files", (*notes, *([left_out] if left_out else [])))
    if form == "monitor":
        return _of_monitors(sources, runs, options, notes)
    if options.value:
        raise ConfigError(f"--value={options.value}: evaluations have only their results: leave it out")
    curves = [
        read_evaluations(source.paths[0], source.arrays, *name) for source, name in zip(sources, runs, strict=True)
    ]
    notes = (*notes, _episodes_in_words(curves))
    return Runs(curves, "evaluation return", "Stable-Baselines3 evaluations.npz", notes)


def _episodes_in_words(curves: Sequence[RunCurve]) -> str:
    numbers = [len(curve.noise["replicates"]) if curve.noise else 1 for curve in curves]
    fewest, most = min(numbers), max(numbers)
    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    kept = ", which are kept as replicates" if most > 1 else ", which says nothing of their noise"
    return f"Values are means over {number} evaluation episode{'s' * (most > 1)}{kept}."


def _of_monitors(
    sources: Sequence[Source], runs: Sequence[RunName], options: ReadOptions, notes: tuple[str, ...]
) -> Runs:
    episodes = [
        monitors.read_episodes(
            source.paths, [source.content or unpacked(path) for path in source.paths], options, *name
        )
        for source, name in zip(sources, runs, strict=True)
    ]
    curves, in_words = monitors.in_windows(episodes, options.align)
    several = next((source for source in sources if len(source.paths) > 1), None)
    if several:
        notes += (
            f"The {len(several.paths)} files of {several.paths[0].parent} are the environments of one run, joined "
            "by time; name files one by one where each is a seed.",
        )
    return Runs(curves, options.value or "episode return", "Stable-Baselines3 monitor files", (*notes, in_words))


def _aligned(runs: Runs, options: ReadOptions) -> Reading:
    done = align_runs(
        runs.curves, "" if runs.source.endswith("monitor files") else options.align, options.allow_missing
    )
    try:
        curves = combine(done.runs, runs.value_name, "%" if runs.value_name == "successes of totals" else "")
    except ConfigError as error:
        source = runs.curves[0].source.partition(", column")[0]
        raise error if str(error).startswith(source) else ConfigError(f"{source}: {error}") from None
    return Reading(curves, runs.source, (*runs.notes, *([done.note] if done.note else [])))


def _single(sources: Sequence[Source]) -> Source:
    if len(sources) > 1:
        raise ConfigError(f"{sources[1].paths[0]}: a second file of arrays, expected one with all seeds: join them")
    return sources[0]


def _with_missing(reading: Reading, source: Source, options: ReadOptions) -> Reading:
    """The reading with a note on values that are missing, which are refused where the user has not allowed them."""
    curves = reading.curves
    missing = ~curves.known & curves.ran[:, :, None]
    place = first_place(missing)
    if place is None:
        return reading
    where = f"{source.paths[0]}: {curves.place_in_words(place)}"
    if not options.allow_missing:
        raise ConfigError(f"{where}: the value is missing, expected one at each step: allow it by --allow_missing")
    seeds = sum(missing.any(axis=-1).ravel().tolist())
    note = f"{int(missing.sum())} values of {seeds} seeds are missing, the first one of {curves.place_in_words(place)}."
    return reading._replace(notes=(*reading.notes, note))
