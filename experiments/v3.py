"""The published recurrent run and what it is made of: does it dip, and is it the mask or the memory?

Every arm has tune2's rewards and learning rate. `v3` is the published run: an LSTM of 256 each for policy and value,
below towers of 128 and 64, slices of 128 transitions of a rotated rollout, and no mask. Two arms change one thing of
it; the last is tune2, which remembers nothing, without its mask.
"""

import dataclasses

from momentum_jax.config import Arm, Claim, Criterion, EnvOptions, Experiment, PPOConfig

V3 = Arm(
    name="v3",
    ppo=PPOConfig(
        network="lstm",
        lstm_size=256,
        hidden_sizes=(128, 64),
        minibatching="rotation",
        minibatch_size=128,
        action_mask=False,
    ),
)
MASKED = Arm(name="v3_masked", ppo=dataclasses.replace(V3.ppo, action_mask=True))
TRIM_FIXED = dataclasses.replace(V3, name="v3_trim_reduces_cost", env=EnvOptions(trim_reduces_cost=True))
FEED_FORWARD = Arm(name="tune2_unmasked", ppo=PPOConfig(action_mask=False))

CLAIMS = (
    Claim(
        name="rises",
        statement="HOLD of the recurrent, unmasked learner rises from 5k to 10k, as published.",
        criteria=(
            Criterion(arm=V3.name, metric="hold_pct", quantity="change", from_step=5_000, step=10_000, minimum=0.0),
        ),
    ),
    Claim(
        name="mask",
        statement="With a mask the exact P(HOLD) of the recurrent learner rises more within 25k than without.",
        criteria=(
            Criterion(
                arm=MASKED.name,
                versus=V3.name,
                metric="hold_pct",
                counted="exact",
                quantity="depth",
                step=25_000,
                minimum=0.0,
            ),
        ),
    ),
    Claim(
        name="memory",
        statement="Without a mask HOLD at 25k is the same within 3 points with memory and without.",
        criteria=(
            Criterion(
                arm=V3.name,
                versus=FEED_FORWARD.name,
                metric="hold_pct",
                step=25_000,
                equivalence=True,
                minimum=-3.0,
                maximum=3.0,
            ),
        ),
    ),
)

EXPERIMENT = Experiment(
    name="v3",
    description="The published recurrent run with and without mask, memory and trim trap.",
    arms=(V3, MASKED, TRIM_FIXED, FEED_FORWARD),
    num_seeds=16,
    claims=CLAIMS,
)
