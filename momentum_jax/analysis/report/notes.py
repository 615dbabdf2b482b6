"""What stands above a report's tables: how to read them, in words that fit how far and with how many seeds was run."""

from __future__ import annotations

from momentum_jax.analysis.dips.definition import LANDMARKS, RECOVERY_SHARE, THRESHOLD
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS, enough
from momentum_jax.analysis.inference.level import CONFIDENCE, LEVEL, shared_confidence
from momentum_jax.analysis.report.formatting import format_percent, format_steps
from momentum_jax.analysis.report.summary import built_in_claims, horizon_in_words

PREDICTION = (
    "R² of the depth that follows on seeds held out, by the learner's health, d′, c and P(HOLD) together, and by "
    "P(HOLD) alone; at or below 0 is no better than the mean. *Gain* is the difference."
)
PREDICTORS = (
    "R² on seeds held out of each by itself, and the chance that it ranks a deep dip above a shallow one (AUROC)."
)
CHECKPOINTS = (
    "Percent of the decisions taken while flat (strong: of those at setup scores from 3), over the seeds "
    "that had not failed by then. Cumulative counts start at step 0, windowed ones at the row before; "
    "exact are the probabilities on fixed probe states."
)
PUBLISHED = (
    "Percentile of the published number among the seeds of this arm that had not failed by then; "
    "0 or 100 means that it lies outside their range. The published run is a single one, on bars of its own."
)
_SURE, _LEVEL, _RECOVERED = (format_percent(share) for share in (CONFIDENCE, LEVEL, RECOVERY_SHARE))
_FEW = f"Numbers of fewer than {MIN_SEEDS} seeds have no interval and no verdict."


def dips(last_step: int, seeds: int, baselines: str) -> str:
    """The note of the table of dips.

    Args:
        last_step: where the run ends.
        seeds: healthy seeds of the arm that has most of them.
        baselines: where dips start, in words.
    """
    wilson = f"prevalence has a {_SURE} Wilson interval; " if enough(seeds) else ""
    bca = f" with a {_SURE} BCa interval" if enough(seeds) else ""
    first, second = map(format_steps, LANDMARKS)
    few = "" if enough(seeds) else f" {_FEW}"
    return (
        f"A dip is a fall of at least {THRESHOLD:g} points in the worse direction (HOLD up, BUY down) with its trough "
        f"{horizon_in_words(last_step)}, {baselines}. *Seeds* are the healthy ones with two values or more in that "
        f"stretch; {wilson}*depth* is the largest drawdown of each of them, whether or not it reaches "
        f"{THRESHOLD:g} points, *temporary depth* the largest one that came back. Area (points × 1 000 steps), trough "
        "and recovered fraction are medians over the seeds with a dip; every excursion beyond the threshold is in "
        f"excursions.csv; *recovered* counts those that came back by {_RECOVERED} of the depth in the same stretch, "
        f"*censored* those that had not by the end of the run. The landmark is the change from checkpoint {first} to "
        f"checkpoint {second}, positive where it got worse: a mean over all healthy seeds{bca}. It is fixed in "
        "advance, whereas the depth is a maximum and overstates itself. Windowed percentages are counts, so part of "
        f"their depth is sampling noise; exact P(HOLD) has none, but the policy itself wiggles.{few}"
    )


def evidence(seeds: int) -> str:
    """The note of the noise test and of the paired comparisons."""
    tests = (
        "Arms are compared pair by pair: BCa intervals and sign-flip tests of means, Newcombe intervals and exact "
        "McNemar tests of shares, p values adjusted by Holm."
    )
    return (
        "A maximum over many noisy windows is large by chance. *Fall* is each seed's clearest one, in points, and "
        "*by chance* what a fall between the same two windows has to exceed, so that a curve that never falls does so "
        f"in {_LEVEL} of simulations, with each window's own binomial noise times the design effect of correlated "
        "decisions at that time; *exceed* counts the seeds whose fall does, and the p value is the chance of so many. "
        f"One seed has no design effect and is not judged. {tests if enough(seeds) else _FEW}"
    )


def built_in(num_arms: int, seeds: int) -> str:
    """The claim that every report judges, and how its level is shared."""
    first, second = map(format_steps, LANDMARKS)
    claim = f"Claim: *HOLD is higher at {second} than at {first} steps*."
    if not enough(seeds):
        return claim
    number = built_in_claims(num_arms)
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
