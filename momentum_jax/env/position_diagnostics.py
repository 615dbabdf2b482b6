"""What the momentum environment says of decisions in a position: counts, rewards, probe states and metrics."""

from __future__ import annotations

from momentum_jax.diagnostics.description import (
    ActionCount,
    Count,
    Metric,
    ProbeSet,
    Recorded,
    RewardSum,
    Share,
    Variable,
)

NOT_EXECUTED = ("is_flat", "forced_stop", "yoked_stop")
"""Flags unless which the step's action was executed on an open position: a stop takes its place."""

POSITION_VARIABLES = (
    Variable(
        name="position_count",
        long_name="actions executed in a position, by action; a step whose stop took precedence executed none",
        dims=("action",),
        denominator="decisions in a position",
        source=ActionCount(unless=NOT_EXECUTED),
    ),
    Variable(
        name="position_reward_sum",
        long_name="sum of the rewards of the actions executed in a position, by action; without those of stops",
        dims=("action",),
        dtype="float64",
        units="reward",
        denominator="position_count",
        source=RewardSum(unless=NOT_EXECUTED),
    ),
    Variable(
        name="stop_reward_sum",
        long_name="sum of the rewards of forced stops, by the action that was chosen and not executed",
        dims=("action",),
        dtype="float64",
        units="reward",
        denominator="forced_stop",
        source=RewardSum(when=("forced_stop",)),
    ),
    Variable(
        name="yoked_stop",
        long_name="positions sold by a yoked stop",
        denominator="env steps",
        source=Count(when=("yoked_stop",)),
    ),
    Variable(
        name="forced_trim",
        long_name="trims that replaced the chosen action",
        denominator="env steps",
        source=Count(when=("forced_trim",)),
    ),
)

# Whoever changes `momentum_probes.draw_positions` gives it the next number as `draw`.
IN_POSITION = ProbeSet(name="position", states="probe states in a position", decisions="position_count")


def _share(name: str, label: str, *actions: str) -> Metric:
    return Metric(
        name=f"{name}_position_pct",
        label=f"{label} in position",
        derived=Share(actions=actions, counted_in=IN_POSITION.decisions),
        denominator="decisions in a position",
        exact_name=f"p_{name}_position",
    )


def _change(name: str, label: str, unit: str) -> Metric:
    return Metric(name=name, label=label, derived=Recorded(variable=name, counted="exact"), unit=unit)


POSITION_METRICS = (
    _share("hold", "HOLD", "HOLD"),
    _share("trim", "TRIM", "TRIM_50", "TRIM_70"),
    _share("exit", "EXIT", "EXIT"),
    _change("churn", "churn while flat", "fraction"),
    _change("churn_position", "churn in position", "fraction"),
    _change("policy_kl", "KL while flat", "nat"),
    _change("policy_kl_position", "KL in position", "nat"),
)
