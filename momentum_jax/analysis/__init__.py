"""From a run directory to dips, tables, figures and a report. Nothing here imports jax."""
