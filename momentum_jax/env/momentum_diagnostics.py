"""The momentum environment's own words: actions, setup scores, events and the metrics of its decisions while flat."""

from __future__ import annotations

import dataclasses

from momentum_jax.diagnostics.description import (
    Contrast,
    Count,
    DecisionTable,
    Diagnostics,
    Metric,
    Outcomes,
    Ratio,
    Share,
    Variable,
)
from momentum_jax.diagnostics.early_steps import EarlySteps
from momentum_jax.env.position_diagnostics import IN_POSITION, NOT_EXECUTED, POSITION_METRICS, POSITION_VARIABLES

ACTIONS = ("HOLD", "BUY_CALL", "BUY_PUT", "TRIM_50", "TRIM_70", "EXIT")
SETUP_SCORES = (0, 1, 2, 3, 4)
STRONG_SCORE = 3
"""A setup is strong at this score and above."""

FLAGS = (
    "is_flat",
    "good_buy",
    "missed_opportunity",
    "bad_chase",
    "low_advantage",
    "forced_stop",
    "trade_closed",
    "yoked_stop",
    "forced_trim",
)
_BUYS = ("BUY_CALL", "BUY_PUT")
_STRONG, _WEAK = SETUP_SCORES[STRONG_SCORE:], SETUP_SCORES[:STRONG_SCORE]

VARIABLES = (
    Variable(
        name="flat_count",
        long_name="decisions taken while flat, by setup score and action",
        dims=("setup_score", "action"),
        denominator="flat decisions",
        source=DecisionTable(when=("is_flat",)),
    ),
    Variable(
        name="good_buy",
        long_name="buys while flat at a strong setup",
        denominator="flat decisions at strong setups",
        good_direction=1,
        source=Count(when=("good_buy",)),
    ),
    Variable(
        name="missed_opportunity",
        long_name="holds while flat at a strong setup",
        denominator="flat decisions at strong setups",
        good_direction=-1,
        source=Count(when=("missed_opportunity",)),
    ),
    Variable(
        name="bad_chase",
        long_name="buys while flat that chase",
        denominator="flat buys",
        good_direction=-1,
        source=Count(when=("bad_chase",)),
    ),
    Variable(
        name="forced_stop",
        long_name="positions sold by the forced stop",
        denominator="trade_count",
        good_direction=-1,
        source=Count(when=("forced_stop",)),
    ),
    Variable(
        name="low_advantage",
        long_name="buys while flat at a setup score below 2",
        denominator="flat buys",
        good_direction=-1,
        source=Count(when=("low_advantage",)),
    ),
    Variable(
        name="trim",
        long_name="trims of an open position",
        denominator="env steps",
        source=Count(unless=NOT_EXECUTED, actions=("TRIM_50", "TRIM_70")),
    ),
    Variable(
        name="exit",
        long_name="exits of an open position",
        denominator="env steps",
        source=Count(unless=NOT_EXECUTED, actions=("EXIT",)),
    ),
    Variable(
        name="trade_count",
        long_name="positions closed",
        denominator="env steps",
        source=Count(when=("trade_closed",)),
    ),
    Variable(
        name="win_count",
        long_name="positions closed with a gain",
        denominator="trade_count",
        good_direction=1,
        source=Outcomes(when="trade_closed", reduce="positive"),
    ),
    Variable(
        name="trade_return_sum",
        long_name="sum of the returns of closed positions",
        dtype="float64",
        units="fraction of cost",
        denominator="trade_count",
        good_direction=1,
        source=Outcomes(when="trade_closed", reduce="sum"),
    ),
    Variable(
        name="worst_trade",
        long_name="lowest return of a closed position; NaN where none closed",
        dtype="float64",
        units="fraction of cost",
        good_direction=1,
        source=Outcomes(when="trade_closed", reduce="smallest"),
    ),
)

_FLAT = "flat decisions"
METRICS = (
    Metric(
        name="hold_pct",
        label="HOLD",
        derived=Share(actions=("HOLD",)),
        denominator=_FLAT,
        good_direction=-1,
        exact_name="p_hold",
    ),
    Metric(
        name="call_pct",
        label="CALL",
        long_name="BUY_CALL",
        derived=Share(actions=("BUY_CALL",)),
        denominator=_FLAT,
        exact_name="p_call",
    ),
    Metric(
        name="put_pct",
        label="PUT",
        long_name="BUY_PUT",
        derived=Share(actions=("BUY_PUT",)),
        denominator=_FLAT,
        exact_name="p_put",
    ),
    Metric(
        name="buy_pct",
        label="BUY",
        derived=Share(actions=_BUYS),
        denominator=_FLAT,
        good_direction=1,
        exact_name="p_buy",
    ),
    Metric(
        name="strong_buy_pct",
        label="strong BUY",
        long_name=f"BUY at setup scores from {STRONG_SCORE}",
        derived=Share(actions=_BUYS, contexts=_STRONG),
        denominator="flat decisions at strong setups",
        good_direction=1,
        exact_name="p_buy_strong",
    ),
    Metric(
        name="weak_buy_pct",
        label="weak BUY",
        long_name=f"BUY at setup scores below {STRONG_SCORE}",
        derived=Share(actions=_BUYS, contexts=_WEAK),
        denominator="flat decisions at weak setups",
        exact_name="p_buy_weak",
    ),
    Metric(
        name="chase_pct",
        label="chases of buys",
        derived=Ratio(numerator="bad_chase", actions=_BUYS),
        denominator="flat buys",
    ),
)

EARLY = EarlySteps(horizon=25_000, baselines=(0, 5_000), landmarks=(5_000, 10_000), prediction=(2_000, 5_000))

MOMENTUM = Diagnostics(
    environment="momentum",
    actions=ACTIONS,
    context="setup_score",
    contexts=SETUP_SCORES,
    flags=FLAGS,
    variables=(*VARIABLES, *POSITION_VARIABLES),
    decisions="flat_count",
    metrics=(*METRICS, *POSITION_METRICS),
    primary="hold_pct",
    dips_in=("hold_pct", "strong_buy_pct", "p_hold"),
    shown_events=("good_buy", "missed_opportunity", "bad_chase", "forced_stop", "low_advantage", "trim", "exit"),
    contrast=Contrast(contexts=_STRONG, actions=_BUYS),
    columns=("hold_pct", "call_pct", "put_pct", "strong_buy_pct"),
    context_options=("put_setup", "decision_time_setup"),
    probe_sets=(IN_POSITION,),
    early=EARLY,
)

BEFORE_DESCRIPTIONS = dataclasses.replace(MOMENTUM, variables=VARIABLES, metrics=METRICS, probe_sets=())
"""What runs recorded that were written before config.json carried a description."""
