"""The figures of a run: each file draws one from plain arrays, `gallery` feeds them from a dataset."""

from momentum_jax.analysis.figures.canvas import save_figure
from momentum_jax.analysis.figures.primary_metric import plot_primary
from momentum_jax.analysis.figures.run_figures import Picture, gallery

__all__ = ["Picture", "gallery", "plot_primary", "save_figure"]
