"""A comma or a point with three digits behind it may be a decimal mark, or stand between thousands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.fields import ConfigError
from tests.analysis.curves.reading import files

VALUES = 1_000 * files.curves() + 5  # below and above 1 000


def comma(value: float) -> str:
    return f"{value:,.0f}"


def point(value: float) -> str:
    return comma(value).replace(",", ".")


def write(folder: Path, cells: list[str], separator: str, step: str = "{}", ending: str = "csv") -> Path:
    table = files.tidy().drop(columns="arm").assign(value=cells, step=files.tidy()["step"].map(step.format))
    path = folder / f"runs.{ending}"
    table.to_csv(path, index=False, sep=separator)
    return path


def written(value: float, decimals: str) -> str:
    return decimals.format(value).replace(".", ",")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("mark", [comma, point])
def test_thousands_are_not_read_as_decimals(tmp_path, separator, mark):
    """The advice works: without the marks the values are read whole."""
    cells = [mark(value) for value in VALUES.ravel()]
    with pytest.raises(ConfigError, match=r"value is '1.005', expected a number: .*1005.*nothing between"):
        read_curves([write(tmp_path, cells, separator)])
    plain = [cell.replace(",", "").replace(".", "") for cell in cells]
    np.testing.assert_allclose(read_curves([write(tmp_path, plain, separator)]).curves.values, VALUES, atol=0.51)


def test_points_are_decimal_marks_between_commas(tmp_path):
    cells = [point(value) for value in VALUES.ravel()]
    assert read_curves([write(tmp_path, cells, ",")]).curves.values.max() < 1_000


def test_steps_with_thousands_are_not_read_as_decimals(tmp_path):
    with pytest.raises(ConfigError, match=r"step is '1,000', expected a number: it may be 1000 or 1\.000"):
        read_curves([write(tmp_path, [str(value) for value in VALUES.ravel()], ";", step="{:,}")])


@pytest.mark.parametrize("decimals", ["{:.3f}", "{:.2f}", "{:g}"])
def test_decimal_commas_are_read_where_a_cell_proves_them_and_said(tmp_path, decimals):
    """Values below 1 begin with 0, as no number with thousands does."""
    values = VALUES / 10_000
    reading = read_curves([write(tmp_path, [written(value, decimals) for value in values.ravel()], ";")])
    np.testing.assert_allclose(reading.curves.values, values, atol=0.006)
    first = written(values.ravel()[0], decimals)
    said = [note for note in reading.notes if note.startswith("Commas in numbers are decimal marks:")]
    assert said == [f"Commas in numbers are decimal marks: {first} in value is {first.replace(',', '.')}."]


def test_a_proof_in_one_column_holds_for_the_others(tmp_path):
    table = files.tidy().assign(value=[f"{value + 1:.3f}".replace(".", ",") for value in files.curves().ravel()])
    path = tmp_path / "runs.csv"
    table.to_csv(path, index=False, sep=";")
    with pytest.raises(ConfigError, match=r"it may be [\d]+ or \d+\.\d{3}: write"):
        read_curves([path])
    table.assign(value_se="0,5").to_csv(path, index=False, sep=";")
    curves = read_curves([path]).curves
    np.testing.assert_allclose(curves.values, files.curves() + 1, atol=0.0006)
    assert (curves.standard_errors == 0.5).all()


def test_a_column_with_points_stays_as_it_is_beside_one_with_commas(tmp_path):
    path = tmp_path / "runs.csv"
    files.tidy().assign(lr="0,5").to_csv(path, index=False, sep=";")
    np.testing.assert_array_equal(read_curves([path]).curves.values, files.curves())


@pytest.mark.parametrize("decimals", ["{:.3f}", "{:.1f}", "{:g}", "{:.3e}"])
def test_decimal_points_are_read_as_they_are(tmp_path, decimals):
    for values in (files.curves(), files.curves() / 100):
        cells = [decimals.format(value) for value in values.ravel()]
        reading = read_curves([write(tmp_path, cells, "\t", ending="tsv")])
        np.testing.assert_allclose(reading.curves.values, values, atol=0.06)
        assert not any("marks" in note for note in reading.notes)


def test_what_is_not_read_may_be_written_as_it_likes(tmp_path):
    path = tmp_path / "runs.csv"
    files.tidy().assign(frames=[comma(value) for value in VALUES.ravel()]).to_csv(path, index=False, sep=";")
    np.testing.assert_array_equal(read_curves([path]).curves.values, files.curves())
    assert isinstance(pd.read_csv(path, sep=";")["frames"][40], str)
