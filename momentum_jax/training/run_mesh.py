"""Runs on a mesh of devices: a function of one run becomes one of a whole group, each device with its own runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from momentum_jax.training.group_width import Layout

_AXIS = "runs"


class RunMesh:
    """The devices of a layout, and where arrays lie on them."""

    def __init__(self, layout: Layout):
        self._mesh = Mesh(np.asarray(layout.devices), (_AXIS,))
        self._vmapped = layout.vmapped
        self.by_run = NamedSharding(self._mesh, P(_AXIS))
        self.everywhere = NamedSharding(self._mesh, P())

    def over_runs(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """A function of a group from one of a run.

        Args:
          function: of what all runs have in common, and of one run's own; each a pytree.

        Returns:
          The same of a group: the runs' own and what is returned have leaves [runs, ...].
        """

        def on_device(common: Any, own: Any) -> Any:
            one = partial(function, common)
            return jax.vmap(one)(own) if self._vmapped else jax.lax.map(one, own)

        specs = (P(), P(_AXIS))
        return jax.shard_map(on_device, mesh=self._mesh, in_specs=specs, out_specs=P(_AXIS), check_vma=False)
