"""Files without the endings that say their format: only known ones are taken off, since ``lr_0.01`` has a dot too."""

from __future__ import annotations

from pathlib import Path

MONITOR = "monitor.csv"
EVALUATIONS = "evaluations.npz"
_COMPRESSED = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd", ".zip")
_TABLES = (".csv", ".tsv", ".parquet")  # in a folder, where other text may be anything
_TEXT = (".txt", ".tab", ".dat", ".log", ".pq")
_ARRAYS = (".npz", ".npy", ".nc")


def format_of_ending(name: str) -> str:
    """``monitor``, ``evaluations`` or ``table``, compressed or not; empty of every other file."""
    plain = _without(name, _COMPRESSED).lower()
    if plain.endswith(MONITOR):
        return "monitor"
    if plain.endswith(EVALUATIONS):
        return "evaluations"
    return "table" if plain.endswith(_TABLES) else ""


def without_endings(path: Path) -> Path:
    """The path of a run: of ``a/lr_0.01.csv.gz`` and ``a/lr_0.01.monitor.csv`` it is ``a/lr_0.01``.

    A file whose name is nothing but an ending, such as ``a/monitor.csv``, stands for its folder.
    """
    plain = _without(path.name, _COMPRESSED)
    if plain.lower().endswith(MONITOR):
        stem = plain[: -len(MONITOR)].rstrip(".")
        return path.with_name(stem) if stem else path.parent
    return path.with_name(_without(plain, (*_TABLES, *_TEXT, *_ARRAYS)))


def _without(name: str, endings: tuple[str, ...]) -> str:
    """The name without one of the endings; as it is where it has none or nothing would be left."""
    ending = next((each for each in endings if name.lower().endswith(each) and len(name) > len(each)), "")
    return name.removesuffix(name[len(name) - len(ending) :]) if ending else name
