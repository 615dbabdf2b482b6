"""The second study of the dip: which path makes P(HOLD | flat) rise? Declared before its runs, on new seeds.

Two paths can do it. A: buying is punished, for a purchase leads to a trim and the trim to a stop. B: decisions inside
a position are punished (trim, exit) or rewarded (hold), and the network, which flat states and positions share, carries
HOLD over to flat states. Each arm is tune2 with one thing changed; `arms` says what it isolates and what it changes
besides, `claims` what is claimed and by which margin. The numbers were suggested by runs on seeds 0 to 63, so these
runs take the seeds 1 000 to 1 063: a fixed number, at which nothing is stopped early and to which nothing is added.

    python launch.py --study=which_path --run_dir=runs/which_path/synthetic
    python launch.py --study=which_path --run_dir=runs/which_path/spy --data_source=csv --data_path=… --vix_path=… \\
                     --start_date=2024-02-20 --end_date=2024-03-20
"""

from momentum_jax.study import Study, part_name

from .claims import HORIZON, THRESHOLD
from .parts import CONFIRMATORY, REPLICATION_REST

STUDY = Study(
    name="which_path",
    question="Which path makes P(HOLD | flat) rise in tune2: that buying is punished, or what is learned in positions?",
    primary="exact P(HOLD | flat) at 5 000 and at 8 000 steps less its start, and its depth to 10 000 steps",
    beside="windowed HOLD %, other horizons, thresholds and baselines",
    horizon=HORIZON,
    threshold=THRESHOLD,
    parts=(*CONFIRMATORY, REPLICATION_REST),
    confirmatory=tuple(part_name(part) for part in CONFIRMATORY),
)
