"""What is claimed of which arm, by which number and margin. Written before the first run of the study.

Numbers are of exact P(HOLD | flat), in points, on the same seeds: its change from the start to 5 000 and to 8 000
steps, and its depth, the largest rise to 10 000 steps. A depth is a maximum: a policy that wanders without any reason
reaches 3 points too (the first study's permuted rewards). So where no dip is claimed the depth is judged less that of
the permuted control. P(HOLD) may fall as far as it will, which is no dip: the margin has one side.

- *necessary*: without the link all three numbers are at most 2 (equivalence test: 90 % interval, 5 % on a side).
- *not necessary*, or *enough* of a path by itself: all three are more than half of tune2's.
- *dose*: depth rises along the arms (Page's trend test, seeds as blocks).

A claim and its rival both stand here, and both may stay undecided. Verdicts allow for the number of claims by Holm's
method, for supports and for refutations each.
"""

from __future__ import annotations

from typing import Any

from momentum_jax.config import Claim, Criterion

from .arms import STOP_REWARD_LADDER, TRIM_COST_LADDER

FIXED_STEPS = (5_000, 8_000)
HORIZON, THRESHOLD = 10_000, 5.0
NO_DIP = 2.0  # points: less is called none
HALF = 0.5
RECOVERED = 30_000

TUNE2, TRIM, PERMUTED = "tune2", "trim", "permuted"
_EXACT: dict[str, Any] = {"metric": "hold_pct", "counted": "exact"}


def change(arm: str, step: int, start: int = 0, **limits: Any) -> Criterion:
    """Exact P(HOLD) at a step less that at the start."""
    return Criterion(arm=arm, quantity="change", from_step=start, step=step, **_EXACT, **limits)


def depth(arm: str, horizon: int = HORIZON, **limits: Any) -> Criterion:
    """The largest rise of exact P(HOLD) by the horizon."""
    return Criterion(arm=arm, quantity="depth", step=horizon, **_EXACT, **limits)


def no_dip(arm: str, control: str = PERMUTED) -> tuple[Criterion, ...]:
    """P(HOLD) does not rise by more than the margin, nor deeper than the control wanders by more than it."""
    return (
        *(change(arm, step, maximum=NO_DIP, equivalence=True) for step in FIXED_STEPS),
        depth(arm, versus=control, maximum=NO_DIP, equivalence=True),
    )


def half_of(arm: str, reference: str = TUNE2) -> tuple[Criterion, ...]:
    """More than half of the reference arm's rise on the same seeds is there."""
    share: dict[str, Any] = {"versus": reference, "versus_share": HALF, "minimum": 0.0}
    return (*(change(arm, step, **share) for step in FIXED_STEPS), depth(arm, **share))


def link(name: str, arm: str, words: str) -> tuple[Claim, Claim]:
    """A link of the chain, removed in `arm`: it is necessary, and it is not."""
    return (
        Claim(name=f"{name}_necessary", statement=f"Without {words} there is no dip.", criteria=no_dip(arm)),
        Claim(
            name=f"{name}_not_necessary",
            statement=f"Without {words} more than half of tune2's dip is there.",
            criteria=half_of(arm),
        ),
    )


def path(alone: str, arm: str, without: str) -> tuple[Claim, Claim]:
    """One path acts alone in `arm`: it is enough, and the other one is necessary."""
    suffix = "" if arm.startswith("gradient") else f"_{arm}"
    return (
        Claim(
            name=f"{alone}_enough{suffix}",
            statement=f"In {arm} path {alone} acts alone, and more than half of tune2's dip is there.",
            criteria=half_of(arm),
        ),
        Claim(
            name=f"{without}_necessary{suffix}",
            statement=f"In {arm} path {without} cannot act, and there is no dip.",
            criteria=no_dip(arm),
        ),
    )


DIP = Claim(
    name="dip",
    statement="In tune2 P(HOLD) is more than 5 points above its start at 5 000 and at 8 000 steps.",
    criteria=tuple(change(TUNE2, step, minimum=THRESHOLD) for step in FIXED_STEPS),
)
TRIM_COST = "share of the cost that a trim takes off"
# Arms by dose, what they begin and end with among them.
LADDERS: dict[str, dict[float, str]] = {
    "reward of the stop": {0.0: "stop_reward_0"}
    | {rung.arm.env.stop_reward_weight: rung.arm.name for rung in STOP_REWARD_LADDER}
    | {1.0: TUNE2},
    TRIM_COST: {0.0: TUNE2} | {rung.arm.env.trim_cost_share: rung.arm.name for rung in TRIM_COST_LADDER} | {1.0: TRIM},
}
_STOP_ARMS, _COST_ARMS = (tuple(rungs.values()) for rungs in LADDERS.values())
DOSE_OF_STOP_REWARD = Claim(
    name="dose_of_stop_reward",
    statement="The depth rises with the size of the stop's reward.",
    criteria=(depth(_STOP_ARMS[0], along=_STOP_ARMS[1:], minimum=0.0),),
)
DOSE_OF_FALSE_COST = Claim(
    name="dose_of_false_cost",
    statement="The depth falls as a trim's cost gets right.",
    criteria=(depth(_COST_ARMS[0], along=_COST_ARMS[1:], maximum=0.0),),
)
# A claim stands in the part of its first arm; its other arms may be of other parts.
REPLICATION = (DIP, *link("false_cost", TRIM, "the false cost of a trim"), DOSE_OF_FALSE_COST)
LINKS = (
    DOSE_OF_STOP_REWARD,
    *link("stop", "no_stop", "the forced stop"),
    *link("stop_reward", "stop_reward_0", "the reward of the forced stop"),
    *link("trims", "trims_illegal", "trims"),
)
PATHS = (
    *path("A", "gradient_flat_only", "B"),
    *path("B", "gradient_position_only", "A"),
    *path("A", "two_towers", "B"),
)
YOKED = (
    Claim(
        name="contingency_necessary",
        statement="With as many stops as in tune2, whatever the action, there is no dip.",
        criteria=no_dip("yoked_stop"),
    ),
    Claim(
        name="punishment_enough",
        statement="With as many stops as in tune2, whatever the action, more than half of its dip is there.",
        criteria=half_of("yoked_stop"),
    ),
    Claim(
        name="choice_not_necessary",
        statement="With trims made by the environment and left out of the gradient more than half of the dip is there.",
        criteria=half_of("trims_frozen"),
    ),
    Claim(
        name="recovery_is_unlearning",
        statement="With trims that cannot be unlearned P(HOLD) falls by less than half of tune2's fall from 10 000 to "
        "30 000 steps.",
        criteria=(change("trims_frozen", RECOVERED, HORIZON, versus=TUNE2, versus_share=HALF, minimum=0.0),),
    ),
)
CONFOUND = (
    Claim(
        name="rest_is_size",
        statement="With the trim fixed, twice the penalty for a missed setup removes the rest of the dip.",
        criteria=no_dip("trim+missed_double", "permuted_trim"),
    ),
    Claim(
        name="rest_is_not_put_setup",
        statement="With put_setup changed and its penalty halved more than half of the rest of the dip is there.",
        criteria=half_of("trim+put_setup+missed_half", TRIM),
    ),
    Claim(
        name="rest_is_not_trims",
        statement="With the trim fixed and trims masked more than half of the rest of the dip is there.",
        criteria=half_of("trim+trims_illegal", TRIM),
    ),
)
