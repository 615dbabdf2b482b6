"""The rival explanation of the dip: trims leave the cost as it was, so the stop fires one step after each."""

import dataclasses
from typing import Any

from momentum_jax.config import Arm, Claim, Criterion, EnvOptions, Experiment

from . import tune2

REFERENCE = dataclasses.replace(tune2.ARM, name="reference")
TRIM_FIXED = Arm(name="trim_reduces_cost", env=EnvOptions(trim_reduces_cost=True))

# Each run keeps these in its config.json from the start. The change from 5k to 10k is the dip as it was published.
_CHANGE: dict[str, Any] = {
    "quantity": "change",
    "from_step": 5_000,
    "step": 10_000,
    "maximum": 0.0,
}
CLAIMS = (
    Claim(
        name="shallower",
        statement="Without the trim trap HOLD rises less from 5k to 10k on the same seeds.",
        criteria=(Criterion(arm=TRIM_FIXED.name, versus=REFERENCE.name, metric="hold_pct", **_CHANGE),),
    ),
    Claim(
        name="gone",
        statement="Without the trim trap HOLD does not rise from 5k to 10k.",
        criteria=(Criterion(arm=TRIM_FIXED.name, metric="hold_pct", **_CHANGE),),
    ),
)

EXPERIMENT = Experiment(
    name="trim_trap",
    description="Tune2 with and without the trim that leaves the cost.",
    arms=(REFERENCE, TRIM_FIXED),
    claims=CLAIMS,
)
