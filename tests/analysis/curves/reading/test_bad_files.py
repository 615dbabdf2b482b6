"""What cannot be read costs one line that says what was found, what was expected and what to do; never a traceback."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.analysis.curves.reading.reading import ReadOptions
from momentum_jax.fields import ConfigError
from tests.analysis.curves.reading import files


def text(content: str | bytes, name: str = "runs.csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], Path]:
    return lambda folder: text(change(files.tidy()).to_csv(index=False))(folder)


def arrays(**named: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "curves.npz", **named)
        return folder / "curves.npz"

    return write


def cell(column: str, row: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: object})
        frame.loc[row, column] = value
        return frame

    return change


BAD = {
    "absent": (lambda folder: folder / "runs.csv", "no such file or folder"),
    "empty": (text(b""), "the file is empty"),
    "blank": (text("\n \n"), "the file is empty"),
    "no table": (text("Lorem ipsum dolor\nsit amet\n"), "the first line is 'Lorem ipsum dolor', expected names"),
    "no names": (text("1,0,3.5\n2,0,3.6\n"), "the first line is 1, 0, 3.5, expected names of columns"),
    "no row": (text("seed,step,value\n"), "holds no row below the names seed, step, value"),
    "ragged": (text("seed,step,value\n0,1,2\n0,2,3,4\n"), "runs.csv: is no table"),
    "binary": (text(bytes(range(256)) * 8), "bytes that are no text"),
    "latin": (text("seed,step,Größe\n0,1,2\n".encode("latin-1")), "byte 13 is not UTF-8"),
    "pickle": (text(pickle.dumps({"a": 1}), "runs.pkl"), "is a pickle, which is never opened"),
    "cut gz": (text(gzip.compress(b"seed,step,value\n0,1,2\n" * 99)[:60], "runs.csv.gz"), "cannot be unpacked"),
    "cut parquet": (text(b"PAR1" + bytes(50), "runs.parquet"), "cannot be read as Parquet"),
    "cut netcdf": (text(b"\x89HDF\r\n\x1a\n" + bytes(50), "runs.nc"), "cannot be read as NetCDF"),
    "no seeds": (table(lambda t: t.drop(columns=["seed", "arm"])), "no column of seeds; found step, value"),
    "no steps": (table(lambda t: t.drop(columns="step")), "no column of steps; found arm, seed, value"),
    "no values": (
        table(lambda t: t.rename(columns={"value": "loss"}).assign(kl=0.1)),
        "which column holds the values. found loss, kl, .*--value=COLUMN",
    ),
    "same names": (text("seed,step,value,value\n0,1,2,3\n"), "column value occurs twice"),
    "word": (table(cell("value", 30, "high")), "line 32: value is 'high', expected a number"),
    "decimal comma": (table(cell("value", 30, "0,5")), "line 32: value is '0,5', .*write a decimal point"),
    "infinite": (table(cell("value", 30, np.inf)), "line 32: value is inf, expected a number: leave it empty"),
    "missing": (table(cell("value", 30, None)), "seed 2, step 7000: the value is missing.*--allow_missing"),
    "no step": (table(cell("step", 30, None)), "line 32: step is empty, expected a number"),
    "no label": (table(cell("seed", 30, None)), "line 32: seed is empty, expected a label"),
    "twice": (table(lambda t: pd.concat([t[:1].assign(value=9), t])), "step 1000 occurs twice, .*--arm"),
    "unequal": (
        table(lambda t: t[:-3]),
        "unequal steps: .*allow .*--allow_missing, or give --align=previous",
    ),
    "other steps": (table(cell("step", 30, 6_500)), "seeds have unequal steps: .*expected the same steps in all: give"),
    "steps beyond what numbers tell apart": (
        table(lambda t: t.assign(step=[10**20 + k for k in t["step"]])),
        r"found step 1e\+20, expected at most 9007199254740992.*subtract",
    ),
    "thousands": (table(lambda t: t.assign(step=t["step"].map("{:,}".format))), "step is '1,000', .*nothing between"),
    "thousands in quotes": (
        table(cell("value", 30, "2,990")),
        "line 32: value is '2,990', expected a number: it may be 2990 or 2.990: write a decimal point",
    ),
    "millions": (table(cell("value", 30, "1,002,990")), "line 32: value is '1,002,990', .*nothing between thousands"),
    "blanks between cells": (text("seed step value\n0 1 2\n"), "separate them by commas, semicolons, tabs or bars"),
    "comment": (text("# mine\nseed,step,value\n0,1,2\n"), "first line is '# mine', .*remove lines above them"),
    "json": (text('[{"seed": 0}]'), r"is JSON: save it as CSV, e.g. by pandas.read_json\(FILE\)"),
    "json lines": (text('{"seed": 0}\n'), r"is JSON: save it as CSV, e.g. by pandas.read_json\(FILE, lines=True\)"),
    "columns without numbers": (text("step,a,b\n1,2,3\n"), "where each column is a run, call them seed_0, seed_1"),
    "no column of steps": (text("seed_0,seed_1\n1,2\n"), "name it with --step=COLUMN, or add it"),
    "objects": (arrays(values=np.array([[1, 2], [3]], object)), "an array of objects, which is never unpickled"),
    "no such arrays": (arrays(a=np.zeros(3), b=np.zeros(4)), r"holds a \[3\], b \[4\], expected values \[seed, K\]"),
    "steps of another number": (arrays(values=np.zeros((2, 3)), steps=np.arange(4)), r"steps have shape \(4,\)"),
    "array backwards": (arrays(values=np.zeros((2, 3)), steps=[0, 2, 1]), "expected steps that increase"),
    "array infinite": (arrays(values=np.array([[1, np.inf]]), steps=[0, 1]), "found inf, expected a finite number"),
    "array of words": (arrays(values=np.array([["a"]])), "values holds <U1, expected numbers"),
    "one dimension": (arrays(values=np.zeros(4)), r"values has shape \[4\], expected \[seed, K\]"),
    "evaluations": (
        arrays(timesteps=[1, 2], results=np.zeros(2)),
        r"results \[2\], expected \[K\] and \[K, epi",
    ),
    "empty folder": (lambda folder: folder, "holds nothing, expected runs: event files"),
    "folder of words": (lambda folder: text("hello", "notes.txt")(folder).parent, "holds 1 files, notes.txt, expected"),
    "no episode": (
        text('#{"t_start": 0}\nr,l,t\n', "monitor.csv"),
        "holds no row below the names r, l, t",
    ),
    "no comment": (text("#{t_start\nr,l,t\n1,2,3\n", "monitor.csv"), "expected a comment in JSON"),
    "few episodes": (text('#{"t_start": 0}\nr,l,t\n' + "1,2,3\n" * 20, "monitor.csv"), "20 episodes.*--align=bins:N"),
    "monitor columns": (text('#{"t_start": 0}\nr,t\n1,2\n', "monitor.csv"), "no column 'l'"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_was_found_and_what_was_expected_is_said_in_one_line(tmp_path, name):
    write, words = BAD[name]
    path = write(tmp_path)
    with pytest.raises(ConfigError, match=words) as refused:
        read_curves([path])
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_column_that_is_not_there_names_the_nearest(tmp_path):
    path = table(lambda t: t)(tmp_path)
    with pytest.raises(ConfigError, match=r"no column 'vale' \(--value\); found arm, .*; did you mean value"):
        read_curves([path], ReadOptions(value="vale"))


def test_files_of_several_formats_are_refused(tmp_path):
    paths = [table(lambda t: t)(tmp_path), arrays(values=np.zeros((2, 3)))(tmp_path)]
    with pytest.raises(ConfigError, match=r"runs.csv \(table\), .*curves.npz \(arrays\), expected files of one format"):
        read_curves(paths)
    files.write_monitor(tmp_path / "a" / "monitor.csv", np.arange(60.0), np.full(60, 5))
    files.write_evaluations(tmp_path / "a" / "evaluations.npz", np.zeros((12, 3)))
    with pytest.raises(ConfigError, match=r"several formats .*: choose by --format=") as refused:
        read_curves([tmp_path / "a"])
    advice = str(refused.value).rpartition("--format=")[2]
    assert read_curves([tmp_path / "a"], ReadOptions(format=advice)).curves.values.size > 0


def written(folder: Path) -> list[Path]:
    """A small file of every format."""
    made = folder / "whole"
    made.mkdir()
    files.tidy().to_csv(made / "tidy.csv", index=False)
    files.tidy().to_csv(made / "tidy.csv.gz", index=False)
    files.tidy().to_parquet(made / "tidy.parquet")
    files.wandb_table().to_csv(made / "wandb.csv", index=False)
    np.savez(made / "curves.npz", values=files.curves()[0], steps=files.STEPS)
    np.save(made / "curves.npy", files.curves()[0])
    files.write_monitor(made / "monitor.csv", np.arange(60.0), np.full(60, 5))
    files.write_evaluations(made / "evaluations.npz", np.arange(36.0).reshape(12, 3))
    files.write_events(made / "events", files.curves()[0, 0], "return")
    return sorted(path for path in made.rglob("*") if path.is_file())


def test_files_that_are_cut_or_changed_anywhere_end_in_one_line(tmp_path):
    """20 cuts and 20 changed bytes of every format: curves, or a refusal; nothing else."""
    key = np.random.default_rng(0)
    refused = 0
    for path in written(tmp_path):
        content = path.read_bytes()
        for trial in range(40):
            damaged = bytearray(content)
            place = int(key.integers(len(content)))
            if trial % 2:
                damaged[place] ^= int(key.integers(1, 256))
            else:
                del damaged[place:]
            path.write_bytes(damaged)
            try:
                assert read_curves([path], ReadOptions(value="return" if "tfevents" in path.name else "")).curves
            except ConfigError as error:
                refused += 1
                assert len(str(error).splitlines()) == 1, error
    assert refused > 100


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    path = text(files.tidy().to_csv(index=False))(tmp_path)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigError, match=r"may not be read by this user: change its permissions or copy it$"):
        read_curves([path], ReadOptions())
