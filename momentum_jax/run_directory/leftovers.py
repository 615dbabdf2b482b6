"""Half-written files and folders that killed processes leave: every one has a temporary name until it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path


def remove_leftovers(run_dir: str | Path) -> None:
    """Removes what killed processes left half-written. Nobody else may be writing."""
    for path in Path(run_dir).rglob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
