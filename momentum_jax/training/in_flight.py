"""What was dispatched to the devices and has not reached the host yet."""

from __future__ import annotations

import collections
from typing import Any

import jax
import numpy as np

Dispatched = list[list[Any]]  # by program and group: results on the devices, or on the host already


class RecordsInFlight:
    """The groups' records that are still on the devices, the oldest first; at most `limit` of them.

    Devices work in the order of dispatching. So the next group is always dispatched before a record is waited for: the
    devices compute it while the record of the oldest group reaches the host. Dispatching all groups first and then
    fetching their records would leave the devices idle.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._waiting: collections.deque[tuple[list[Any], int]] = collections.deque()

    def add(self, by_group: list[Any], group: int) -> None:
        """Note that `by_group[group]` was dispatched; beyond the limit, put the oldest record on the host in place."""
        self._waiting.append((by_group, group))
        if len(self._waiting) > self._limit:
            oldest, number = self._waiting.popleft()
            oldest[number] = jax.tree.map(np.asarray, oldest[number])

    def remove(self, dispatched: Dispatched) -> None:
        """Forget what has been fetched otherwise."""
        fetched = {id(by_group) for by_group in dispatched}
        self._waiting = collections.deque(item for item in self._waiting if id(item[0]) not in fetched)
