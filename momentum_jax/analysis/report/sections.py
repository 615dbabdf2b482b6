"""The sections of a report, each a heading with blocks that Markdown and HTML share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product

import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_intervals import level_interval
from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import most_seeds, verdict_table
from momentum_jax.analysis.claims.published import published_percentiles
from momentum_jax.analysis.claims.published_arms import published_arms
from momentum_jax.analysis.claims.verdicts import declared_claims, judge_together
from momentum_jax.analysis.dips.early_part import early_steps
from momentum_jax.analysis.dips.evidence import Evidence, comparison_table
from momentum_jax.analysis.inference.few_seeds import enough
from momentum_jax.analysis.inference.level import shared_confidence
from momentum_jax.analysis.inference.verdict import mean_test
from momentum_jax.analysis.metrics.derived_curves import healthy_seeds
from momentum_jax.analysis.report import notes
from momentum_jax.analysis.report.arm_settings import common_settings, differing_settings
from momentum_jax.analysis.report.data_warnings import quality_table, warnings_of
from momentum_jax.analysis.report.document import Bullets, Image, Section, Table, Text, literal
from momentum_jax.analysis.report.formatting import format_steps
from momentum_jax.analysis.report.run_tables import checkpoint_table, dip_labels, dip_summary
from momentum_jax.analysis.report.summary import built_in_claims, landmark_curves, summarise
from momentum_jax.analysis.report.verdict_words import rise_in_words
from momentum_jax.run_directory import diagnostics_of

SUMMARY = "Summary"


def report_sections(
    ds: xr.Dataset, dips: pd.DataFrame, evidence: Evidence, images: list[Image], command: str
) -> list[Section]:
    """Declared claims and summary, then figures, tables, configuration, data quality and warnings.

    Args:
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
        evidence: noise and predictions, which the figures draw too.
        images: the figures.
        command: the command line that makes the report again.
    """
    quality = quality_table(ds)
    return [
        *_claims(ds),
        Section(SUMMARY, [Bullets(summarise(ds, dips))]),
        Section("Figures", images),
        _dips(ds, dips),
        _evidence(ds, evidence),
        _checkpoints(ds),
        *_published(ds),
        _configuration(ds, command),
        Section("Data quality", [Table(quality)]),
        Section("Warnings", [Bullets(warnings_of(ds, quality) or ["No seed failed and nothing is missing."])]),
    ]


def _claims(ds: xr.Dataset) -> list[Section]:
    """Verdicts on what the study declared before it ran; no section where it declared nothing."""
    claims = declared_claims(ds)
    if not claims:
        return []
    judgements = judge_together(RunNumbers(ds), claims)
    note, table = notes.declared(len(claims), most_seeds(judgements)), verdict_table(judgements)
    if not enough(most_seeds(judgements)):  # the name of a claim can be read as its verdict
        table = table[table["number"].notna()].drop(columns=["claim", "claim_verdict"])
    return [Section("Declared claims", [Text(note), Table(table)])]


def _dips(ds: xr.Dataset, dips: pd.DataFrame) -> Section:
    last_step = int(ds["env_steps"].values[-1])
    reached = [baseline for baseline in dips["baseline"].unique() if baseline < last_step or baseline == 0]
    starts = ["initialisation (baseline 0)", *(f"step {format_steps(baseline)}" for baseline in reached if baseline)]
    summary = dip_summary(dips[dips["baseline"].isin(reached)])
    labelled = summary.assign(metric=summary["metric"].map(dip_labels(ds)))
    seeds = healthy_seeds(ds)
    blocks: list[Text | Table | Bullets] = [
        Text(notes.dips(ds, seeds, f"from {' or from '.join(starts)}")),
        Table(labelled),
        Text(notes.built_in(ds, seeds)),
        Bullets(list(_landmarks(ds, dips))),
    ]
    return Section("Dips", blocks)


def _landmarks(ds: xr.Dataset, dips: pd.DataFrame) -> Iterator[str]:
    """The built-in claim of each arm and curve: that the curve got worse between the landmarks."""
    diagnostics = diagnostics_of(ds)
    confidence = shared_confidence(built_in_claims(diagnostics, ds.sizes["arm"]))
    once = dips[(dips["baseline"] == 0) & (dips["failed_step"] < 0)]
    for arm, curve in product(ds["arm"].values, landmark_curves(diagnostics)):
        change = once.loc[(once["arm"] == arm) & (once["metric"] == curve.name), "landmark_depth"].dropna()
        interval, seeds = level_interval(change, confidence=confidence)
        verdict = rise_in_words(interval, seeds, confidence, curve.points, mean_test(change, confidence))
        yield f"{literal(arm)}, {literal(curve.label)}: {verdict}"


def _evidence(ds: xr.Dataset, evidence: Evidence) -> Section:
    diagnostics = diagnostics_of(ds)
    blocks: list[Text | Table] = [Text(notes.evidence(diagnostics, healthy_seeds(ds)))]
    if not evidence.noise.empty:
        blocks.append(Table(evidence.noise, "Against sampling noise"))
    compared = comparison_table(ds)
    if not compared.empty:
        blocks.append(Table(compared, "Arms on the same seeds"))
    if not evidence.predicted.empty:
        blocks += [Text(notes.prediction(diagnostics)), Table(evidence.predicted, "Is the depth predicted?")]
    if len(evidence.predictors) and evidence.predictors["r2"].notna().any():
        where = f"{ds['arm'].values[0]} at step {format_steps(early_steps(ds).prediction[-1])}"
        blocks += [Text(notes.PREDICTORS), Table(evidence.predictors, f"Each predictor by itself, {where}")]
    return Section("Evidence", blocks)


def _checkpoints(ds: xr.Dataset) -> Section:
    tables = [Table(checkpoint_table(ds, arm), str(arm)) for arm in ds["arm"].values]
    return Section("Checkpoints", [Text(notes.checkpoints(diagnostics_of(ds))), *tables], folded=True)


def _published(ds: xr.Dataset) -> list[Section]:
    """Published numbers among the seeds of the arm that has their settings, on the market that they are of."""
    sections = []
    for run, arm in published_arms(ds):
        if not run.points:
            continue
        title = f"The published {run.name} among the seeds" + ("" if arm == run.name else f" of {arm}")
        table = published_percentiles(ds, run, arm)
        if table.empty:
            sections.append(Section(title, [Text("The run has none of the published steps.")]))
        else:
            sections.append(Section(title, [Text(notes.PUBLISHED), Table(table)], folded=True))
    return sections


def _configuration(ds: xr.Dataset, command: str) -> Section:
    config = json.loads(ds.attrs["config"])
    steps = ds["env_steps"].values
    versions = ", ".join(f"{name} {version}" for name, version in config.get("versions", {}).items())
    facts = [
        f"arms: {', '.join(ds['arm'].values)}",
        f"seeds: {ds.sizes['seed']} per arm ({_seed_list(ds['seed'].values.tolist())})",
        f"steps: {format_steps(steps[-1])} of {format_steps(config['timesteps'])} asked for, {len(steps)} checkpoints",
        f"data fingerprint: {ds.attrs['data_fingerprint'] or 'not recorded'}",
        f"device: {_device(config.get('device'))}; versions: {versions or 'not recorded'}; "
        f"git commit: {config.get('git_commit') or 'not recorded'}",
        f"made again by: {command}",
    ]
    blocks: list[Bullets | Table] = [Bullets([literal(fact) for fact in facts])]
    differing = differing_settings(config["arms"])
    if not differing.empty:
        long = differing.melt("setting", var_name="arm", value_name="value").sort_values("setting", kind="stable")
        blocks.append(Table(long, "In what the arms differ"))
    common = common_settings(config["arms"])
    if not common.empty:
        blocks.append(Table(common, "What every arm has alike"))
    return Section("Configuration", blocks, folded=True)


def _device(device: object) -> str:
    if isinstance(device, dict):
        return ", ".join(f"{name} {value}" for name, value in device.items())
    return str(device) if device else "not recorded"


def _seed_list(seeds: list[int]) -> str:
    consecutive = len(seeds) > 2 and seeds == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if consecutive else ", ".join(map(str, seeds))
