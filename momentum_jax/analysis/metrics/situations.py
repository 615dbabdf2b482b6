"""What a run measures alike in several situations: on the primary probe states, and on every further set of them."""

from __future__ import annotations

import xarray as xr

from momentum_jax.analysis.metrics.derived_curves import derive_curves, healthy
from momentum_jax.analysis.metrics.metric_curves import decisions_in_words, exact_share
from momentum_jax.diagnostics.description import Diagnostics, Metric, ProbeSet, Share
from momentum_jax.diagnostics.variables import PRIMARY, of_probe_set
from momentum_jax.run_directory import diagnostics_of

# Label and scale.
_CHANGES = {
    "churn": ("churn per update, % of states", 100),
    "policy_kl": ("KL divergence per update, 0.001 nat", 1_000),
}


Measured = dict[str, dict[str, xr.DataArray]]
"""By what is measured, by the words for the situation."""


def situations(ds: xr.Dataset) -> Measured:
    """The share on which probe halves are compared (`exact_share`), churn and divergence, side by side.

    Checkpoints may be one update apart or many: changes are divided by the updates since the checkpoint before, and
    NaN where there was none.

    Args:
        ds: a loaded run.

    Returns:
        By what is measured, by the words for the situation (the decisions that a set of probe states stands for):
        ``[arm, seed, checkpoint]``, NaN from the step a seed failed. Empty where the environment has one set of
        probe states alone; a situation whose share is no metric is left out of the share's.
    """
    diagnostics = diagnostics_of(ds)
    share = exact_share(diagnostics)
    if share is None or not diagnostics.probe_sets:
        return {}
    curves, alive = derive_curves(ds), healthy(ds)
    words = {PRIMARY: decisions_in_words(diagnostics)}
    words |= {one.name: decisions_in_words(diagnostics, one.decisions) for one in diagnostics.probe_sets}
    shares = {PRIMARY: share.exact_name}
    shares |= {one.name: name for one in diagnostics.probe_sets if (name := _counterpart(share, one, diagnostics))}
    found = {f"exact P({share.label}), %": {words[name]: curves[curve] for name, curve in shares.items()}}
    updates = ds["update"].diff("checkpoint").reindex(checkpoint=ds["checkpoint"])
    for variable, (label, scale) in _CHANGES.items():
        by_set = {name: scale * ds[of_probe_set(variable, name)] for name in words}
        found[label] = {words[name]: (one / updates.where(updates > 0)).where(alive) for name, one in by_set.items()}
    return found


def _counterpart(share: Metric, probe_set: ProbeSet, diagnostics: Diagnostics) -> str:
    """Name of the exact curve of the same actions in another situation; empty where no metric is that."""
    assert isinstance(share.derived, Share)
    wanted = Share(actions=share.derived.actions, counted_in=probe_set.decisions)
    return next((metric.exact_name for metric in diagnostics.metrics if metric.derived == wanted), "")
