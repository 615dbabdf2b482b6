"""The examples of docs/environment.md, run as they stand there."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from momentum_jax.env.environment_options import PRESETS, SHAPING_REWARDS, EnvOptions
from tests.conftest import ROOT
from tests.markets import make_segment

PAGE = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
OPTIONAL = ("sb3_contrib",)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the files that the examples name."""
    segment = make_segment(900)  # its first day is a holiday
    bars = pd.DataFrame(segment.bars, columns=["open", "high", "low", "close", "volume"])
    bars.insert(0, "datetime", pd.to_datetime(segment.bar_time_ns))
    bars.to_csv(tmp_path / "spy.csv", index=False)
    vix = pd.DataFrame({"date": pd.to_datetime(segment.vix_date_ns), "close": segment.vix_close})
    vix.to_csv(tmp_path / "vix.csv", index=False)
    return tmp_path


def test_there_is_an_example_for_each_way_in():
    for words in ("gymnax.make(", "gymnasium.make(", 'context="spawn"', "MaskablePPO(", "data_path=", "make_params("):
        assert any(words in example for example in EXAMPLES), words
    short = [example for example in EXAMPLES if ".make(" in example or "MaskablePPO(" in example]
    assert len(short) == 3 and all(len(example.splitlines()) <= 5 for example in short)


def test_every_intervention_stands_in_the_table_with_its_default():
    rows = re.findall(r"^\| (`.*?) \| (\S+) \|", PAGE, flags=re.MULTILINE)
    listed = {name: off for names, off in rows for name in re.findall(r"`(\w+)`", names)}
    preset = PRESETS["realistic"]  # has a page of its own
    fields = [field for field in dataclasses.fields(EnvOptions) if field.metadata.get("free_when_off")]
    fields = [field for field in fields if field.name not in preset]
    assert listed == {field.name: f"{field.default:g}" if field.type == "float" else "true" for field in fields}


def test_every_switch_of_the_realistic_preset_stands_in_its_table():
    page = (ROOT / "docs" / "realistic.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE)
    listed = {name for names in rows for name in re.findall(r"`(\w+)`", names)}
    assert PRESETS["realistic"].keys() - SHAPING_REWARDS - listed == set()


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=[str(place) for place in range(len(EXAMPLES))])
def test_an_example_runs(example, files):
    for module in OPTIONAL:
        if module in example and importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    program = files / "example.py"
    program.write_text(example, encoding="utf-8")
    path = {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, program], cwd=files, env=os.environ | path, capture_output=True, text=True, timeout=280
    )
    assert result.returncode == 0, result.stderr
