"""Which runs lie in the files and folders that a user names, and what they are called."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from momentum_jax.analysis.curves.reading import event_files, monitors
from momentum_jax.analysis.curves.reading.arrays import Arrays, is_evaluations, read_arrays_file
from momentum_jax.analysis.curves.reading.contents import kind_of, unpacked
from momentum_jax.analysis.curves.reading.file_endings import MONITOR, format_of_ending, without_endings
from momentum_jax.analysis.curves.reading.reading import listed
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import is_run

FORMATS = ("table", "arrays", "netcdf", "events", "monitor", "evaluations", "run")
_OF_KIND = {"text": "table", "parquet": "table"}
_ENVIRONMENT = re.compile(r"\d+\.?" + re.escape(MONITOR))


@dataclass(frozen=True, eq=False)
class Source:
    """Where the curves of one run lie, or those of all of them.

    Attributes:
        paths: its files or its folder; several only of a run with one file an environment.
        format: one of `FORMATS`.
        content: of a single file, unpacked; empty of a folder.
        kind: of the content, as `contents.kind_of` says.
        arrays: by name, of NumPy's files.
    """

    paths: tuple[Path, ...]
    format: str
    content: bytes = b""
    kind: str = ""
    arrays: Arrays = field(default_factory=dict)


def find_sources(paths: Sequence[Path], wanted: str = "") -> list[Source]:
    """The sources in all that the user names, of one format.

    Args:
        paths: files and folders.
        wanted: a format of `FORMATS`, where a folder holds several; empty to find it.

    Raises:
        ConfigError: nothing is found, or several formats are.
    """
    if wanted and wanted not in FORMATS:
        raise ConfigError(f"--format={wanted}: expected one of {', '.join(FORMATS)}")
    sources = [source for path in paths for source in (_in_folder(path, wanted) if path.is_dir() else [_file(path)])]
    found = {source.format: source for source in sources}
    if len(found) > 1:
        examples = [f"{source.paths[0]} ({name})" for name, source in found.items()]
        raise ConfigError(
            f"found {listed(examples)}, expected files of one format: name those of one, or all in one table"
        )
    return sources


def names_of(sources: Sequence[Source]) -> list[str]:
    """What the sources are called: their paths without what all of them share at the beginning and at the end."""
    paths = [_plain(source) for source in sources]
    root = Path(os.path.commonpath([path.parent for path in paths]))
    parts = [path.relative_to(root).parts for path in paths]
    while all(len(each) > 1 for each in parts) and len({each[-1] for each in parts}) == 1:
        parts = [each[:-1] for each in parts]
    return ["/".join(each) for each in parts]


def _plain(source: Source) -> Path:
    """The path without what says the format: of several files of one run their folder."""
    path = source.paths[0].resolve()
    if len(source.paths) > 1:
        return path.parent
    if path.is_dir():
        return path
    return path.parent if source.format == "events" else without_endings(path)


def _file(path: Path) -> Source:
    content = unpacked(path)
    kind = kind_of(path, content)
    if kind == "text" and monitors.is_monitor(content):
        return Source((path,), "monitor", content, kind)
    if kind in ("npz", "npy"):
        arrays = read_arrays_file(path, content)
        return Source((path,), "evaluations" if is_evaluations(arrays) else "arrays", content, kind, arrays)
    return Source((path,), _OF_KIND.get(kind, kind), content, kind)


def _in_folder(folder: Path, wanted: str) -> list[Source]:
    if is_run(folder) and (folder / "diagnostics").is_dir() and wanted in ("", "run"):
        return [Source((folder,), "run")]
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    by_format: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        name = _format_of_name(path)
        if name:
            by_format[name].append(path)
    # Tables stand beside the files of every other format; they are meant where there is nothing else.
    special = {name: paths for name, paths in by_format.items() if name != "table"}
    choice = {wanted: by_format[wanted]} if wanted in by_format else special or dict(by_format)
    if not choice or (wanted and wanted not in choice):
        holds = f"{len(files)} files, {listed([path.name for path in files[:3]])}" if files else "nothing"
        raise ConfigError(
            f"{folder}: holds {holds}, expected runs: event files, *monitor.csv, evaluations.npz, or *.csv"
        )
    if len(choice) > 1:
        counts = ", ".join(f"{len(paths)} {name}" for name, paths in choice.items())
        raise ConfigError(
            f"{folder}: holds files of several formats ({counts}): choose by --format={next(iter(choice))}"
        )
    name, paths = next(iter(choice.items()))
    return _grouped(name, paths)


def _format_of_name(path: Path) -> str:
    return "events" if path.match(event_files.PATTERN) else format_of_ending(path.name)


def _grouped(name: str, paths: Sequence[Path]) -> list[Source]:
    """One source a run: a folder of event files, the environments of one run, or a file."""
    if name == "events":
        return [Source((folder,), name) for folder in dict.fromkeys(path.parent for path in paths)]
    if name != "monitor":
        return [_file(path) for path in paths]
    sources = []
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        by_folder[path.parent].append(path)
    for files in by_folder.values():
        environments = len(files) > 1 and all(_ENVIRONMENT.match(path.name) for path in files)
        sources += [Source(tuple(files), name)] if environments else [Source((path,), name) for path in files]
    return sources
