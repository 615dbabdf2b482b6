"""What the settings of a run add to an environment's description: evaluated episodes, recorded probabilities."""

from __future__ import annotations

import dataclasses

from momentum_jax.diagnostics.description import Diagnostics, Metric, Recorded
from momentum_jax.diagnostics.evaluation import GREEDY, SAMPLED, Evaluation

_EPISODE_RETURN = "episode_return"


def extended(diagnostics: Diagnostics, evaluation: Evaluation | None = None, recorded_probes: int = 0) -> Diagnostics:
    """The description of what a run records.

    With an evaluation it has the metrics of `_evaluated`, and dips are looked for in the evaluated return too. It takes
    the place of the return of the training's own episodes wherever that stands for the run: it is one policy's, with a
    known standard error, and not a mean over the policies of a window.

    Args:
      diagnostics: the environment's own.
      evaluation: None where nothing is evaluated.
      recorded_probes: probe states whose probabilities are recorded whole.
    """
    recorded = dataclasses.replace(diagnostics, recorded_probes=recorded_probes)
    if evaluation is None:
        return recorded
    metrics = _evaluated(evaluation)
    name = metrics[0].name
    dips_in = [curve for curve in diagnostics.dips_in if curve != _EPISODE_RETURN]
    first = diagnostics.primary == _EPISODE_RETURN
    columns = [metric.name for metric in metrics] if diagnostics.columns else []
    return dataclasses.replace(
        recorded,
        evaluation=evaluation,
        metrics=(*metrics, *diagnostics.metrics) if first else (*diagnostics.metrics, *metrics),
        primary=name if first else diagnostics.primary,
        dips_in=(name, *dips_in) if first else (*dips_in, name),
        columns=(*diagnostics.columns, *columns),
    )


def _evaluated(evaluation: Evaluation) -> tuple[Metric, ...]:
    """The metrics of evaluated episodes, the one that dips are looked for in first."""
    episodes = f"{evaluation.episodes} episode{'s' if evaluation.episodes > 1 else ''} of the frozen policy"
    return (
        Metric(
            name="eval_return",
            label="evaluated return",
            long_name=f"mean undiscounted return of {episodes}, actions sampled",
            derived=Recorded(
                variable="eval_return", counted="evaluated", label=SAMPLED, standard_error="eval_return_se"
            ),
            unit="reward",
            good_direction=1,
        ),
        Metric(
            name="eval_return_greedy",
            label="evaluated return, greedy",
            long_name=f"mean undiscounted return of {episodes}, the most probable action",
            derived=Recorded(
                variable="eval_return", counted="evaluated", label=GREEDY, standard_error="eval_return_se"
            ),
            unit="reward",
            good_direction=1,
        ),
        Metric(
            name="eval_length_sampled",
            label="evaluated length",
            long_name=f"mean length of {episodes}, actions sampled",
            derived=Recorded(variable="eval_length", counted="evaluated", label=SAMPLED),
            unit="env step",
        ),
    )
