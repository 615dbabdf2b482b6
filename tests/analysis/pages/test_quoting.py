"""What prose may quote of a table: numbers with their intervals, verdicts, and nothing of few seeds."""

from __future__ import annotations

import pandas as pd

from momentum_jax.analysis.pages.quoting import quotable
from momentum_jax.analysis.report.formatting import without_few_seeds


def test_numbers_for_prose_carry_their_intervals():
    table = pd.DataFrame(
        [
            {"part": "x", "arm": "a", "depth": 36.84, "depth_low": 35.9, "depth_high": 37.7, "pairs": 12},
            {"part": "y", "arm": "a", "depth": 0.5, "depth_low": 0.25, "depth_high": 0.75, "pairs": 12},
        ]
    )
    table["claim_verdict"] = ["supported", "undecided"]
    found = quotable(table, ("part", "arm"))
    assert found["claim_verdict"]["a"] == "supported" and found["claim_verdict"]["y"] == "undecided"
    assert found["depth"]["a"] == found["depth"]["x-a"] == "36.8 [35.9, 37.7]"
    assert found["depth"]["y-a"] == "0.5 [0.2, 0.8]"
    flagged = quotable(table.assign(flag=["", "total above 1"]), ("part", "arm"))["depth"]
    assert (flagged["x-a"], flagged["y-a"]) == ("36.8 [35.9, 37.7]", "0.5 [0.2, 0.8] (total above 1)")


def test_a_last_step_is_quoted_as_tables_write_it():
    table = pd.DataFrame({"arm": ["short", "long"], "last_step": [63_000, 100_000]})
    found = quotable(table, ("arm",))["last_step"]
    assert (found["short"], found["long"]) == ("63 000", "100 000")


def test_prose_gives_no_interval_of_few_seeds():
    table = pd.DataFrame({"arm": ["few", "many"], "pairs": [5, 6], "depth": [36.8, 36.8]})
    table = table.assign(depth_low=35.9, depth_high=37.7)
    found = quotable(without_few_seeds(table), ("arm",))["depth"]
    assert (found["few"], found["many"]) == ("36.8", "36.8 [35.9, 37.7]")
