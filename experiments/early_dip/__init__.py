"""The study of the dip at 10 000 steps: what is asked, by what it is judged, and the runs, in order of importance.

Declared before the first long run. Each market is one call, which goes on where it was interrupted:

    python launch.py --study=early_dip --run_dir=runs/early_dip/synthetic
    python launch.py --study=early_dip --run_dir=runs/early_dip/spy --data_source=csv --data_path=… --vix_path=… \\
                     --start_date=2024-02-20 --end_date=2024-03-20

On other bars only the part `other_bars` is run (`--study=early_dip --parts=other_bars --run_dir=…`); elsewhere it
would repeat the confirmatory arms.
"""

from momentum_jax.study import Study

from .causes import DOSE, LADDERS, LEARNER, REST, SWITCHED, TERMS, VIX
from .confirmatory import (
    CONTROLS,
    FULL,
    HORIZON,
    MAIN_CAUSES,
    REPRODUCTION,
    THRESHOLD,
)
from .generality import (
    OTHER_BARS,
    OTHER_SCENARIOS,
    RANDOM_EPISODES,
    RANDOMNESS,
    SEVERAL_ENVS,
)

STUDY = Study(
    name="early_dip",
    question="What makes HOLD rise in the first 10 000 steps of tune2: exploration, or the environment's trim trap?",
    primary="exact P(HOLD) on the probe states",
    beside="windowed HOLD % of the decisions taken while flat",
    horizon=HORIZON,
    threshold=THRESHOLD,
    parts=(
        REPRODUCTION,
        MAIN_CAUSES,
        CONTROLS,
        RANDOMNESS,
        DOSE,
        SWITCHED,
        TERMS,
        LEARNER,
        FULL,
        SEVERAL_ENVS,
        VIX,
        *OTHER_SCENARIOS,
        OTHER_BARS,
        REST,
        RANDOM_EPISODES,
        LADDERS,
    ),
    confirmatory=("reproduction", "main_causes", "controls", "full"),
    by_request=("other_bars",),
    added=("rest", "random_episodes", "ladders"),
)
