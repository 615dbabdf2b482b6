"""What the study's page is made of; its template lies beside this file."""

from momentum_jax.analysis.pages.blocks.run_list import runs

from . import figures, tables

TABLES = {
    "equivalence": tables.equivalence,
    "published": tables.published,
    "effects": tables.effects,
    "two_by_two": tables.two_by_two,
    "decisions": tables.decisions,
    "declared": tables.declared,
    "runs": runs,
}
FIGURES = {"curves": figures.curves}
KEYS = {
    "equivalence": ("number", "step"),
    "published": ("metric", "env_steps"),
    "effects": ("arm",),
    "two_by_two": ("changed",),
    "decisions": ("arm", "to_step"),
    "declared": ("claim", "number"),
}
