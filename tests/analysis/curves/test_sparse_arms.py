"""Arms that were measured at fewer steps than others: their noise is that of their own neighbouring values."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.analysis.curves.reading.reading import ReadOptions
from momentum_jax.cli import dips_command
from momentum_jax.dips import analyze
from momentum_jax.fields import ConfigError
from tests.analysis.curves.test_dip_analysis import noisy_curves

STEPS = 1_000 * np.arange(1, 161)
CHOICES = {"good": "up", "threshold": 3, "horizon": 40_000, "window": 20_000, "baseline": 4_000}


def correlated(every=4):
    """[seed, K]: errors of neighbouring values of its own are correlated, seen at every so many steps."""
    own = noisy_curves(seeds=24, checkpoints=len(STEPS) // every, seed=2)
    noise = np.random.default_rng(3).normal(size=own.shape)
    own[:, 1:] += noise[:, 1:] + noise[:, :-1]
    return own


def test_an_arm_is_judged_as_it_is_alone():
    """Warnings are errors here: no mean of nothing is taken."""
    dense, own = noisy_curves(seeds=24, checkpoints=len(STEPS)), correlated()
    sparse = np.full(dense.shape, np.nan)
    sparse[:, 3::4] = own
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = analyze({"a": dense, "b": sparse}, steps=STEPS, noise="estimated", allow_missing=True, **CHOICES)
    alone = analyze(own, steps=STEPS[3::4], noise="estimated", **CHOICES)
    beside = both.seeds[both.seeds["arm"] == "b"].reset_index(drop=True)
    np.testing.assert_array_equal(beside["noise_floor"], alone.seeds["noise_floor"])
    np.testing.assert_array_equal(beside["is_dip"], alone.seeds["is_dip"])
    assert beside["noise_floor"].notna().sum() > 12


def ragged(folder):
    """Every seed of b has each fourth step, but not the same ones."""
    dense = noisy_curves(seeds=8, checkpoints=len(STEPS))
    rows = [
        pd.DataFrame({"arm": arm, "seed": seed, "step": STEPS, "value": values})[
            (seed if arm == "b" else 0) % every :: every
        ]
        for arm, every in (("a", 1), ("b", 4))
        for seed, values in enumerate(dense)
    ]
    pd.concat(rows).to_csv(folder / "runs.csv", index=False)
    return folder / "runs.csv"


def test_seeds_without_neighbouring_values_are_refused_with_advice_that_works(tmp_path, capsys):
    path = ragged(tmp_path)
    curves = read_curves([path], ReadOptions(allow_missing=True)).curves
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConfigError, match=r"arm 'b' has no seeds with values at three .* align='bins:40' does"):
            analyze(curves, good="up", allow_missing=True)
    assert dips_command.main([str(path), "--good=up", "--allow_missing"]) == 2
    error = capsys.readouterr().err
    advice = next(word for word in error.split() if word.startswith("--align="))
    assert "\n" not in error.strip()
    assert dips_command.main([str(path), "--good=up", advice]) == 0
    assert analyze(curves, good="up", allow_missing=True, noise=1.0).seeds["judged"].all()
