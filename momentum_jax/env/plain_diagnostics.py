"""What is said of an environment that says nothing of itself: its actions by number, and no contexts."""

from __future__ import annotations

from momentum_jax.diagnostics.description import DecisionTable, Diagnostics, Metric, Recorded, Share, Variable

_CONTEXT = "context"


def plain_diagnostics(environment: str, num_actions: int) -> Diagnostics:
    """The description of any environment: episodes, shares of actions, and how fast the policy changes."""
    actions = tuple(f"action_{number}" for number in range(num_actions))
    return Diagnostics(
        environment=environment,
        actions=actions,
        context=_CONTEXT,
        contexts=("any",),
        flags=(),
        variables=(
            Variable(
                name="action_count",
                long_name="decisions by action",
                dims=(_CONTEXT, "action"),
                denominator="env steps",
                source=DecisionTable(),
            ),
        ),
        decisions="action_count",
        metrics=(*_OF_EPISODES, *map(_share, actions), *_OF_POLICY),
        primary="episode_return",
        dips_in=("episode_return",),
        shown_events=("episode_count",),
    )


_OF_EPISODES = (
    Metric(
        name="episode_return",
        label="episode return",
        derived=Recorded(variable="episode_return"),
        unit="reward",
        good_direction=1,
    ),
    Metric(name="episode_length", label="episode length", derived=Recorded(variable="episode_length"), unit="env step"),
)
_OF_POLICY = (
    Metric(name="entropy", label="entropy", derived=Recorded(variable="entropy"), unit="nat"),
    Metric(name="churn", label="churn", derived=Recorded(variable="churn", counted="exact"), unit="fraction"),
    Metric(name="policy_kl", label="KL", derived=Recorded(variable="policy_kl", counted="exact"), unit="nat"),
)


def _share(action: str) -> Metric:
    return Metric(
        name=f"{action}_pct",
        label=action,
        derived=Share(actions=(action,)),
        denominator="decisions",
        exact_name=f"p_{action}",
    )
