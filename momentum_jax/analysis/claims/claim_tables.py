"""Verdicts as a table and as text; files in report/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.published import Published, published_percentiles
from momentum_jax.analysis.claims.published_arms import published_arms
from momentum_jax.analysis.claims.published_claims import judge_published
from momentum_jax.analysis.claims.verdicts import Finding, Judgement, declared_claims, judge_together
from momentum_jax.analysis.inference.few_seeds import NO_VERDICT, enough
from momentum_jax.analysis.inference.intervals import Interval
from momentum_jax.analysis.metrics.derived_curves import healthy_seeds
from momentum_jax.analysis.report.formatting import format_percent, format_table, without_few_seeds
from momentum_jax.diagnostics.description import COUNTED
from momentum_jax.run_directory import write_atomic
from momentum_jax.run_directory.backtest_files import sessions_of_test_part
from momentum_jax.run_directory.joining import load_runs

SOURCES = ("published", "declared")


def write_claims(run_dirs: Sequence[str | Path], source: str) -> str:
    """Judges the claims of a source and writes ``report/claims.csv`` (and ``report/published.csv``) of the first run.

    Args:
        run_dirs: one run, or several on the same data whose common seeds are paired.
        source: ``published``, or ``declared`` by the study before it ran.

    Returns:
        The verdicts as text.

    Raises:
        RunDirectoryError: a run cannot be read.
        ComparisonError: the runs cannot be set side by side.
        ConfigError: a declared claim does not fit.
    """
    ds = load_runs(run_dirs)
    run = RunNumbers(ds, sessions_of_test_part(run_dirs[0]) if len(run_dirs) == 1 else None)
    judgements = judge_published(run) if source == "published" else judge_together(run, declared_claims(ds))
    folder = Path(run_dirs[0]) / "report"
    table = claims_table(judgements, enough(healthy_seeds(ds)))
    write_atomic(folder / "claims.csv", table.to_csv(index=False).encode())
    text = f"{ds.attrs['run_name']}: {source} claims\n\n{claims_text(judgements)}"
    if source == "declared":
        return text
    places = published_places(ds)
    write_atomic(folder / "published.csv", places.to_csv(index=False).encode())
    return f"{text}\n{_places_text(places)}"


def declared_text(ds: xr.Dataset) -> str:
    """The verdicts on what was declared before a run; empty where nothing was."""
    claims = declared_claims(ds)
    return f"\nDeclared before the run\n\n{claims_text(judge_together(RunNumbers(ds), claims))}" if claims else ""


def claims_table(judgements: Sequence[Judgement], with_verdicts: bool = True) -> pd.DataFrame:
    """One row per criterion (or per claim that has none): verdicts and numbers, NaN where there is none.

    Args:
        judgements: what to show.
        with_verdicts: whether the run has seeds enough for any (see `few_seeds`); their columns are empty without.
    """
    table = pd.DataFrame([row for judgement in judgements for row in _rows(judgement)])
    return table if with_verdicts or table.empty else table.assign(claim_verdict=np.nan, verdict=np.nan)


def _rows(judgement: Judgement) -> list[dict[str, object]]:
    claim = judgement.claim
    front: dict[str, object] = {
        "claim": claim.name,
        "statement": claim.statement,
        "claim_verdict": judgement.verdict.value,
        "seeds_meeting_all": judgement.meeting.estimate,
        "seeds_meeting_all_low": judgement.meeting.low,
        "seeds_meeting_all_high": judgement.meeting.high,
    }
    back: dict[str, object] = {"note": claim.note}
    if not judgement.findings:
        return [front | {"verdict": judgement.verdict.value, "reason": f"not measured: {claim.unmeasured}"} | back]
    return [front | _columns(finding) | back for finding in judgement.findings]


def _columns(finding: Finding) -> dict[str, object]:
    row: dict[str, object] = {
        "arm": finding.arm,
        "number": finding.number,
        "counted": finding.counted,
        "seeds": finding.seeds,
        "minimum": np.nan if finding.minimum is None else finding.minimum,
        "maximum": np.nan if finding.maximum is None else finding.maximum,
        "confidence": finding.confidence,
        "flag": finding.interval.flag,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
    }
    for counted in _columns_of(finding):
        interval = finding.interval if counted == finding.counted else finding.beside.get(counted)
        for part in ("estimate", "low", "high"):
            row[f"{counted}_{part}"] = np.nan if interval is None else getattr(interval, part)
    return row


def _columns_of(finding: Finding) -> list[str]:
    """The forms that have columns: what is evaluated has them only where a claim is on it."""
    known = {finding.counted, *finding.beside}
    return [counted for counted in COUNTED if counted != "evaluated" or counted in known]


def verdict_table(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """To read: one row per criterion with the claim and its verdict, what is needed and what was found.

    Where no criterion has `few_seeds.MIN_SEEDS` seeds, a claim keeps its name and its numbers, and its verdict
    is that there is none, so that a page which quotes it can be made of any number of seeds.
    """
    if not judgements:
        return pd.DataFrame()
    rows = []
    for row in claims_table(judgements).to_dict("records"):
        line = {name: row.get(name, np.nan) for name in ("claim", "statement", "claim_verdict", "number", "seeds")}
        line["needed"] = _needed(row.get("minimum", np.nan), row.get("maximum", np.nan))
        for end, part in (("", "estimate"), ("_low", "low"), ("_high", "high")):
            line[f"value{end}"] = row.get(f"{row.get('counted')}_{part}", np.nan)
        rows.append(line | {"verdict": row["verdict"], "reason": row["reason"] or np.nan})
    table = pd.DataFrame(rows).astype({"seeds": "Int64"})
    if not enough(most_seeds(judgements)):
        table = without_few_seeds(table.assign(claim_verdict=NO_VERDICT))
        return table[["claim", "claim_verdict", "number", "seeds", "needed", "value"]]
    return table.dropna(axis="columns", how="all")


def most_seeds(judgements: Sequence[Judgement]) -> int:
    """Seeds of the finding that has most of them."""
    return max((finding.seeds for judgement in judgements for finding in judgement.findings), default=0)


def _needed(minimum: float, maximum: float) -> str:
    ends = [("more than", minimum), ("at most", maximum)]
    return ", ".join(f"{word} {end:g}".replace("-", "−") for word, end in ends if not np.isnan(end))


def claims_text(judgements: Sequence[Judgement]) -> str:
    """The verdicts to read in a terminal; below `few_seeds.MIN_SEEDS` seeds the numbers alone."""
    if not judgements:
        return "No claim was declared.\n"
    if enough(most_seeds(judgements)):
        return "\n".join(_paragraph(judgement) for judgement in judgements)
    lines = [f"   {_sentence(finding)}" for judgement in judgements for finding in judgement.findings]
    return "\n".join([f"{len(judgements)} claims, {NO_VERDICT}. What they speak of:", *lines]) + "\n"


def _paragraph(judgement: Judgement) -> str:
    claim = judgement.claim
    lines = [f"{claim.name}. {judgement.verdict.upper()}: {claim.statement}"]
    if not judgement.findings:
        lines.append(f"   not measured: {claim.unmeasured}")
    for finding in judgement.findings:
        lines.append(f"   {finding.verdict.value:<14}{_sentence(finding)}")
    if not np.isnan(judgement.meeting.estimate):
        text = _number(judgement.meeting, max(finding.seeds for finding in judgement.findings), scale=100)
        lines.append(f"   seeds that meet all of it: {text} %")
    if claim.note:
        lines.append(f"   {claim.note}")
    return "\n".join(lines) + "\n"


def _sentence(finding: Finding) -> str:
    if not finding.seeds or np.isnan(finding.interval.estimate):
        return f"{finding.number}: {finding.reason}"
    limits = [
        *([] if finding.minimum is None else [f"> {finding.minimum:g}"]),
        *([] if finding.maximum is None else [f"<= {finding.maximum:g}"]),
    ]
    text = _number(finding.interval, finding.seeds)
    beside = "".join(f"; {counted} {_number(found, finding.seeds)}" for counted, found in finding.beside.items())
    flag = f" ({finding.interval.flag})" if finding.interval.flag else ""
    reason = f"; {finding.reason}" if finding.reason else ""
    interval = f"{format_percent(finding.confidence)} interval, " if enough(finding.seeds) else ""
    return (
        f"{finding.number}: {finding.counted} {text}{flag}, claimed {' and '.join(limits)} "
        f"({interval}{finding.seeds} seeds){beside}{reason}"
    )


def _number(interval: Interval, seeds: int, scale: float = 1.0) -> str:
    if np.isnan(interval.estimate):
        return "not measured"
    ends = f" [{scale * interval.low:.1f} … {scale * interval.high:.1f}]" if enough(seeds) else ""
    return f"{scale * interval.estimate:.1f}{ends}"


def published_places(ds: xr.Dataset, sources: Sequence[Published] = ()) -> pd.DataFrame:
    """Places of the published numbers of each run that has its arm here, with ``run`` and ``arm`` in front.

    Args:
        ds: a loaded run.
        sources: what was published; by default what the shipped studies repeat.
    """
    frames = []
    for run, arm in published_arms(ds, sources):
        if run.points:
            places = published_percentiles(ds, run, arm)
            frames.append(places.assign(run=run.name, arm=arm)[["run", "arm", *places.columns]])
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _places_text(places: pd.DataFrame) -> str:
    if places.empty:
        return "No published number belongs to an arm of this run and to its market.\n"
    columns = ["run", "env_steps", "counted", "metric", "published", "seeds_median", "percentile"]
    table = places[columns].copy()
    ends = places[["prediction_low", "prediction_high"]].itertuples(index=False)
    table["one_more_run"] = [f"{low:.1f} … {high:.1f}" for low, high in ends]
    table["confidence_pct"] = 100 * places["prediction_confidence"]
    return "Published numbers among the seeds\n\n" + format_table(table)
