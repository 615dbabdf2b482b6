"""The published recurrent run and what it is made of: does it dip, and is it the mask or the memory?

Every arm has tune2's rewards and learning rate. `v3` is the published run: an LSTM of 256 each for policy and value,
below towers of 128 and 64, slices of 128 transitions of a rotated rollout, and no mask. `feed_forward` is the same
without the LSTMs. Both also run with a mask: mask and memory, each on and off. `v3_trim_reduces_cost` is v3 without
the trim trap, and `tune2_unmasked` the feed-forward run that was published, without its mask.
"""

import dataclasses
from typing import Any

from momentum_jax.config import Arm, Claim, Criterion, EnvOptions, Experiment, PPOConfig, default_checkpoints

TIMESTEPS, NUM_SEEDS = 100_000, 16
# The recorded curves of the reference learner have these, and the published tables the others.
RECORDED_TO, RECORDED_EVERY = 25_000, 1_000
CHECKPOINTS = tuple(sorted({*range(0, RECORDED_TO + 1, RECORDED_EVERY), *default_checkpoints(TIMESTEPS), 75_000}))

_LIKE_V3 = PPOConfig(hidden_sizes=(128, 64), minibatching="rotation", minibatch_size=128, action_mask=False)


def _masked(arm: Arm) -> Arm:
    return dataclasses.replace(arm, name=f"{arm.name}_masked", ppo=dataclasses.replace(arm.ppo, action_mask=True))


V3 = Arm(name="v3", ppo=dataclasses.replace(_LIKE_V3, network="lstm", lstm_size=256))
MASKED = _masked(V3)
TRIM_FIXED = dataclasses.replace(V3, name="v3_trim_reduces_cost", env=EnvOptions(trim_reduces_cost=True))
FEED_FORWARD = Arm(name="feed_forward", ppo=_LIKE_V3)
FEED_FORWARD_MASKED = _masked(FEED_FORWARD)
TUNE2 = Arm(name="tune2_unmasked", ppo=PPOConfig(action_mask=False))

WITH_MEMORY = (V3, MASKED, TRIM_FIXED)
WITHOUT_MEMORY = (FEED_FORWARD, FEED_FORWARD_MASKED, TUNE2)

# The dip is one of buying, P(BUY | flat). Without a mask an illegal action does what HOLD does, so that HOLD is only a
# part of not buying; with a mask the two shares add up to 100 %.
HORIZON, THRESHOLD = 25_000, 5.0
END = TIMESTEPS
MARGIN = 5.0  # points: a smaller difference between two arms counts as none
HALF = 0.5
_BUY: dict[str, Any] = {"metric": "buy_pct", "counted": "exact"}


def depth(arm: Arm, **limits: Any) -> Criterion:
    """The largest fall of the exact P(BUY | flat) by the horizon."""
    return Criterion(arm=arm.name, quantity="depth", step=HORIZON, **_BUY, **limits)


def at_end(arm: Arm, **limits: Any) -> Criterion:
    """The exact P(BUY | flat) at the last step."""
    return Criterion(arm=arm.name, step=END, **_BUY, **limits)


def recovery(arm: Arm, **limits: Any) -> Criterion:
    """The change of the exact P(BUY | flat) from the horizon to the end."""
    return Criterion(arm=arm.name, quantity="change", from_step=HORIZON, step=END, **_BUY, **limits)


def _dips(arm: Arm) -> Claim:
    return Claim(
        name=f"{arm.name}_dips",
        statement=f"P(BUY | flat) of {arm.name} falls by more than {THRESHOLD:g} points within 25k, and is higher at "
        "100k than at 25k.",
        criteria=(depth(arm, minimum=THRESHOLD), recovery(arm, minimum=0.0)),
    )


def _same(name: str, statement: str, arm: Arm, versus: Arm) -> Claim:
    margins: dict[str, Any] = {"versus": versus.name, "equivalence": True, "minimum": -MARGIN, "maximum": MARGIN}
    return Claim(name=name, statement=statement, criteria=(depth(arm, **margins), at_end(arm, **margins)))


def _mask_matters(name: str, masked: Arm, unmasked: Arm) -> Claim:
    return Claim(
        name=name,
        statement=f"At 100k P(BUY | flat) is more than {MARGIN:g} points higher in {masked.name} than in "
        f"{unmasked.name}.",
        criteria=(at_end(masked, versus=unmasked.name, minimum=MARGIN),),
    )


MEMORY_CLAIMS = (
    Claim(
        name="rises",
        statement="Cumulative HOLD of v3 rises from 5k to 10k, as published.",
        criteria=(
            Criterion(arm=V3.name, metric="hold_pct", quantity="change", from_step=5_000, step=10_000, minimum=0),
        ),
    ),
    _dips(V3),
    _dips(MASKED),
    Claim(
        name="stays_low",
        statement="At 100k P(BUY | flat) of v3 is below its start, as the published run's share of buys stays low.",
        criteria=(Criterion(arm=V3.name, quantity="change", from_step=0, step=END, maximum=0.0, **_BUY),),
    ),
    _mask_matters("mask_with_memory", MASKED, V3),
    Claim(
        name="trim_necessary",
        statement=f"With a trim that reduces the cost P(BUY | flat) of v3 falls by at most {THRESHOLD:g} points within "
        "25k.",
        criteria=(depth(TRIM_FIXED, equivalence=True, maximum=THRESHOLD),),
    ),
    Claim(
        name="trim_not_necessary",
        statement="With a trim that reduces the cost more than half of v3's fall of P(BUY | flat) is there.",
        criteria=(depth(TRIM_FIXED, versus=V3.name, versus_share=HALF, minimum=0.0),),
    ),
)
MASK_CLAIMS = (
    _dips(FEED_FORWARD),
    _dips(FEED_FORWARD_MASKED),
    _mask_matters("mask_without_memory", FEED_FORWARD_MASKED, FEED_FORWARD),
    _same(
        "memory_without_mask",
        f"Without a mask memory makes no difference of {MARGIN:g} points, neither to the fall within 25k nor to "
        "P(BUY | flat) at 100k.",
        FEED_FORWARD,
        V3,
    ),
    _same(
        "memory_with_mask",
        f"With a mask memory makes no difference of {MARGIN:g} points, neither to the fall within 25k nor to "
        "P(BUY | flat) at 100k.",
        FEED_FORWARD_MASKED,
        MASKED,
    ),
    _same(
        "sizes",
        f"Sizes and minibatches of the towers make no difference of {MARGIN:g} points without a mask.",
        TUNE2,
        FEED_FORWARD,
    ),
)

EXPERIMENT = Experiment(
    name="v3",
    description="The published recurrent run with and without mask, memory and trim trap.",
    arms=(*WITH_MEMORY, *WITHOUT_MEMORY),
    num_seeds=NUM_SEEDS,
    timesteps=TIMESTEPS,
    checkpoints=CHECKPOINTS,
    claims=(*MEMORY_CLAIMS, *MASK_CLAIMS),
)
