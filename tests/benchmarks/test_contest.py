"""The benchmarks' shared parts: workers that answer, workers that fail, what is made of their answers."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from benchmarks import contest, startup, vmapped

_WORKER = """
import time
from benchmarks import contest
def stretch():
    time.sleep({seconds})
    return 1000
contest.serve(stretch, name={name!r})
"""


def side(name: str, seconds: float, copies: int = 1) -> contest.Side:
    return contest.Side(name, [sys.executable, "-c", _WORKER.format(seconds=seconds, name=name)], copies)


def test_sides_are_timed_in_turns_and_copies_add_up():
    result = contest.play([side("ours", 0.1), side("rival", 0.2, copies=2)], rounds=2)
    assert result.facts == {"ours": [{"name": "ours"}], "rival": [{"name": "rival"}] * 2}
    assert result.rates.shape == (2, 2)
    assert result.rates["ours"].between(5_000, 10_000).all()
    assert result.rates["rival"].between(5_000, 10_000).all()


def test_a_worker_that_ends_is_named():
    broken = contest.Side("broken", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(contest.WorkerError, match="broken: the worker ended with status 3"):
        contest.play([broken], rounds=1)


def test_ratio_is_the_median_of_the_rounds_own():
    rates = pd.DataFrame({"ours": [10.0, 100.0, 30.0], "rival": [5.0, 10.0, 10.0]})
    table = contest.summary(rates, "ours").set_index("side")
    assert table.loc["rival", "ours is faster by"] == 3.0
    assert table.loc["rival", "steps/s"] == 10.0


def test_single_file_has_to_learn_the_same():
    assert vmapped.learns_the_same([50.0, 54.0], [51.0, 56.0])[1]
    assert not vmapped.learns_the_same([50.0, 54.0], [60.0, 62.0])[1]


def test_import_times_are_added_up_by_package():
    errors = [
        "import time: self [us] | cumulative | imported package",
        "import time:   1000000 |   1000000 |   numpy.core",
        "import time:    500000 |   1500000 | numpy",
        "import time:    250000 |    250000 | jax",
        "another message",
    ]
    table = startup.imports(errors).set_index("package")["seconds"]
    assert table.to_dict() == {"numpy": 1.5, "jax": 0.25, "all together": 1.75}
