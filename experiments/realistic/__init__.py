"""The study of the realistic environment: does the early dip exist where prices are right, and is a policy worth money?

`EXPERIMENT` is the preset's environment in three forms. The study trains them beside controls and the published
setting, on the first part of the days; policies are judged on days that they have not seen, and at checkpoints on the
days in between. `claims` was written before the runs. Known before them: what the first two studies found of tune2, and
trials of the three arms on SPY, seeds 0 to 15 and up to 6 000 steps, which set sizes and the unit of `claims.NO_FALL`.

    python launch.py --study=realistic --run_dir=runs/realistic/spy --data_source=csv --data_path=… --vix_path=… \\
                     --symbols=SPY --data_part=train --train_end=2024-04-04 --validation_end=2024-04-18
    python launch.py --study=realistic --run_dir=runs/realistic/synthetic \\
                     --data_part=train --train_end=2024-02-12 --validation_end=2024-02-27
    python -m momentum_jax.evaluate runs/realistic/spy/main --preset=realistic        # likewise of each part
"""

from __future__ import annotations

from momentum_jax.config import Experiment
from momentum_jax.env.environment_options import PRESET_MARKETS
from momentum_jax.study import Study, part_name

from . import arms, claims

NAME = "realistic"
SPLITS = {
    "spy": {"data_part": "train", "train_end": "2024-04-04", "validation_end": "2024-04-18"},
    "synthetic": {"data_part": "train", "train_end": "2024-02-12", "validation_end": "2024-02-27"},
}
"""Market options of the parts of the days, by market: 32, 10 and 21 sessions of SPY; 29, 10 and 21 of the other."""
FIRST_SEED, NUM_SEEDS, EVAL_EPISODES = 2_000, 32, 16
CHECKPOINTS = (*range(0, 12_001, 1_000), 14_000, 16_000, 18_000, 20_000, 25_000, 30_000, 35_000, claims.END)

EXPERIMENT = Experiment(
    name=NAME,
    description="Tune2's learner with prices that are right: whole, without costs, with tune2's rewards.",
    arms=(arms.REALISTIC, arms.WITHOUT_COSTS, arms.SHAPED),
    market=PRESET_MARKETS["realistic"],
)
MAIN = Experiment(
    name=f"{NAME}.main",
    description="The realistic environment: whole, without costs, with tune2's rewards, with permuted rewards.",
    arms=(*EXPERIMENT.arms, arms.PERMUTED, arms.PERMUTED_SHAPED),
    market=EXPERIMENT.market,
    timesteps=claims.END,
    num_seeds=NUM_SEEDS,
    first_seed=FIRST_SEED,
    checkpoints=CHECKPOINTS,
    eval_episodes=EVAL_EPISODES,
    claims=claims.MAIN,
)
REFERENCE = Experiment(
    name=f"{NAME}.reference",
    description="The published setting on the same days, and with permuted rewards.",
    arms=(arms.TUNE2, arms.PERMUTED_TUNE2),
    timesteps=claims.END,
    num_seeds=NUM_SEEDS,
    first_seed=FIRST_SEED,
    checkpoints=CHECKPOINTS,
    claims=claims.REFERENCE,
)
PARTS = (MAIN, REFERENCE)

STUDY = Study(
    name=NAME,
    question="Does the early dip exist where prices are right, and does any policy beat doing nothing on unseen days?",
    primary="exact P(HOLD | flat) at 8 000 and at 40 000 steps; dollars a day after costs on the test days",
    beside="profits on validation days at checkpoints",
    horizon=claims.HORIZON,
    threshold=claims.THRESHOLD,
    parts=PARTS,
    confirmatory=tuple(part_name(part) for part in PARTS),
)
