"""Verdicts as a table and as text; files in report/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from momentum_jax.analysis.claim_numbers import RunNumbers, find_arm
from momentum_jax.analysis.claims import Finding, Judgement, declared_claims, judge
from momentum_jax.analysis.formatting import format_table
from momentum_jax.analysis.intervals import Interval
from momentum_jax.analysis.joining import load_runs
from momentum_jax.analysis.published import PUBLISHED, published_percentiles
from momentum_jax.analysis.published_claims import judge_published
from momentum_jax.claims import COUNTED
from momentum_jax.store import write_atomic

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
    run = RunNumbers(ds)
    judgements = judge_published(run) if source == "published" else [judge(run, claim) for claim in declared_claims(ds)]
    folder = Path(run_dirs[0]) / "report"
    write_atomic(folder / "claims.csv", claims_table(judgements).to_csv(index=False).encode())
    text = f"{ds.attrs['run_name']}: {source} claims\n\n{claims_text(judgements)}"
    if source == "declared":
        return text
    places = published_places(ds)
    write_atomic(folder / "published.csv", places.to_csv(index=False).encode())
    return f"{text}\n{_places_text(places)}"


def claims_table(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row per criterion (or per claim that has none): verdicts and numbers, NaN where there is none."""
    return pd.DataFrame([row for judgement in judgements for row in _rows(judgement)])


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
    return [front | _columns(finding, judgement.confidence) | back for finding in judgement.findings]


def _columns(finding: Finding, confidence: float) -> dict[str, object]:
    row: dict[str, object] = {
        "arm": finding.arm,
        "number": finding.number,
        "counted": finding.counted,
        "seeds": finding.seeds,
        "minimum": np.nan if finding.minimum is None else finding.minimum,
        "maximum": np.nan if finding.maximum is None else finding.maximum,
        "confidence": confidence,
        "flag": finding.interval.flag,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
    }
    for counted in COUNTED:
        interval = finding.interval if counted == finding.counted else finding.beside.get(counted)
        for part in ("estimate", "low", "high"):
            row[f"{counted}_{part}"] = np.nan if interval is None else getattr(interval, part)
    return row


def claims_text(judgements: Sequence[Judgement]) -> str:
    """The verdicts to read in a terminal."""
    if not judgements:
        return "No claim was declared.\n"
    return "\n".join(_paragraph(judgement) for judgement in judgements)


def _paragraph(judgement: Judgement) -> str:
    claim = judgement.claim
    lines = [f"{claim.name}. {judgement.verdict.upper()}: {claim.statement}"]
    if not judgement.findings:
        lines.append(f"   not measured: {claim.unmeasured}")
    for finding in judgement.findings:
        lines.append(f"   {finding.verdict.value:<14}{_sentence(finding, judgement.confidence)}")
    if not np.isnan(judgement.meeting.estimate):
        lines.append(f"   seeds that meet all of it: {_shown(judgement.meeting, scale=100)} %")
    if claim.note:
        lines.append(f"   {claim.note}")
    return "\n".join(lines) + "\n"


def _sentence(finding: Finding, confidence: float) -> str:
    if not finding.seeds or np.isnan(finding.interval.estimate):
        return f"{finding.number}: {finding.reason}"
    limits = [
        *([] if finding.minimum is None else [f"> {finding.minimum:g}"]),
        *([] if finding.maximum is None else [f"<= {finding.maximum:g}"]),
    ]
    beside = "".join(f"; {counted} {_shown(interval)}" for counted, interval in finding.beside.items())
    flag = f" ({finding.interval.flag})" if finding.interval.flag else ""
    reason = f"; {finding.reason}" if finding.reason else ""
    return (
        f"{finding.number}: {finding.counted} {_shown(finding.interval)}{flag}, claimed {' and '.join(limits)} "
        f"({100 * confidence:.1f} % interval, {finding.seeds} seeds){beside}{reason}"
    )


def _shown(interval: Interval, scale: float = 1.0) -> str:
    if np.isnan(interval.estimate):
        return "not measured"
    return f"{scale * interval.estimate:.1f} [{scale * interval.low:.1f} … {scale * interval.high:.1f}]"


def published_places(ds: xr.Dataset) -> pd.DataFrame:
    """Places of every published number of runs that this one has an arm for, with ``run`` and ``arm`` in front."""
    frames = []
    for run in dict.fromkeys(point.run for point in PUBLISHED):
        arm = find_arm(ds, run)
        if arm is not None:
            places = published_percentiles(ds, run, arm)
            frames.append(places.assign(run=run, arm=arm)[["run", "arm", *places.columns]])
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _places_text(places: pd.DataFrame) -> str:
    if places.empty:
        return "No arm of this run was published.\n"
    columns = ["run", "env_steps", "counted", "metric", "published", "seeds_median", "percentile"]
    shown = places[columns].copy()
    ends = places[["prediction_low", "prediction_high"]].itertuples(index=False)
    shown["one_more_run"] = [f"{low:.1f} … {high:.1f}" for low, high in ends]
    shown["confidence_pct"] = 100 * places["prediction_confidence"]
    return "Published numbers among the seeds\n\n" + format_table(shown)
