"""The name under which Gymnasium makes the environment. Light, for Gymnasium calls `register` when it is imported."""

from __future__ import annotations

NAMESPACE = "momentum_jax"
NAME = "Momentum-v0"
GYMNASIUM_ID = f"{NAMESPACE}/{NAME}"


def register() -> None:
    """Let `gymnasium.make("momentum_jax/Momentum-v0")` find the environment; a second call changes nothing.

    Where the package is installed, Gymnasium finds this function through its entry point.
    """
    from gymnasium.envs import registration

    if GYMNASIUM_ID not in registration.registry:
        registration.register(id=GYMNASIUM_ID, entry_point="momentum_jax.env.gymnasium:MomentumGymEnv")
