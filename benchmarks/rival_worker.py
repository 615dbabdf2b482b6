"""The rival: a learner of sb3-contrib in one process of one thread. Runs in its own environment.

    python -m benchmarks.rival_worker --env=numpy        as a worker of a contest: MaskablePPO with tune2's settings
    python -m benchmarks.rival_worker --recurrent        RecurrentPPO with v3's

Its environment is either this project's Gymnasium wrapper or `numpy_env`, on the same bars.
"""

from __future__ import annotations

from typing import Any

from absl import app, flags

from benchmarks import bars, published_v3
from momentum_jax.ppo.hyper_parameters import PPOConfig

_ENV = flags.DEFINE_enum("env", "numpy", ["numpy", "wrapper"], "environment to learn on")
_RECURRENT = flags.DEFINE_boolean("recurrent", False, "RecurrentPPO as in v3, without a mask")
_STRETCH = flags.DEFINE_integer("stretch", 3, "updates in one timing")


def make_env(kind: str) -> Any:
    """The environment on the benchmarks' bars."""
    if kind == "numpy":
        from benchmarks.numpy_env import NumpyMomentum

        return NumpyMomentum(bars.features())
    from momentum_jax.env.gymnasium import MomentumGymEnv
    from momentum_jax.env.momentum import make_params
    from momentum_jax.market.dataset import load_segment

    return MomentumGymEnv(make_params(load_segment(bars.market_config())))


def make_model(env: Any, config: PPOConfig) -> Any:
    """The reference's learner as it was set up. DummyVecEnv without a monitor: nothing is logged."""
    import torch
    from sb3_contrib import MaskablePPO, RecurrentPPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    sizes = list(config.hidden_sizes)
    remembers = config.network == "lstm"
    memory = {"lstm_hidden_size": config.lstm_size, "n_lstm_layers": 1} if remembers else {}
    learner, policy = (RecurrentPPO, "MlpLstmPolicy") if remembers else (MaskablePPO, "MlpPolicy")
    return learner(
        policy,
        DummyVecEnv([lambda: env]),
        learning_rate=config.learning_rate,
        n_steps=config.num_steps,
        batch_size=config.minibatch_size,
        n_epochs=config.num_epochs,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        clip_range=config.clip_range,
        clip_range_vf=None,
        ent_coef=config.ent_coef,
        vf_coef=config.vf_coef,
        max_grad_norm=config.max_grad_norm,
        target_kl=None,
        policy_kwargs={
            "net_arch": {"pi": sizes, "vf": sizes},
            "activation_fn": torch.nn.Tanh,
            "ortho_init": True,
            "optimizer_kwargs": {"eps": config.adam_eps},
            **memory,
        },
        seed=0,
        device="cpu",
    )


def main(argv: list[str]) -> None:
    del argv
    import torch

    from benchmarks import contest

    torch.set_num_threads(1)
    config = published_v3.config("lstm") if _RECURRENT.value else PPOConfig()
    model = make_model(make_env(_ENV.value), config)

    def learn(updates: int) -> int:
        steps = updates * config.num_steps
        model.learn(steps, reset_num_timesteps=False)
        return steps

    learn(1)
    contest.serve(lambda: learn(_STRETCH.value), torch=torch.__version__)


if __name__ == "__main__":
    app.run(main)
