"""The runs of the study in order of importance, so that the queue can stop after any of them.

64 new seeds × 30 000 steps. Measured at every update to 12 288 steps and at the first study's steps, so that a number
of either study can be read off on the same grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from momentum_jax.config import Claim, Experiment, default_checkpoints
from momentum_jax.ppo.hyper_parameters import PPOConfig

from . import arms, claims, yoked_rates
from .arms import Intervention

FIRST_SEED, NUM_SEEDS, TIMESTEPS = 1_000, 64, 30_000
_EVERY_UPDATE_TO = 12_288
CHECKPOINTS = tuple(
    sorted({*range(0, _EVERY_UPDATE_TO + 1, PPOConfig().rollout_size), *default_checkpoints(TIMESTEPS), TIMESTEPS})
)


def _part(
    name: str,
    description: str,
    interventions: Sequence[Intervention],
    claimed: Sequence[Claim] = (),
    market: dict[str, Any] | None = None,
) -> Experiment:
    own = {intervention.arm.name for intervention in interventions}
    compared = [arm for claim in claimed for criterion in claim.criteria for arm in criterion.other_arms]
    return Experiment(
        name=f"which_path.{name}",
        description=description,
        arms=tuple(intervention.arm for intervention in interventions),
        other_arms=tuple(dict.fromkeys(arm for arm in compared if arm not in own)),
        claims=tuple(claimed),
        num_seeds=NUM_SEEDS,
        first_seed=FIRST_SEED,
        timesteps=TIMESTEPS,
        checkpoints=CHECKPOINTS,
        market=market or {},
    )


REPLICATION = _part("replication", "The first study's arms on new seeds.", arms.REPEATED, claims.REPLICATION)
CONTROLS = _part(
    "controls", "What must not dip for a reason of the rewards, in each environment of its own.", arms.CONTROLS
)
LINKS = _part("links", "The chain from a purchase to the stop, a link removed in each arm.", arms.LINKS, claims.LINKS)
PATHS = _part("paths", "One path alone: by the gradient, and by the network.", arms.PATHS, claims.PATHS)
YOKED = tuple(
    _part(
        f"yoked_{market}",
        "The punishment without its cause, at the rate of each seed's tune2 on this market; trims that are not chosen.",
        (arms.yoked(yoked_rates.rates(market, FIRST_SEED, NUM_SEEDS)), arms.TRIMS_FROZEN),
        claims.YOKED,
        {"data_source": source},
    )
    for market, source in (("spy", "csv"), ("synthetic", "synthetic"))
)
CONFOUND = _part(
    "confound",
    "What put_setup changed: the fault, or the size of the reward for holding.",
    arms.CONFOUND,
    claims.CONFOUND,
)
DOSES = _part(
    "doses",
    "The reward of the stop and the false cost, in steps.",
    (*arms.STOP_REWARD_LADDER, *arms.TRIM_COST_LADDER),
)
REPLICATION_REST = _part("replication_rest", "The earlier published settings on new seeds.", arms.REPEATED_REST)
CONFIRMATORY = (REPLICATION, CONTROLS, LINKS, PATHS, *YOKED, CONFOUND, DOSES)

INTERVENTIONS: tuple[Intervention, ...] = (
    *arms.REPEATED,
    *arms.CONTROLS,
    *arms.LINKS,
    *arms.PATHS,
    arms.yoked(()),
    arms.TRIMS_FROZEN,
    *arms.CONFOUND,
    *arms.STOP_REWARD_LADDER,
    *arms.TRIM_COST_LADDER,
    *arms.REPEATED_REST,
)
