"""What is claimed of which arm, by which number and margin. Written before the first run of the study.

Of the dip: exact P(HOLD | flat) in points on the same seeds, as in the second study of the dip, whose margins these
are. Under `realistic` doing nothing costs nothing, so P(HOLD) may rise for a good reason and stay: a *dip* has to come
back, and what stays is claimed apart. Of generalisation: what the frozen policy makes on validation days, in units of
the risked capital a session, after the arm's own costs. Both are judged by Holm's method.

Of profits: dollars a day on 100 000 on the test days, all policies with all costs (`evaluate --preset=realistic`).
Seed and day are the units; all claims of a market share the level of 5 % (Bonferroni).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from momentum_jax.config import Arm, Claim, Criterion
from momentum_jax.run_directory.backtest_names import NOTHING, WAYS

from . import arms

HORIZON, THRESHOLD, END = 10_000, 5.0, 40_000
FIXED_STEPS = (5_000, 8_000)
PLACE = FIXED_STEPS[-1]  # of tune2's dip
NO_DIP = 2.0  # points: less is called none
NO_FALL = 0.2  # of the risked capital a session: a twentieth of what an untrained policy loses
WORTH = 70.0  # dollars a day: 1 % of the risked capital
_EXACT: dict[str, Any] = {"metric": "hold_pct", "counted": "exact"}
_ON_VALIDATION: dict[str, Any] = {"metric": "eval_return", "counted": "evaluated"}


def change(arm: Arm, step: int, start: int = 0, **limits: Any) -> Criterion:
    """Exact P(HOLD | flat) at a step less that at the start."""
    return Criterion(arm=arm.name, quantity="change", from_step=start, step=step, **_EXACT, **limits)


def depth(arm: Arm, **limits: Any) -> Criterion:
    """The largest rise of exact P(HOLD | flat) by the horizon."""
    return Criterion(arm=arm.name, quantity="depth", step=HORIZON, **_EXACT, **limits)


def on_validation(arm: Arm, step: int, start: int = 0, **limits: Any) -> Criterion:
    """The sampled policy's profit on validation days at a step less that at the start."""
    return Criterion(arm=arm.name, quantity="change", from_step=start, step=step, **_ON_VALIDATION, **limits)


def dip(arm: Arm) -> Claim:
    return Claim(
        name=f"{arm.name}_dips",
        statement=f"P(HOLD | flat) of {arm.name} is more than 5 points above its start at 8k, and more than 5 lower at "
        "40k than at 8k.",
        criteria=(change(arm, PLACE, minimum=THRESHOLD), change(arm, END, PLACE, maximum=-THRESHOLD)),
    )


def rivals(arm: Arm, control: Arm) -> tuple[Claim, Claim]:
    """There is no rise at all; and there is one that stays."""
    return (
        Claim(
            name=f"{arm.name}_has_no_dip",
            statement=f"P(HOLD | flat) of {arm.name} does not rise by more than 2 points to 5k and 8k, nor to 10k by "
            "more than 2 points beyond what permuted rewards do.",
            criteria=(
                *(change(arm, step, maximum=NO_DIP, equivalence=True) for step in FIXED_STEPS),
                depth(arm, versus=control.name, maximum=NO_DIP, equivalence=True),
            ),
        ),
        Claim(
            name=f"{arm.name}_gives_up",
            statement=f"P(HOLD | flat) of {arm.name} is more than 5 points above its start at 40k, and no more than 2 "
            "points lower than at 8k.",
            criteria=(
                change(arm, END, minimum=THRESHOLD),
                change(arm, END, PLACE, minimum=-NO_DIP, equivalence=True),
            ),
        ),
    )


def generalisation(arm: Arm) -> tuple[Claim, Claim]:
    """The profit on validation days falls and recovers at the place of the dip; and it does not fall."""
    return (
        Claim(
            name=f"{arm.name}_generalises_worse_early",
            statement=f"On validation days {arm.name} earns less at 8k than untrained, and more at 40k than at 8k.",
            criteria=(on_validation(arm, PLACE, maximum=0.0), on_validation(arm, END, PLACE, minimum=0.0)),
        ),
        Claim(
            name=f"{arm.name}_generalises_no_worse",
            statement=f"On validation days {arm.name} loses no more than 0.2 of the risked capital a session at 5k and "
            "8k beyond what it does untrained.",
            criteria=tuple(on_validation(arm, step, minimum=-NO_FALL, equivalence=True) for step in FIXED_STEPS),
        ),
    )


COSTS = Claim(
    name="costs_teach_to_hold",
    statement="At 40k P(HOLD | flat) is more than 5 points higher in realistic than in without_costs.",
    criteria=(
        Criterion(arm=arms.REALISTIC.name, versus=arms.WITHOUT_COSTS.name, step=END, minimum=THRESHOLD, **_EXACT),
    ),
)
_CONTROLS = (
    (arms.REALISTIC, arms.PERMUTED),
    (arms.WITHOUT_COSTS, arms.PERMUTED),
    (arms.SHAPED, arms.PERMUTED_SHAPED),
)
MAIN = (
    *(claim for arm, control in _CONTROLS for claim in (dip(arm), *rivals(arm, control))),
    *(claim for arm in (arms.REALISTIC, arms.WITHOUT_COSTS) for claim in generalisation(arm)),
    COSTS,
)
REFERENCE = (dip(arms.TUNE2), *rivals(arms.TUNE2, arms.PERMUTED_TUNE2))


class TradingClaim(NamedTuple):
    """A mean difference of profits a day on the test days, in dollars, and the range it is claimed to lie in."""

    name: str
    statement: str
    arm: str
    policy: str
    versus_arm: str  # the same as `arm` where a baseline is subtracted
    versus_policy: str
    minimum: float | None = None
    maximum: float | None = None


def _worth(arm: Arm, way: str) -> tuple[TradingClaim, TradingClaim]:
    """A policy earns more than doing nothing; and not so much that it would be worth anything."""
    compared = (arm.name, way, arm.name, NOTHING)
    return (
        TradingClaim(
            f"{arm.name}_{way}_earns", f"{arm.name}, {way}, earns more than doing nothing.", *compared, minimum=0.0
        ),
        TradingClaim(
            f"{arm.name}_{way}_worth_nothing", f"{arm.name}, {way}, earns at most $70 a day.", *compared, maximum=WORTH
        ),
    )


_SAMPLED = WAYS[0]
TRADING = (
    *(
        claim
        for arm in (arms.REALISTIC, arms.WITHOUT_COSTS, arms.SHAPED, arms.TUNE2)
        for way in WAYS
        for claim in _worth(arm, way)
    ),
    TradingClaim(
        "learning_carries_over",
        "realistic, sampled, loses less on unseen days than with permuted rewards.",
        *(arms.REALISTIC.name, _SAMPLED, arms.PERMUTED.name, _SAMPLED),
        minimum=0.0,
    ),
    TradingClaim(
        "costs_carry_over",
        "realistic, sampled, loses less on unseen days than without_costs, which was trained without costs.",
        *(arms.REALISTIC.name, _SAMPLED, arms.WITHOUT_COSTS.name, _SAMPLED),
        minimum=0.0,
    ),
)
