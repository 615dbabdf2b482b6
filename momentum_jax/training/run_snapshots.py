"""States of some runs on the host, and how they are taken apart again for groups of another size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

Snapshot = dict[str, np.ndarray]  # states of some runs by the leaves' names, arrays [runs, ...]


class SnapshotReader:
    """Hands out runs one after the other, however many a snapshot holds."""

    def __init__(self, snapshots: Iterator[Snapshot]):
        self._snapshots = snapshots
        self._rest: Snapshot = {}
        self._left = 0

    def take(self, count: int) -> Snapshot:
        """The next `count` runs. Raises ValueError where there are fewer."""
        pieces = []
        while count > 0:
            if self._left == 0:
                self._open_next()
            taken = min(count, self._left)
            pieces.append({name: array[:taken] for name, array in self._rest.items()})
            self._rest = {name: array[taken:] for name, array in self._rest.items()}
            self._left -= taken
            count -= taken
        return joined(pieces)

    def _open_next(self) -> None:
        self._rest = next(self._snapshots, {})
        if not self._rest:
            raise ValueError("it holds fewer runs than there are")
        self._left = min(len(array) for array in self._rest.values())


def joined(snapshots: Sequence[Snapshot]) -> Snapshot:
    """The runs of several snapshots as one."""
    return {name: np.concatenate([snapshot[name] for snapshot in snapshots]) for name in snapshots[0]}
