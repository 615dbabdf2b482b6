"""What a run's settings add to a description: evaluated episodes, traded sessions, recorded probabilities."""

from __future__ import annotations

import dataclasses

from momentum_jax.diagnostics.description import Diagnostics, Metric, Recorded
from momentum_jax.diagnostics.evaluation import GREEDY, SAMPLED, Evaluation
from momentum_jax.diagnostics.session_profit import TradedSessions

_EPISODE_RETURN = "episode_return"


def extended(
    diagnostics: Diagnostics,
    evaluation: Evaluation | None = None,
    recorded_probes: int = 0,
    traded_sessions: TradedSessions | None = None,
) -> Diagnostics:
    """The description of what a run records.

    With an evaluation it has the metrics of `_evaluated`, and dips are looked for in the evaluated return too. It takes
    the place of the return of the training's own episodes wherever that stands for the run: it is one policy's, with a
    known standard error, and not a mean over the policies of a window.

    Args:
      diagnostics: the environment's own.
      evaluation: None where nothing is evaluated.
      recorded_probes: probe states whose probabilities are recorded whole.
      traded_sessions: None where no sessions are traded. Dips are looked for in the daily profit on them too.
    """
    recorded = dataclasses.replace(diagnostics, recorded_probes=recorded_probes)
    if evaluation is not None:
        recorded = _with_evaluation(recorded, evaluation)
    return recorded if traded_sessions is None else _with_sessions(recorded, traded_sessions)


def _with_evaluation(diagnostics: Diagnostics, evaluation: Evaluation) -> Diagnostics:
    metrics = _evaluated(evaluation)
    name = metrics[0].name
    dips_in = [curve for curve in diagnostics.dips_in if curve != _EPISODE_RETURN]
    first = diagnostics.primary == _EPISODE_RETURN
    columns = [metric.name for metric in metrics] if diagnostics.columns else []
    return dataclasses.replace(
        diagnostics,
        evaluation=evaluation,
        metrics=(*metrics, *diagnostics.metrics) if first else (*diagnostics.metrics, *metrics),
        primary=name if first else diagnostics.primary,
        dips_in=(name, *dips_in) if first else (*dips_in, name),
        columns=(*diagnostics.columns, *columns),
    )


def _with_sessions(diagnostics: Diagnostics, sessions: TradedSessions) -> Diagnostics:
    metrics = _traded(sessions)
    columns = [metric.name for metric in metrics] if diagnostics.columns else []
    return dataclasses.replace(
        diagnostics,
        traded_sessions=sessions,
        metrics=(*diagnostics.metrics, *metrics),
        dips_in=(*diagnostics.dips_in, metrics[0].name),
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


def _traded(sessions: TradedSessions) -> tuple[Metric, ...]:
    """The metrics of traded sessions, the one that dips are looked for in first."""
    days = f"of {sessions.num_days} validation days after costs, on 100 000 dollars"

    def profit(name: str, label: str, way: str, words: str) -> Metric:
        return Metric(
            name=name,
            label=label,
            long_name=f"mean profit {days}, {words}",
            derived=Recorded(
                variable="validation_pnl", counted="evaluated", label=way, standard_error="validation_pnl_se"
            ),
            unit="dollar",
            good_direction=1,
        )

    return (
        profit("validation_pnl", "validation P&L a day", SAMPLED, "actions sampled"),
        profit("validation_pnl_greedy", "validation P&L a day, greedy", GREEDY, "the most probable action"),
        Metric(
            name="validation_trades_sampled",
            label="validation trades a day",
            long_name=f"trades {days.partition(' after')[0]}, actions sampled",
            derived=Recorded(variable="validation_trades", counted="evaluated", label=SAMPLED),
            unit="trade",
        ),
    )
