"""What stands above a report's tables: how to read them, in words that fit how far and with how many seeds was run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import xarray as xr

from momentum_jax.analysis.dips.definition import RECOVERY_SHARE, SMALLEST_DIP
from momentum_jax.analysis.dips.early_part import (
    BASELINE_SHARE,
    HORIZON_SHARE,
    LANDMARK_SHARES,
    PREDICTION_SHARES,
    early_steps,
    is_derived,
)
from momentum_jax.analysis.dips.thresholds import has_common_threshold
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS, enough
from momentum_jax.analysis.inference.level import CONFIDENCE, LEVEL, shared_confidence
from momentum_jax.analysis.inference.prediction_power import POWER
from momentum_jax.analysis.metrics.frequent_actions import others_in_words
from momentum_jax.analysis.metrics.metric_curves import Curve, dip_curves, primary_curve
from momentum_jax.analysis.report.document import literal
from momentum_jax.analysis.report.formatting import format_percent, format_steps, in_unit
from momentum_jax.analysis.report.run_tables import table_columns
from momentum_jax.analysis.report.summary import built_in_claims, horizon_in_words
from momentum_jax.diagnostics.description import Diagnostics, Recorded
from momentum_jax.diagnostics.session_profit import VALIDATION
from momentum_jax.run_directory import diagnostics_of

PREDICTORS = (
    "R² on seeds held out of each by itself, and the chance that it ranks a deep dip above a shallow one (AUROC), "
    "which has no interval here. Of what predicts nothing it lies below 0.5: the mean of the other seeds is lower, the "
    "deeper a seed's own dip."
)
PUBLISHED = (
    "Percentile of the published number among the seeds of this arm that had not failed by then; "
    "0 or 100 means that it lies outside their range. The published run is a single one, on bars of its own."
)
_SURE, _LEVEL, _RECOVERED = (format_percent(share) for share in (CONFIDENCE, LEVEL, RECOVERY_SHARE))
_NOISE_TEST = (
    "*Fall* is each seed's clearest one, in points, and *by chance* what a fall between the same two windows has to "
    f"exceed, so that a curve that never falls does so in {_LEVEL} of simulations, with each window's own binomial "
    "noise times the design effect of correlated decisions at that time; *exceed* counts the seeds whose fall does, "
    "and the p value is the chance of so many. One seed has no design effect and is not judged."
)
_KNOWN_NOISE = (
    "Of an evaluated return *fall* is each seed's clearest one, and *by chance* what a fall between the same two "
    f"checkpoints has to exceed, so that a curve that never falls does so in {_LEVEL} of simulations with its own "
    "standard errors. A seed's episodes have the same keys at every checkpoint: that makes the test cautious of one "
    "seed."
)
_SHARED_EPISODES = (
    "All seeds of this run were evaluated on the same episodes, as runs of an earlier version were, so the p value, "
    "which takes seeds for independent, is a rough one."
)
_SHARED_DAYS = (
    "Of the validation P&L *by chance* follows from its standard errors over the days. Policies trade the same days at "
    "every checkpoint, which makes the test cautious, and in every seed: its p value speaks of these days alone."
)
_TESTS = (
    "Arms are compared pair by pair: BCa intervals and sign-flip tests of means, Newcombe intervals and exact McNemar "
    "tests of shares, p values adjusted by Holm."
)
_DERIVED = (
    f"These steps are shares of this run's length: the horizon {format_percent(HORIZON_SHARE)}, the second baseline "
    f"{format_percent(BASELINE_SHARE)}, the landmarks {' and '.join(map(format_percent, LANDMARK_SHARES))}, and "
    f"predictions are made at {' and '.join(map(format_percent, PREDICTION_SHARES))}, each but the horizon at the "
    "checkpoint that is nearest."
)
_FEW = f"Numbers of fewer than {MIN_SEEDS} seeds have no interval and no verdict."


def dips(ds: xr.Dataset, seeds: int, baselines: str) -> str:
    """The note of the table of dips.

    Args:
        ds: a loaded run.
        seeds: healthy seeds of the arm that has most of them.
        baselines: where dips start, in words.
    """
    diagnostics = diagnostics_of(ds)
    curves, primary = dip_curves(diagnostics), primary_curve(diagnostics)
    common = all(has_common_threshold(curve.metric) for curve in curves)
    reached = f"{SMALLEST_DIP:g} points" if common else "the threshold"
    threshold = reached if common else "its threshold (named beside the metric)"
    worse = {curve.metric.label: "up" if curve.sign < 0 else "down" for curve in curves}
    directions = ", ".join(f"{literal(label)} {direction}" for label, direction in worse.items())
    wilson = f"prevalence has a {_SURE} Wilson interval; " if enough(seeds) else ""
    bca = f" with a {_SURE} BCa interval" if enough(seeds) else ""
    first, second = map(format_steps, early_steps(ds).landmarks)
    return " ".join(
        (
            f"A dip is a fall of at least {threshold} in the worse direction ({directions}) with its trough "
            f"{horizon_in_words(ds)}, {baselines}. *Seeds* are the healthy ones with two values or more in that "
            f"stretch; {wilson}*depth* is the largest drawdown of each of them, whether or not it reaches {reached}, "
            "*temporary depth* the largest one that came back. Area "
            f"({primary.points or 'units'} × 1 000 steps), trough and recovered fraction are medians over the seeds "
            "with a dip; every excursion beyond the threshold is in excursions.csv; *recovered* counts those that came "
            f"back by {_RECOVERED} of the depth in the same stretch, *censored* those that had not by "
            f"the end of the run. The landmark is the change from checkpoint {first} to checkpoint {second}, positive "
            f"where it got worse: a mean over all healthy seeds{bca}. It is fixed in advance, whereas the depth is a "
            "maximum and overstates itself.",
            *([_DERIVED] if is_derived(ds) else []),
            *_sampling_noise(curves),
            *([] if enough(seeds) else [_FEW]),
        )
    )


def _sampling_noise(curves: Sequence[Curve]) -> Iterator[str]:
    """Which of the curves have sampling noise."""
    sampled = [curve for curve in curves if curve.counted == "windowed"]
    exact = [literal(curve.full_symbol) for curve in curves if curve.counted == "exact"]
    if any(not isinstance(curve.metric.derived, Recorded) for curve in sampled):
        yield "Windowed percentages are counts, so part of their depth is sampling noise."
    means = [literal(curve.symbol) for curve in sampled if isinstance(curve.metric.derived, Recorded)]
    if means:
        yield f"Of {', '.join(means)} too: it comes from the window's own episodes and steps."
    for curve in curves:
        if curve.counted == "evaluated":
            over = "validation days" if curve.name.startswith(VALIDATION) else "episodes"
            yield f"The noise of {literal(curve.symbol)} is known: its standard error over the {over} is recorded."
    if exact:
        text = f"{' and '.join(exact)} {'have' if len(exact) > 1 else 'has'} none, but the policy itself wiggles."
        yield text[0].upper() + text[1:]


def evidence(diagnostics: Diagnostics, seeds: int) -> str:
    """The note of the noise test and of the paired comparisons."""
    curves = dip_curves(diagnostics)
    sampled = [curve for curve in curves if curve.counted == "windowed"]
    means = [literal(curve.symbol) for curve in sampled if isinstance(curve.metric.derived, Recorded)]
    evaluated = diagnostics.evaluation is not None
    shared = diagnostics.evaluation is not None and diagnostics.evaluation.draw == 1
    sentences = [
        "A maximum over many noisy windows is large by chance.",
        *([_NOISE_TEST] if len(means) < len(sampled) else []),
        *([_KNOWN_NOISE] if evaluated else []),
        *([_SHARED_EPISODES] if shared else []),
        *([_SHARED_DAYS] if diagnostics.traded_sessions else []),
        *([f"Of {', '.join(means)} no counts are recorded: falls are not tested against noise."] if means else []),
        _TESTS if enough(seeds) else _FEW,
    ]
    return " ".join(sentences)


def prediction(diagnostics: Diagnostics) -> str:
    """The note of the table of what predicts the depth."""
    symbol = literal(primary_curve(diagnostics).symbol)
    features = "the learner's health, d′, c" if diagnostics.contrast else "the learner's health"
    return (
        f"R² of the depth that follows on seeds held out, by {features} and {symbol} together, and by {symbol} "
        f"alone; at or below 0 is no better than the mean. *Gain* is the difference. *Detectable* is the share of the "
        f"variance that has to be explained in truth, so that this many seeds find it (an interval above 0) in "
        f"{format_percent(POWER)} of studies: an interval that holds 0 says nothing of a smaller share."
    )


def checkpoints(diagnostics: Diagnostics) -> str:
    """The note of the tables of checkpoints."""
    metrics = [diagnostics.metric(name) for name in table_columns(diagnostics)]
    taken_of: dict[str, list[str]] = {}
    for metric in metrics:
        if metric.is_percentage:
            taken_of.setdefault(metric.denominator or "decisions", []).append(literal(metric.label))
    shares = "; ".join(f"{', '.join(labels)} of {of}" for of, labels in taken_of.items())
    units = [literal(in_unit(metric.label, metric.unit)) for metric in metrics if not metric.is_percentage]
    parts = [f"Percent: {shares}" if shares else "", f"as recorded: {'; '.join(units)}" if units else ""]
    text = f"{'; '.join(part for part in parts if part)}; over the seeds that had not failed by then."
    text = text[0].upper() + text[1:]
    if shares:
        text += " Cumulative counts start at step 0, windowed ones at the row before; exact are the probabilities on "
        text += "fixed probe states."
    if units:
        text += " What is recorded of a window starts at the checkpoint before."
    return f"{text} {others_in_words(diagnostics)}".rstrip()


def built_in(ds: xr.Dataset, seeds: int) -> str:
    """The claim that every report judges, and how its level is shared."""
    diagnostics = diagnostics_of(ds)
    primary = diagnostics.metric(diagnostics.primary)
    first, second = map(format_steps, early_steps(ds).landmarks)
    side = "higher" if primary.good_direction < 0 else "lower"
    claim = f"Claim: *{literal(primary.label)} is {side} at {second} than at {first} steps*."
    if not enough(seeds):
        return claim
    number = built_in_claims(diagnostics, ds.sizes["arm"])
    return (
        f"{claim} The summary and these lines make {number} statements, which share the level of {_LEVEL}: each is "
        f"judged by its {format_percent(shared_confidence(number))} interval."
    )


def declared(number: int, seeds: int) -> str:
    """The note of the claims that were declared before the run."""
    if not enough(seeds):
        return f"Fixed before the run: {number}. None is judged, for there are {seeds} seeds. {_FEW}"
    return (
        f"Fixed before the run: {number}, which share the level of {_LEVEL}. A claim is judged by its whole interval; "
        "the same number counted in other ways decides nothing."
    )
