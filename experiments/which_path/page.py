"""What the study's page is made of. The page is that of the first study, which takes these tables and figures too."""

from momentum_jax.analysis.pages.blocks.depth_tables import depths
from momentum_jax.analysis.pages.blocks.run_list import runs

from . import figures, tables

TABLES = {
    "interventions": tables.interventions,
    "declared": tables.declared,
    "depths": depths,
    "runs": runs,
}
FIGURES = {"graph": figures.graph}
KEYS = {"depths": ("part", "arm"), "declared": ("claim", "number")}
REFERENCES = {"replication": "tune2"}
