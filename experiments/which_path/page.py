"""What the study adds to a page: tables and figures by name. It is reported on the page of early_dip."""

from momentum_jax.analysis.pages.blocks.run_list import runs

from . import figures, mediation, positions, tables

TABLES = {
    "interventions": tables.interventions,
    "effects": tables.effects,
    "mediation": mediation.mediation,
    "declared": tables.declared,
    "multiverse": tables.multiverse,
    "universes": tables.universes,
    "replication": tables.replication,
    "own_controls": mediation.own_controls,
    "churn": tables.churn,
    "single_updates": positions.single_updates,
    "position_rewards": positions.rewards,
    "around_peak": tables.around_peak,
    "yoked": tables.yoked,
    "doses": tables.doses,
    "runs": runs,
}
FIGURES = {
    "graph": figures.graph,
    "paths": figures.paths,
    "chain": figures.chain,
    "both_situations": figures.both_situations,
    "around_peak": figures.around_peak,
    "shares": figures.shares,
    "doses": figures.doses,
}
KEYS = {
    "mediation": ("arm",),
    "declared": ("claim", "number"),
    "multiverse": ("claim", "number"),
    "universes": ("claim", "number", "counted"),
    "replication": ("arm", "number"),
    "own_controls": ("arm", "number"),
    "churn": ("arm", "update"),
    "around_peak": ("arm", "measured", "situation"),
    "doses": ("ladder", "dose"),
}
REFERENCES = {"replication": "tune2"}
