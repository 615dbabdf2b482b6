"""One rule for few seeds: below six no verdict word and no interval appears, in whatever form a result is read."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import experiments
from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import verdict_table, write_claims
from momentum_jax.analysis.claims.verdicts import declared_claims, judge_together
from momentum_jax.analysis.dips.evidence import gather
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS, NO_VERDICT, enough
from momentum_jax.analysis.pages.quoting import quotable
from momentum_jax.analysis.report import terminal
from momentum_jax.analysis.report.build import write_report
from momentum_jax.analysis.report.formatting import format_table
from momentum_jax.analysis.report.live import status
from momentum_jax.analysis.report.rendering import markdown_table, to_markdown
from momentum_jax.analysis.report.run_tables import dip_table
from momentum_jax.analysis.report.sections import report_sections
from momentum_jax.analysis.report.summary import built_in_claims
from momentum_jax.config.run_config import RunConfig
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.run_directory import load_run

VERDICTS = (
    "supported",
    "undecided",
    "it rose",
    "it fell",
    "shallower",
    "deeper",
    "most seeds",
    "nearly every",
    "hardly any",
    "fewer than half",
    "no difference",
    "interval holds",
    "interval without",
)
CONFIDENCE = re.compile(r"\b9\d(\.\d+)?\s?%\s(\w+\s)?(interval|band)|95\s?%|standard errors")
# Runs of trim_trap's arms and claims at two doses, so that every figure and every kind of claim is there.
ARMS = ("reference", "trim_reduces_cost")
STEPS = (0, 1_000, 2_000, 5_000, 8_000, 10_000, 25_000, 50_000, 100_000)


def everything_that_is_read(run_dir) -> dict[str, str]:
    """Text by where it is read: the report's files, both kinds of claims, the terminal, a run that is followed."""
    write_report(run_dir)
    texts = {"terminal": terminal.summary(run_dir), "status": status(load_run(run_dir))}
    for source in ("published", "declared"):
        texts[f"{source} claims"] = write_claims([run_dir], source)
        table = pd.read_csv(run_dir / "report" / "claims.csv")
        texts[f"{source} claims.csv"] = table.drop(columns=["claim", "statement", "note"]).to_csv()  # words of the user
    files = [path for suffix in ("md", "html", "svg") for path in (run_dir / "report").rglob(f"*.{suffix}")]
    return texts | {path.name: path.read_text() for path in files}


@pytest.fixture
def with_claims(simulate):
    """Simulated runs that carry the claims of the experiment trim_trap, and of a study's part."""

    def write(num_seeds: int):
        run_dir = simulate(arms=ARMS, num_seeds=num_seeds, steps=STEPS, name=f"of_{num_seeds}")
        path = run_dir / "config.json"
        config = json.loads(path.read_text())
        for arm, dose in zip(config["arms"], (0.08, 0.10), strict=True):
            arm["ppo"]["ent_coef"] = dose
        claims = [*experiments.load("trim_trap").claims, *experiments.load("early_dip.main_causes").claims[:2]]
        plain = RunConfig(experiment="x", arms=experiments.load("trim_trap").arms, claims=tuple(claims)).to_json()
        path.write_text(json.dumps(config | {"claims": plain["claims"]}))
        return run_dir

    return write


@pytest.mark.parametrize("num_seeds", [pytest.param(2, marks=pytest.mark.slow), MIN_SEEDS - 1])
def test_few_seeds_give_numbers_and_no_verdict_in_any_form(with_claims, num_seeds):
    texts = everything_that_is_read(with_claims(num_seeds))
    assert {"report.md", "report.html", "1_curves.svg", "4_dose.svg", "5_pairs.svg"} <= texts.keys()
    for name, text in texts.items():
        found = [word for word in VERDICTS if word in text.lower()]
        assert not found, (name, found)
        assert not CONFIDENCE.search(text), (name, CONFIDENCE.search(text))
    for name in ("report.md", "report.html", "terminal", "published claims", "declared claims", "declared claims.csv"):
        assert "no verdict below 6 seeds" in texts[name], name
    assert f"in {num_seeds} of {num_seeds} healthy seeds" in texts["report.md"]
    assert "HOLD, change 5000 to 10000, trim_reduces_cost less reference" in texts["terminal"]


def test_six_seeds_give_both(with_claims):
    texts = everything_that_is_read(with_claims(MIN_SEEDS))
    assert "supported" in texts["declared claims.csv"] and "undecided" in texts["published claims.csv"]
    for name in ("report.md", "report.html", "terminal", "declared claims"):
        assert any(word in texts[name].lower() for word in VERDICTS), name
        assert CONFIDENCE.search(texts[name]), name
    for name in ("1_curves.svg", "5_pairs.svg", "6_recovery.svg"):
        assert "[+" in texts[name] or "[-" in texts[name] or CONFIDENCE.search(texts[name]), name


def test_a_page_of_few_seeds_quotes_that_there_is_no_verdict(with_claims):
    """A study's page is made of five seeds too: its prose names a claim's verdict, whose place has to be there."""
    ds = load_run(with_claims(MIN_SEEDS - 1))
    table = verdict_table(judge_together(RunNumbers(ds), declared_claims(ds)))
    names = [claim.name for claim in declared_claims(ds)]
    assert list(dict.fromkeys(table["claim"])) == names and "value_low" not in table
    assert quotable(table, ("claim", "number"))["claim_verdict"][names[0]] == NO_VERDICT


def test_the_rule_has_one_number():
    assert (enough(MIN_SEEDS), enough(MIN_SEEDS - 1), enough(np.nan)) == (True, False, False)


@pytest.mark.parametrize("write", [markdown_table, format_table])
@pytest.mark.parametrize("count", ["seeds", "pairs"])
def test_tables_show_the_intervals_of_rows_with_enough_seeds_only(write, count):
    table = pd.DataFrame({"arm": ["few", "many"], count: [5, 6], "x": [21.0, 31.0], "x_low": [20, 30.0]})
    table["x_high"] = table["x_low"] + 2
    text = write(table)
    assert "31.0 [30.0, 32.0]" in text and "21.0" in text and "20.0" not in text
    assert table["x_low"].notna().all()  # the table itself keeps its numbers


def test_built_in_statements_share_the_level_among_themselves(simulate):
    ds = load_run(simulate(arms=("tune2", "b", "c", "d"), num_seeds=8, steps=STEPS))
    text = to_markdown("", report_sections(ds, dip_table(ds), gather(ds), images=[], command=""))
    # One prevalence, two landmarks in each of four arms, two arms against the first.
    assert built_in_claims(MOMENTUM, 4) == 11
    assert "make 11 statements" in text and text.count("99.55 % interval") >= 11
