"""The atlas: how often do PPO runs dip early? Every discrete environment of gymnax that trains here. Declared first.

`environments` says which, with whose settings and for how long; `claims` what counts as a dip and what is claimed;
`measures` how it is computed. Each environment is two runs: a learner, and the same on permuted rewards as its control.

    python launch.py --study=atlas --run_dir=runs/atlas/gymnax
    python -m momentum_jax.study_page docs/studies/atlas --condense runs/atlas/gymnax
"""

from momentum_jax.study import Study, part_name

from .claims import DECLARED, SMALLEST
from .environments import ENTRIES
from .parts import ADDED_PARTS, PARTS, STUDY_NAME

STUDY = Study(
    name=STUDY_NAME,
    question="How often do PPO runs dip early?",
    primary="share of the seeds whose evaluated return dips by the middle of the run, beyond the evaluation's noise; "
    + " ".join(f"{claim.name}: {claim.words}" for claim in DECLARED),
    beside="the probability of the final greedy action, the greedy policy's return, depth, time and duration",
    horizon=max(entry.horizon for entry in ENTRIES),  # each environment's own is half of its run
    threshold=SMALLEST,  # percent of the environment's range
    parts=(*PARTS, *ADDED_PARTS),
    confirmatory=tuple(part_name(part) for part in PARTS),
    added=tuple(part_name(part) for part in ADDED_PARTS),
)
