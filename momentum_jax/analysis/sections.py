"""The sections of a report, each a heading with blocks that Markdown and HTML share."""

from __future__ import annotations

import json

import pandas as pd
import xarray as xr

from momentum_jax.analysis.claim_numbers import RunNumbers
from momentum_jax.analysis.claim_report import claims_table
from momentum_jax.analysis.claims import declared_claims, judge
from momentum_jax.analysis.configuration import common_settings, differing_settings
from momentum_jax.analysis.document import Bullets, Image, Section, Table, Text
from momentum_jax.analysis.evidence import comparison_table, foretelling_table
from momentum_jax.analysis.formatting import format_steps
from momentum_jax.analysis.intervals import Interval
from momentum_jax.analysis.published import published_percentiles
from momentum_jax.analysis.quality import quality_table, warnings_of
from momentum_jax.analysis.summary import summarise
from momentum_jax.analysis.tables import DIP_METRICS, checkpoint_table, dip_summary

PUBLISHED_ARM = "tune2"
_LABELS = {metric.curve: metric.label for metric in DIP_METRICS}
_DIP_NOTE = (
    "A dip is a fall of at least 5 points in the worse direction (HOLD up, BUY down) with its trough within the "
    "first 25 000 steps, from initialisation (baseline 0) or from step 5 000. *Seeds* are the healthy ones with two "
    "values or more in that stretch; prevalence has a 95 % Wilson interval. "
    "Depth, area (points × 1 000 steps), trough and recovered fraction are medians over the seeds with a dip; "
    "*recovered* counts those that came back by 90 % of the depth within the 25 000 steps, *censored* those that "
    "had not by the end of the run. The landmark is the change from checkpoint 5 000 to checkpoint 10 000, "
    "positive where it got worse: a mean over all healthy seeds with a 95 % BCa interval. It is fixed in advance, "
    "whereas the depth is a maximum and overstates itself. Windowed percentages are counts, so part of their "
    "depth is sampling noise; exact P(HOLD) has none, but the policy itself wiggles."
)
_NOISE_NOTE = (
    "A maximum over many noisy windows is large by chance. *By chance* is what the largest fall of a flat curve with "
    "each window's own binomial noise, times the design effect of correlated decisions, exceeds in 5 % of simulations; "
    "*exceed* counts the seeds whose fall is larger. Arms are compared pair by pair: BCa intervals and sign-flip tests "
    "of means, Newcombe intervals and exact McNemar tests of shares, p values adjusted by Holm."
)
_FORETELLING_NOTE = (
    "R² of the later rise on seeds held out, by the learner's health, d′, c and P(HOLD) together, and by P(HOLD) "
    "alone; at or below 0 is no better than the mean. *Gain* is the difference."
)
_CHECKPOINT_NOTE = (
    "Percent of the decisions taken while flat (strong: of those at setup scores from 3), over the seeds "
    "that had not failed by then. Cumulative counts start at step 0, windowed ones at the row before; "
    "exact are the probabilities on fixed probe states."
)
_PUBLISHED_NOTE = (
    "Percentile of the published number among the seeds of this arm that had not failed by then; "
    "0 or 100 means that it lies outside their range. The published run is a single one, on its own data."
)


def report_sections(ds: xr.Dataset, dips: pd.DataFrame, noise: pd.DataFrame, images: list[Image]) -> list[Section]:
    """Summary, figures, tables, configuration, data quality and warnings, in this order."""
    quality = quality_table(ds)
    tables = [*_claims(ds), _dips(dips), _evidence(ds, noise), _checkpoints(ds)]
    if PUBLISHED_ARM in ds["arm"].values:
        tables.append(_published(ds))
    return [
        Section("Summary", [Bullets(summarise(ds, dips))]),
        Section("Figures", images),
        *tables,
        _configuration(ds),
        Section("Data quality", [Table(quality)]),
        Section("Warnings", [Bullets(warnings_of(ds, quality) or ["No seed failed and nothing is missing."])]),
    ]


def verdict(change: Interval) -> str:
    """Supported, not supported or undecided, with the interval that decides it."""
    if change.flag == "no seeds":
        return "undecided, the run has no healthy seed with both steps"
    shown = f"mean change {change.estimate:+.1f} points, 95 % interval {change.low:+.1f} to {change.high:+.1f}"
    if change.flag:
        return f"**undecided** ({shown}, a point because of: {change.flag})"
    if change.low > 0:
        return f"**supported** ({shown})"
    return f"**not supported** ({shown})" if change.high < 0 else f"**undecided** ({shown})"


def _dips(dips: pd.DataFrame) -> Section:
    summary = dip_summary(dips)
    shown = summary.assign(metric=summary["metric"].map(_LABELS))
    once = summary[(summary["baseline"] == 0) & summary["metric"].isin(["hold_pct", "p_hold"])]
    lines = []
    for row in once.to_dict("records"):
        interval = Interval(*(row[f"landmark_{part}"] for part in ("mean", "low", "high", "flag")))
        lines.append(f"{row['arm']}, {_LABELS[row['metric']]}: {verdict(interval)}")
    claim = Text("Claim: *HOLD is higher at 10 000 than at 5 000 steps*.")
    return Section("Dips", [Text(_DIP_NOTE), Table(shown), claim, Bullets(lines)])


def _claims(ds: xr.Dataset) -> list[Section]:
    """Verdicts on what the study declared before it ran; no section where it declared nothing."""
    claims = declared_claims(ds)
    if not claims:
        return []
    table = claims_table([judge(RunNumbers(ds), claim) for claim in claims])
    shown = ["claim", "statement", "claim_verdict", "arm", "number", "counted", "verdict"]
    command = f"python -m momentum_jax.report {ds.attrs['run_name']} --claims=declared"
    note = f"Judged by their intervals, which `{command}` prints."
    return [Section("Declared claims", [Text(note), Table(table[[name for name in shown if name in table]])])]


def _evidence(ds: xr.Dataset, noise: pd.DataFrame) -> Section:
    blocks: list[Text | Table] = [Text(_NOISE_NOTE), Table(noise, "Against sampling noise")]
    compared = comparison_table(ds)
    if not compared.empty:
        blocks.append(Table(compared, "Arms on the same seeds"))
    foretold = foretelling_table(ds)
    if not foretold.empty:
        blocks += [Text(_FORETELLING_NOTE), Table(foretold, "What foretells the rise")]
    return Section("Evidence", blocks)


def _checkpoints(ds: xr.Dataset) -> Section:
    tables = [Table(checkpoint_table(ds, arm), str(arm)) for arm in ds["arm"].values]
    return Section("Checkpoints", [Text(_CHECKPOINT_NOTE), *tables], folded=True)


def _published(ds: xr.Dataset) -> Section:
    title = f"The published {PUBLISHED_ARM} among the seeds"
    table = published_percentiles(ds, PUBLISHED_ARM)
    if table.empty:
        return Section(title, [Text("The run has none of the published steps.")])
    return Section(title, [Text(_PUBLISHED_NOTE), Table(table)], folded=True)


def _configuration(ds: xr.Dataset) -> Section:
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
    ]
    blocks: list[Bullets | Table] = [Bullets(facts)]
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
