"""What the study's page is made of; its template lies beside this file."""

from momentum_jax.analysis.pages.blocks.run_list import runs

from . import figures, tables, trading_tables

TABLES = {
    "p_hold": tables.p_hold,
    "declared": tables.declared,
    "validation": tables.validation,
    "trading": trading_tables.trading,
    "judged": trading_tables.judged,
    "judged_days": trading_tables.judged_days,
    "runs": runs,
}
FIGURES = {"p_hold": figures.p_hold, "validation": figures.validation, "equity": figures.equity}
KEYS = {
    "declared": ("claim", "number"),
    "validation": ("arm", "policy"),
    "trading": ("arm", "policy"),
}
