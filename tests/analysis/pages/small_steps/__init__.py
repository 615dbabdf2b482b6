"""A made-up study: do smaller steps keep HOLD from rising? Two parts, a claim, a reference arm."""

from momentum_jax.config import Arm, Claim, Criterion, Experiment, PPOConfig
from momentum_jax.study import Study

from .names import CONTROL, SLOW, USUAL

ARMS = (Arm(name=USUAL), Arm(name=SLOW, ppo=PPOConfig(learning_rate=1e-5)))
SHALLOWER = Criterion(
    arm=SLOW, versus=USUAL, metric="hold_pct", counted="exact", quantity="depth", step=2_000, maximum=0.0
)

STUDY = Study(
    name="small_steps",
    question="Do smaller steps keep HOLD from rising?",
    primary="exact P(HOLD)",
    beside="windowed HOLD %",
    horizon=2_000,
    threshold=5.0,
    parts=(
        Experiment(
            name="small_steps.main",
            description="Two step sizes.",
            arms=ARMS,
            timesteps=2_048,
            num_seeds=6,
            claims=(Claim(name="slow", statement="Smaller steps dip less.", criteria=(SHALLOWER,)),),
        ),
        Experiment(
            name="small_steps.control",
            description="No steps at all.",
            arms=(Arm(name=CONTROL, ppo=PPOConfig(learning_rate=0.0)), Arm(name="permuted_rewards")),
            timesteps=2_048,
            num_seeds=6,
        ),
    ),
    confirmatory=("main",),
)
