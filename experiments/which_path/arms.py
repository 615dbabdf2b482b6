"""The arms of the study: tune2 with something changed, what that isolates, and what it changes besides."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from momentum_jax.config import Arm

from .. import baseline, early_dip, tune1, tune2, tune3
from ..early_dip.arms import varied
from ..early_dip.confirmatory import SWITCHES, TRIM

# By the module's name, not by its path: it stands for the same on any machine.
TWO_TOWERS_NETWORK = f"{early_dip.__name__}.two_towers:TwoTowers"
_TRIM: dict[str, Any] = {TRIM.name: True}
_FIXED: dict[str, Any] = dict(SWITCHES)
_PERMUTED: dict[str, Any] = {"permute_rewards": True}
_MISSED = tune2.ARM.env.missed_penalty
# Of the four legal actions in a position (HOLD, two trims, EXIT) an untrained policy trims with two.
FROZEN_TRIM_RATE = 0.5


class Intervention(NamedTuple):
    """An arm, what it isolates, and what else it changes: both as they stand in the page's table."""

    arm: Arm
    isolates: str
    also_changes: str


def _changed(name: str, isolates: str, also_changes: str, **changes: dict[str, Any]) -> Intervention:
    return Intervention(varied(name, **changes), isolates, also_changes)


TUNE2 = Intervention(tune2.ARM, "nothing: the run with the dip", "nothing")
REPEATED = (
    TUNE2,
    _changed(
        "trim",
        "the false cost: a trim shrinks the position's cost with it",
        "positions outlive their trims, so that fewer decisions are flat; later trims and exits are paid rightly",
        env=_TRIM,
    ),
    Intervention(tune3.ARM, "the entropy bonus, 0.10", "nothing"),
    _changed("fixed", "every fault switch of the first study", "a flat HOLD is punished twice as often", env=_FIXED),
)
REPEATED_REST = (
    Intervention(baseline.ARM, "the first published setting", "five reward weights and the entropy bonus"),
    Intervention(tune1.ARM, "the second published setting", "reward weights and the entropy bonus"),
)
CONTROLS = (
    _changed("learning_rate_0", "learning", "nothing", ppo={"learning_rate": 0.0}),
    _changed("permuted", "the order of rewards in tune2's environment", "nothing is left to learn", ppo=_PERMUTED),
    _changed("permuted_trim", "the same in the environment of trim", "as permuted", ppo=_PERMUTED, env=_TRIM),
    _changed("permuted_fixed", "the same in the environment of fixed", "as permuted", ppo=_PERMUTED, env=_FIXED),
)
_LESS_PUNISHED = "returns vary less, so that normalised advantages of all other decisions grow"
STOP_REWARD_0 = _changed(
    "stop_reward_0",
    "the reward of a forced stop; its sale and the false accounting stay",
    f"trims are not unlearned, so that stops stay frequent; {_LESS_PUNISHED}",
    env={"stop_reward_weight": 0.0},
)
NO_STOP = _changed(
    "no_stop",
    "the forced stop; the false accounting stays",
    "positions last longer, so that fewer decisions are flat, and honest losses are not cut either",
    env={"stop_fires": False},
)
TRIMS_ILLEGAL = _changed(
    "trims_illegal",
    "trims: they are masked in a position",
    "two legal actions in a position in place of four, so that P(HOLD | position) starts at 1/2",
    env={"trims_legal": False},
)
LINKS = (NO_STOP, STOP_REWARD_0, TRIMS_ILLEGAL)

FLAT_ONLY = _changed(
    "gradient_flat_only",
    "path A alone: the policy learns from flat decisions",
    "decisions in a position stay as they were initialised, but for what the shared network carries over",
    env={"position_policy_weight": 0.0, "position_entropy_weight": 0.0},
)
POSITION_ONLY = _changed(
    "gradient_position_only",
    "path B alone: the policy learns from decisions in a position",
    "no entropy bonus holds flat decisions, and none of the rewards of buying reaches them",
    env={"flat_policy_weight": 0.0, "flat_entropy_weight": 0.0},
)
POSITION_ONLY_ENTROPY = _changed(
    "gradient_position_only_entropy",
    "path B alone, with the entropy bonus of every decision",
    "the bonus pulls flat decisions back to equal odds",
    env={"flat_policy_weight": 0.0},
)
TWO_TOWERS = _changed(
    "two_towers",
    "path B: flat states and positions share no weight of the policy",
    "each policy tower learns from its own decisions alone, about half of them; both begin as tune2's policy",
    ppo={"network": TWO_TOWERS_NETWORK},
)
PATHS = (FLAT_ONLY, POSITION_ONLY, POSITION_ONLY_ENTROPY, TWO_TOWERS)


def yoked(rates: tuple[float, ...]) -> Intervention:
    """The punishment without its cause: tune2's stops of each seed at steps drawn whatever the action."""
    made = _changed(
        "yoked_stop",
        "the contingency: stops at the rate of tune2's first 5 000 steps, whatever the action was; trims are harmless",
        "stops fall on HOLD and EXIT too, at a constant rate; honest losses are not cut",
        env=_TRIM | {"stop_fires": False},
    )
    return made._replace(arm=dataclasses.replace(made.arm, by_seed={"yoked_stop_rate": rates}))


TRIMS_FROZEN = _changed(
    "trims_frozen",
    "the choice of trims: the environment makes them at the initial rate, so that none is unlearned",
    "two legal actions in a position; positions keep ending early throughout",
    env={"trims_legal": False, "forced_trim_rate": FROZEN_TRIM_RATE},
)
_PUT_SETUP = _TRIM | {"put_setup": SWITCHES["put_setup"]}
_SIZE = "returns vary more, so that normalised advantages of all other decisions shrink"
CONFOUND = (
    _changed(
        "trim+put_setup",
        "the fault of the put's score, with the trim fixed",
        "a flat HOLD is punished about twice as often, and puts are paid for elsewhere",
        env=_PUT_SETUP,
    ),
    _changed(
        "trim+put_setup+missed_half",
        "the same with the size of the reward for holding as before: twice as often, half as much",
        "puts are paid for elsewhere",
        env=_PUT_SETUP | {"missed_penalty": _MISSED / 2},
    ),
    _changed(
        "trim+missed_double",
        "the size of the reward for holding alone, with the trim fixed",
        _SIZE,
        env=_TRIM | {"missed_penalty": 2 * _MISSED},
    ),
    _changed(
        "trim+trims_illegal",
        "whatever trims still do once their cost is right",
        "two legal actions in a position in place of four",
        env=_TRIM | {"trims_legal": False},
    ),
)
STOP_REWARD_LADDER = tuple(
    _changed(
        f"stop_reward_{weight:g}",
        f"the reward of a forced stop times {weight:g}",
        _LESS_PUNISHED,
        env={"stop_reward_weight": weight},
    )
    for weight in (0.25, 0.5, 0.75)
)
# A share of 0 is tune2 and of 1 the arm `trim`, which are run already. Up to this share nothing changes: the loss
# on paper after a trim still fires the stop. From 0.83 on only that after a trim of 70 % does, from 0.93 on none.
UNCHANGED_TO = 0.8
TRIM_COST_LADDER = tuple(
    _changed(
        f"trim_cost_{share:g}",
        f"the false cost: a trim shrinks the cost by {share:g} of what it sold",
        "fewer stops, so that positions last longer",
        env=_TRIM | {"trim_cost_share": share},
    )
    for share in (0.85, 0.9, 0.95)
)
