"""What each part needs, looked for before anything runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bars
from benchmarks.accelerator import setting

_LAUNCHING = ("flax", "optax", "gymnax", "orbax.checkpoint", "xarray", "tqdm", "matplotlib", "statsmodels", "PIL")
PACKAGES = {
    "a": ("gymnax", "pytest"),
    "d": (*_LAUNCHING, "exchange_calendars"),
    "e": _LAUNCHING,
    "f": _LAUNCHING,
}


def missing_for(parts: Sequence[setting.Part]) -> dict[str, str]:
    """Parts that cannot run here, by letter, with what they need."""
    golden = Path(setting.GOLDEN.value)
    files = {
        "a": [(golden / "ppo_update.npz", "--golden=FOLDER")],
        "d": [
            (golden / "maskable_ppo_tune2_spy.npz", "--golden=FOLDER"),
            (Path(bars.DATA.value) / "spy_1min_2024.csv", "--data=FOLDER"),
        ],
    }
    found = {}
    for part in parts:
        needs = [f"package {name}" for name in PACKAGES.get(part.letter, ()) if not _is_installed(name)]
        needs += [
            f"{path} (name its folder with {flag})" for path, flag in files.get(part.letter, ()) if not path.exists()
        ]
        if needs:
            found[part.letter] = f"part {part.letter} needs {', '.join(needs)}"
    return found


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False
