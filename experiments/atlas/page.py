"""What the atlas's page is made of; its template lies beside this file."""

from momentum_jax.analysis.pages.blocks.run_list import runs

from . import figures, tables
from .measures import keep
from .redrawn import redrawn

TABLES = {
    "atlas": tables.atlas,
    "differences": tables.differences,
    "populations": tables.populations,
    "redrawn": redrawn,
    "declared": tables.declared,
    "verdicts": tables.verdicts,
    "when": tables.when,
    "before_and_after": tables.before_and_after,
    "settings": tables.settings,
    "runs": runs,
}
FIGURES = {"plates": figures.plates}
KEYS = {"declared": ("claim", "environment")}
KEEP = keep
