"""What is claimed of every environment, by which number and margin. Written before the first run of the study.

A *dip* is a fall of the sampled policy's evaluated return, from a checkpoint to a later one by the middle of the run,
that is larger than what the evaluation's own noise makes and at least `SMALLEST` of the environment's range. Each seed
is tested at 5 %, against the worst rising curve that its standard errors, pooled over five checkpoints, allow
(`analysis.dips.noise`). The range is the largest mean return of the population at any checkpoint less that at step 0;
where nothing can be learned it is declared (`Entry.known_range`). Half of the run is left for coming back, and for the
end to be a number of its own.

Evaluations have the same keys at every checkpoint. That makes their noise alike and falls between them less noisy than
their standard errors say, so that a dip is certain and the share of dips a lower bound. A *fall* is one of that size by
the same step, whether or not noise could make it: the share of falls is an upper bound, and the control's falls are
what noise and aimless learning make.

Each claim is one of an environment. Verdicts allow for the number of environments by Holm's method, for each claim
apart; environments whose population does not learn, and those where nothing can be learned, take no part.
"""

from __future__ import annotations

from typing import NamedTuple

SMALLEST = 20.0  # percent of the range
SMALLEST_SHIFT = 10.0  # points of the probability of the final greedy action
BY_NOISE = 5.0  # percent of the seeds that the noise alone is allowed
MOST = 50.0  # percent of the seeds
FINAL_SHARE = 0.1  # of the run: the checkpoints that its final return is the mean of
FEWEST = 8  # seeds in a group that is compared with another
FLOOR = 1.0  # percent of the range, in squares added to the standard error: episodes that are all alike have none


class Statement(NamedTuple):
    """One claim, made of every environment.

    Attributes:
        name: short, unique.
        words: as it is claimed.
        number: the column of `tables.atlas` that decides it, with its interval.
        limit: what the number is compared with, in the column's unit; above it the claim holds.
        direction: +1 where the claim is that the number is above the limit, -1 where below.
        test: in words.
    """

    name: str
    words: str
    number: str
    limit: float
    direction: int
    test: str


DECLARED = (
    Statement(
        "dips",
        "More seeds dip than the noise of their evaluation is allowed.",
        "dips_pct",
        BY_NOISE,
        +1,
        "binomial, exact",
    ),
    Statement(
        "most",
        "Most seeds dip; refuted where most do not even fall so far, noise and all.",
        "dips_pct, falls_pct",
        MOST,
        +1,
        "binomial, exact",
    ),
    Statement(
        "control",
        "More seeds fall by the smallest dip or more, noise and all, than of the same seeds on permuted rewards.",
        "falls_less_control",
        0.0,
        +1,
        "McNemar, exact, on the control's seeds",
    ),
    Statement(
        "shift",
        "The probability of the final greedy action dips in more seeds than on permuted rewards.",
        "shifts_less_control",
        0.0,
        +1,
        "McNemar, exact, on the control's seeds",
    ),
    Statement(
        "churn",
        "In the two checkpoints up to the onset the policy changes in more states than that of seeds that do not dip.",
        "churn_before",
        0.0,
        +1,
        "sign flips over the seeds that dip, each less the mean of the others at its steps",
    ),
    Statement(
        "end",
        "The deeper the early dip, the lower the final return.",
        "depth_and_end",
        0.0,
        -1,
        "rank correlation over all seeds",
    ),
    Statement(
        "groups",
        "Early depth comes in two groups of seeds: a mode and not a tail.",
        "groups_p",
        0.05,
        -1,
        "Silverman's test against one mode",
    ),
)
