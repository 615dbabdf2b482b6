"""A study: several runs in a declared order."""

from momentum_jax.study.declaration import DECLARATION_NAME, Study, part_name

__all__ = ["DECLARATION_NAME", "Study", "part_name"]
