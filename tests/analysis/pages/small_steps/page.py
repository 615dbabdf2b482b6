"""The page of the made-up study."""

from momentum_jax.analysis.pages.blocks.claim_verdicts import declared_verdicts
from momentum_jax.analysis.pages.blocks.page_figures import seed_curves
from momentum_jax.analysis.pages.blocks.paired_tables import paired_depths

from .names import CONTROL, SLOW, USUAL


def differences(market):
    return paired_depths(market, market.outcome(USUAL, "main"), ("main", "control")).set_index("arm")


def verdicts(market):
    return declared_verdicts(market, ["main"])


def every_seed(market):
    """Every seed of three arms."""
    arms = {USUAL: "usual steps", SLOW: "small steps", CONTROL: "no steps"}
    ds = market.joined(["main", "control"])
    return seed_curves(ds, arms, {"p_hold": "exact P(HOLD) %"}, market.name)


TABLES = {"differences": differences, "verdicts": verdicts}
FIGURES = {"every_seed": every_seed}
REFERENCES = {"main": USUAL}
