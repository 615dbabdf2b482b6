"""The study of the published recurrent run: is it reproduced, does it dip, and is it the mask or the memory?

The arms and claims of `v3` in two parts, which take different machines: the arms with a memory and those without.
Declared before the runs; that v3 itself buys less after some thousand steps was known from the recorded seeds of the
reference learner, and what the other arms do was not. `reference` says what is to be equivalent to those seeds.

    python launch.py --study=recurrent --run_dir=runs/recurrent/spy --data_source=csv --data_path=… --vix_path=… \\
                     --symbols=SPY --start_date=2024-02-20 --end_date=2024-03-20
    python -m momentum_jax.study_page docs/studies/recurrent --condense runs/recurrent/spy
"""

import dataclasses

from momentum_jax.study import Study, part_name

from .. import v3

NAME = "recurrent"
WITH_MEMORY = dataclasses.replace(
    v3.EXPERIMENT,
    name=f"{NAME}.with_memory",
    description="The published recurrent run, with a mask, and without the trim trap.",
    arms=v3.WITH_MEMORY,
    claims=v3.MEMORY_CLAIMS,
)
WITHOUT_MEMORY = dataclasses.replace(
    v3.EXPERIMENT,
    name=f"{NAME}.without_memory",
    description="The same without a memory, with and without a mask; tune2 without its mask.",
    arms=v3.WITHOUT_MEMORY,
    other_arms=tuple(arm.name for arm in v3.WITH_MEMORY),
    claims=v3.MASK_CLAIMS,
)
PARTS = (WITH_MEMORY, WITHOUT_MEMORY)

STUDY = Study(
    name=NAME,
    question="Is the published recurrent run reproduced, does it dip, and is it the mask or the memory?",
    primary="the largest fall of the exact P(BUY | flat) by 25 000 steps, and its level at 100 000 steps",
    beside="cumulative HOLD, BUY and strong-setup BUY % beside the reference learner's seeds and the published row",
    horizon=v3.HORIZON,
    threshold=v3.THRESHOLD,
    parts=PARTS,
    confirmatory=tuple(part_name(part) for part in PARTS),
)
