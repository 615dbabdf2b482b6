"""What the study's page is made of; its templates lie beside this file."""

from momentum_jax.analysis.pages.blocks.depth_tables import depths
from momentum_jax.analysis.pages.blocks.run_list import runs

from . import counterfactual_results, figures, tables

TABLES = {
    "published": tables.published,
    "published_summary": tables.published_summary,
    "claims": tables.claims,
    "declared": tables.declared,
    "depths": depths,
    "causes": tables.causes,
    "undecided": tables.undecided,
    "rest": tables.rest,
    "doses": tables.doses,
    "dose_trends": tables.dose_trends,
    "elsewhere": tables.elsewhere,
    "controls": tables.controls,
    "mechanism": tables.mechanism,
    "setups": tables.setups,
    "noise": tables.noise,
    "streams": tables.streams,
    "prediction": tables.prediction,
    "features": tables.features,
    "power": tables.power,
    "counterfactual": counterfactual_results.table,
    "runs": runs,
}
FIGURES = {
    "story": figures.story,
    "published_runs": figures.published_runs,
    "full": figures.full,
    "causes": figures.causes,
    "rest": figures.rest,
    "dose": figures.dose,
    "controls": figures.controls,
    "streams": figures.streams,
    "random_episodes": figures.random_episodes,
    "counterfactual": counterfactual_results.figure,
}
KEYS = {
    "depths": ("part", "arm"),
    "causes": ("part", "arm"),
    "rest": ("part", "arm"),
    "controls": ("control",),
    "streams": ("part", "stream"),
    "doses": ("trim", "ent_coef"),
    "dose_trends": ("trim",),
    "elsewhere": ("part",),
    "mechanism": ("arm", "to_step"),
    "setups": ("arm",),
    "prediction": ("arm", "outcome", "known_at_step"),
    "claims": ("claim", "number"),
    "counterfactual": ("effect", "updates", "path"),
    "declared": ("claim", "number"),
}
ALSO = ("which_path",)
REFERENCES = {"reproduction": tables.REFERENCE, "main_causes": tables.TRIM_FIXED}
