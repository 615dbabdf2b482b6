"""A study: several runs in a declared order."""

from momentum_jax.study.queue import Study

__all__ = ["Study"]
