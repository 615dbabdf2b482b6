"""README.md: its Python example gives the report's own numbers, its first screen only numbers of the study's tables."""

from __future__ import annotations

import re

import numpy as np
import pytest

from momentum_jax.analysis.curves import derive_curves
from momentum_jax.analysis.tables import checkpoint_table
from momentum_jax.store import load_run
from tests.analysis.conftest import simulator
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return simulator(tmp_path_factory.mktemp("runs"))(num_seeds=7, failed={(0, 2): 25_000}, name="tune2")


def test_the_python_example_gives_the_reports_p_hold(run_dir):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert '"runs/tune2"' in example
    names: dict = {}
    exec(compile(example.replace('"runs/tune2"', repr(str(run_dir))), "README.md", "exec"), names)
    found = 100 * names["p_hold"]
    ds = load_run(run_dir)
    expected = derive_curves(ds)["p_hold"]
    np.testing.assert_allclose(found.transpose(*expected.dims).values, expected.values, rtol=1e-12)
    assert np.isnan(found.sel(arm="tune2", seed=2).values[-1])  # a failed seed has no probability
    # What the report prints.
    row = checkpoint_table(ds, "tune2").loc[(10_000, "exact"), "hold_pct_median"]
    at_10k = found.sel(arm="tune2").isel(checkpoint=int(np.flatnonzero(ds["env_steps"].values == 10_000)[0]))
    assert float(at_10k.median("seed")) == pytest.approx(row)
