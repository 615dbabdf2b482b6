"""Launch an experiment: `python launch.py --experiment=tune2 --num_seeds=64 --run_dir=runs/tune2`; see --help."""

from __future__ import annotations

import sys
from pathlib import Path

from momentum_jax.processes import console, interruption


def main() -> None:
    console.protect()
    interruption.end_at_once_on_signals("launch.py: stopped before anything was begun; the same command starts again")
    # Imported now: loading all this takes most of a second, in which Ctrl-C may come, too.
    import experiments
    from momentum_jax.cli import launching

    try:
        launching.launch(sys.argv, experiments, Path(__file__))
    finally:
        interruption.end_silently_on_signals()


if __name__ == "__main__":
    main()
