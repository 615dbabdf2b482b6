"""The dose of the entropy bonus, from the baseline's to beyond tune3's."""

from momentum_jax.config import Arm, Experiment, PPOConfig

DOSES = (0.02, 0.04, 0.06, 0.08, 0.10, 0.12)

EXPERIMENT = Experiment(
    name="entropy",
    description="Tune2 at six doses of the entropy bonus.",
    arms=tuple(Arm(name=f"ent_coef_{dose:.2f}", ppo=PPOConfig(ent_coef=dose)) for dose in DOSES),
)
