"""With which random streams the depth varies, and whether there is a dip with several environments and other bars."""

from __future__ import annotations

import dataclasses

from momentum_jax.config import Arm, Experiment
from momentum_jax.market.market_options import SCENARIOS
from momentum_jax.ppo.hyper_parameters import STREAMS as EVERY_STREAM

from .. import tune2
from .arms import varied
from .causes import NUM_SEEDS, TIMESTEPS
from .confirmatory import TRIM

# The streams that a market of one fixed segment draws from.
STREAMS = ("init", "action", "minibatch")
_SEVERAL = {"num_envs": 4, "num_steps": 128}  # a rollout of 512 steps, as with one environment


def _redrawn(name: str, *streams: str) -> Arm:
    return dataclasses.replace(tune2.ARM, name=name, redrawn_streams=streams)


# The shortest horizon that holds the trough: in earlier runs the latest one of exact P(HOLD) was at 8 000 steps in 64
# seeds of tune2 (9 000 in tune3) on SPY, and at 8 000 in 8 other seeds on the synthetic market. 20 whole rollouts.
RANDOMNESS = Experiment(
    name="early_dip.streams",
    description="Pick-freeze: the same seeds with no stream, one stream, or all streams drawn anew.",
    arms=(_redrawn("A"), _redrawn("B", *STREAMS), *(_redrawn(f"redrawn_{stream}", stream) for stream in STREAMS)),
    num_seeds=128,
    timesteps=20 * 512,
)
# Added after the first results: all segments of the embedded market, of which each episode plays one drawn at random.
RANDOM_EPISODES = Experiment(
    name="early_dip.random_episodes",
    description="Pick-freeze where episodes are drawn: three symbols in four volatility regimes.",
    arms=(
        _redrawn("A"),
        _redrawn("B", *EVERY_STREAM),
        *(_redrawn(f"redrawn_{stream}", stream) for stream in EVERY_STREAM),
    ),
    num_seeds=128,
    timesteps=20 * 512,
    market={"data_source": "synthetic", "segments": "all"},
)
SEVERAL_ENVS = Experiment(
    name="early_dip.several_envs",
    description="Four environments of 128 steps between updates.",
    arms=(varied("envs_4", ppo=_SEVERAL), varied("envs_4_trim", ppo=_SEVERAL, env={"trim_reduces_cost": True})),
    num_seeds=NUM_SEEDS,
    timesteps=TIMESTEPS,
)
OTHER_BARS = Experiment(
    name="early_dip.other_bars",
    description="Tune2 with the trim trap and without it, on whichever bars the command line names.",
    arms=(tune2.ARM, TRIM),
    num_seeds=NUM_SEEDS,
    timesteps=TIMESTEPS,
)


def _scenario(scenario: str) -> Experiment:
    market = {"data_source": "synthetic", "synthetic_scenario": scenario}
    return dataclasses.replace(OTHER_BARS, name=f"early_dip.{scenario}", market=market)


# "mixed" is the synthetic market of the other parts.
OTHER_SCENARIOS = tuple(_scenario(scenario) for scenario in SCENARIOS if scenario != "mixed")
