"""The name under which Gymnasium makes the environment."""

from __future__ import annotations

from gymnasium.envs import registration

GYMNASIUM_ID = "momentum_jax/Momentum-v0"


def register() -> None:
    """Let `gymnasium.make("momentum_jax/Momentum-v0")` find the environment; a second call changes nothing."""
    if GYMNASIUM_ID not in registration.registry:
        registration.register(id=GYMNASIUM_ID, entry_point="momentum_jax.env.gymnasium:MomentumGymEnv")
