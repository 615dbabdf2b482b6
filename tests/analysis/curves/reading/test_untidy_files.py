"""Tables as people really have them: in any order, with copies, gaps, crashed seeds and other ways to write numbers."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.analysis.curves.reading.reading import ReadOptions
from momentum_jax.dips import analyze
from momentum_jax.fields import ConfigError
from tests.analysis.curves.reading import files

Frame = pd.DataFrame


def text(table: Frame, **options: object) -> bytes:
    return table.to_csv(index=False, **options).encode(options.get("encoding", "utf-8"))


def wide(table: Frame) -> Frame:
    return table.pivot(index="step", columns="seed", values="value").add_prefix("seed_").reset_index()


SAME: dict[str, Callable[[Frame], bytes]] = {
    "rows in no order": lambda t: text(t.sample(frac=1, random_state=1)),
    "backwards": lambda t: text(t.iloc[::-1]),
    "rows twice": lambda t: text(pd.concat([t, t[5:20]])),
    "steps as floats": lambda t: text(t.astype({"step": float})),
    "steps with powers": lambda t: text(t.assign(step=t["step"].map("{:.3e}".format))),
    "seeds as floats": lambda t: text(t.astype({"seed": float})),
    "blanks after numbers": lambda t: text(t.assign(value=t["value"].map("{} ".format))),
    "quoted": lambda t: text(t, quoting=1),
    "byte-order mark": lambda t: text(t, encoding="utf-8-sig"),
    "UTF-16": lambda t: text(t, encoding="utf-16"),
    "semicolons": lambda t: text(t, sep=";", decimal=","),
    "tabs": lambda t: text(t, sep="\t"),
    "gzip": lambda t: gzip.compress(text(t)),
    "capitals": lambda t: text(t.rename(columns=str.capitalize)),
    "a column of numbers of rows": lambda t: t.to_csv().encode(),
    "a column a seed": lambda t: text(wide(t)),
    "numbers of rows beside a column a seed": lambda t: wide(t).to_csv().encode(),
    "numbers of shuffled rows": lambda t: (
        t.rename(columns={"value": "y"}).sample(frac=1, random_state=1).to_csv().encode()
    ),
    "numbers of rows that were joined": lambda t: (
        pd.concat([wide(t)[:5], wide(t)[5:].reset_index(drop=True)]).to_csv().encode()
    ),
    "numbers of rows, read and written again": lambda t: pd.read_csv(io.StringIO(wide(t).to_csv())).to_csv().encode(),
    "numbers of rows with a name": lambda t: text(wide(t).reset_index()),
    "numbers of rows with other names of columns": lambda t: t.rename(columns={"value": "y"}).to_csv().encode(),
    "blank lines": lambda t: text(t).replace(b"\n", b"\n\n", 5),
}


@pytest.mark.parametrize("name", SAME)
def test_the_curves_are_the_same_however_they_are_written(tmp_path, name):
    path = tmp_path / "runs.csv"
    path.write_bytes(SAME[name](files.tidy().drop(columns="arm")))
    reading = read_curves([path])
    np.testing.assert_array_equal(reading.curves.values, files.curves())
    np.testing.assert_array_equal(reading.curves.steps, files.STEPS)
    assert reading.curves.seeds == tuple(map(str, files.SEEDS))
    disordered = ("rows in no order", "backwards", "rows twice", "numbers of shuffled rows")
    assert ("were sorted" in " ".join(reading.notes)) == (name in disordered)
    assert ("number the rows were left out" in " ".join(reading.notes)) == ("numbers of" in name)
    assert ("exact copies" in " ".join(reading.notes)) == (name == "rows twice")


def test_a_column_without_a_name_stays_where_it_may_be_more_than_numbers_of_rows(tmp_path):
    """Seeds as the index, and a column of steps without a name."""
    table = files.tidy().drop(columns="arm")
    path = tmp_path / "runs.csv"
    table.rename(columns={"seed": ""})[["", "step", "value"]].to_csv(path, index=False)
    with pytest.raises(ConfigError, match=r"no column of seeds; found \(no name\), step, value"):
        read_curves([path])
    wide(table).rename(columns={"step": ""}).to_csv(path, index=False)
    np.testing.assert_array_equal(read_curves([path]).curves.steps, files.STEPS)


@pytest.mark.parametrize("gap", ["rows that are not there", "rows that are empty"])
def test_a_seed_that_crashed_is_read_where_seeds_may_end_early(tmp_path, gap):
    table, expected = files.tidy(), files.curves()
    late = (table["seed"] == 2) & (table["step"] > 7_000)
    (table[~late] if gap == "rows that are not there" else table.assign(value=table["value"].mask(late))).to_csv(
        tmp_path / "runs.csv", index=False
    )
    reading = read_curves([tmp_path / "runs.csv"], ReadOptions(allow_missing=True))
    expected[0, 2, 7:] = np.nan
    np.testing.assert_array_equal(reading.curves.values, expected)
    assert "5 values of 1 seeds are missing, the first one of seed 2, step 8000." in reading.notes


def test_a_seed_without_any_value_is_left_out_where_that_is_allowed():
    values = np.vstack([files.curves()[0], np.full((1, len(files.STEPS)), np.nan)])
    found = analyze(values, steps=files.STEPS, good="up", noise="exact", allow_missing=True)
    assert found.seeds["seed"].tolist() == ["0", "1", "2", "3"] and found.curves.values.shape == (1, 4, 12)


def write_progress(path: Path, values: np.ndarray) -> Path:
    """As the logger of stable_baselines3 2.9 writes it with EvalCallback: a row a log, cells of others empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rollout = Frame({"time/total_timesteps": files.STEPS, "rollout/ep_rew_mean": values})
    evaluation = Frame({"time/total_timesteps": files.STEPS[1::2], "eval/mean_reward": values[1::2] + 1})
    pd.concat([rollout, evaluation]).sort_values("time/total_timesteps").to_csv(path, index=False)
    return path


def test_a_log_of_stable_baselines_has_the_steps_at_which_a_value_was_logged(tmp_path):
    paths = [
        write_progress(tmp_path / "ppo" / f"seed_{seed}" / "progress.csv", values)
        for seed, values in zip(files.SEEDS, files.curves()[0], strict=True)
    ]
    reading = read_curves(paths, ReadOptions(value="rollout/ep_rew_mean"))
    np.testing.assert_array_equal(reading.curves.values, files.curves())
    assert "Rows without rollout/ep_rew_mean are steps at which it was not logged." in reading.notes
    evaluated = read_curves(paths, ReadOptions(value="eval/mean_reward")).curves
    np.testing.assert_array_equal(evaluated.values, files.curves()[..., 1::2] + 1)
