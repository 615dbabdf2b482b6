"""Noise that is given is used, or the answer says of which arm it is missing; nothing is asked for that is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from momentum_jax.dips import CurveSet, analyze, read_curves
from tests.analysis.curves.test_dip_analysis import noisy_curves

ERRORS = ("value_se", "standard_error", "value_stderr", "se")


def table(**columns: float) -> pd.DataFrame:
    curves = noisy_curves()
    rows = pd.DataFrame(curves).stack().rename_axis(["seed", "step"]).rename("value").reset_index()
    return rows.assign(**columns)


def advice(found) -> str:
    return next((line for line in found.caveats if "hides short dips" in line), "")


@pytest.mark.parametrize("name", ERRORS)
def test_the_column_that_the_advice_names_is_used(name):
    assert "(a column value_se)" in advice(analyze(table(), good="up"))
    found = analyze(table(**{name: 1.0}), good="up")
    assert found.choices.noise == "standard_errors" and (found.curves.standard_errors == 1).all()


def test_an_arm_without_errors_is_named_and_the_advice_followed_works(tmp_path):
    for arm, columns in (("a", {"value_se": 1.0}), ("b", {})):
        table(**columns).to_csv(tmp_path / f"{arm}.csv", index=False)
    reading = read_curves([tmp_path / "a.csv", tmp_path / "b.csv"])
    for curves in (reading.curves, {"a": table(value_se=1.0), "b": table()}):
        found = analyze(curves, good="up")
        assert found.choices.noise == "estimated"
        assert "no noise was given: 'estimated' was taken, since b has no standard errors" in found.notes
        assert advice(found).endswith("To see them, give the noise of every arm: b has no standard errors.")
    given = analyze({"a": table(value_se=1.0), "b": table(value_se=1.0)}, good="up")
    assert given.choices.noise == "standard_errors"


def test_estimated_noise_that_was_asked_for_points_to_what_is_there():
    found = analyze(table(value_se=1.0), good="up", noise="estimated")
    assert advice(found).endswith("To see them, take what the curves carry, by noise=standard_errors.")
    assert not advice(analyze(table(value_se=1.0), good="up", noise="standard_errors"))


def test_single_replicates_of_an_arm_are_none():
    each = noisy_curves()[None, :, None]
    curves = CurveSet(values=each[:, :, 0], steps=np.arange(40), replicates=each)
    found = analyze(curves, good="up")
    assert found.choices.noise == "estimated"
    assert "since all has no replicates" in " ".join(found.notes)
