"""Rates of the yoked stops: forced stops per step in a position of each seed's tune2, in its first 5 000 steps.

`yoked_rates_<market>.json` holds the counts, beside this file. They are made from a run of tune2 on the study's seeds:

    python launch.py --experiment=tune2 --first_seed=1000 --num_seeds=64 --timesteps=5000 --run_dir=runs/rates [market]
    python experiments/which_path/yoked_rates.py runs/rates experiments/which_path/yoked_rates_spy.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

COUNTED_TO = 5_000
ARM = "tune2"


def rates(market: str, first_seed: int, num_seeds: int) -> tuple[float, ...]:
    """The rates of a market's seeds, in their order.

    Raises:
        ValueError: the file is of other seeds.
    """
    path = Path(__file__).with_name(f"yoked_rates_{market}.json")
    counts = json.loads(path.read_text(encoding="utf-8"))
    found, wanted = counts["seeds"], range(first_seed, first_seed + num_seeds)
    if found != [*wanted]:
        raise ValueError(f"{path}: seeds {found[0]} to {found[-1]}, expected {wanted[0]} to {wanted[-1]}")
    pairs = zip(counts["forced_stops"], counts["position_steps"], strict=True)
    return tuple(stops / steps for stops, steps in pairs)


def count(run_dir: Path) -> dict[str, Any]:
    """Counts of a run with an arm tune2 in its first `COUNTED_TO` steps, a list entry for each seed."""
    # Loading runs takes xarray, which a launch does without.
    from momentum_jax.run_directory import load_run

    ds = load_run(run_dir).sel(arm=ARM)
    counted = ds.isel(checkpoint=ds["env_steps"].values <= COUNTED_TO)
    end = int(counted["env_steps"].values[-1])
    if end != COUNTED_TO:
        raise ValueError(f"{run_dir}: no checkpoint at {COUNTED_TO} steps, the last one before is {end}")
    flat = counted["flat_count"].sum(["checkpoint", "setup_score", "action"])
    stops = counted["forced_stop"].sum("checkpoint")
    return {
        "arm": ARM,
        "steps": end,
        "seeds": ds["seed"].values.tolist(),
        "forced_stops": stops.values.astype(int).tolist(),
        "position_steps": (end - flat).values.astype(int).tolist(),
    }


def main(arguments: list[str]) -> None:
    run_dir, path = map(Path, arguments)
    path.write_text(json.dumps(count(run_dir)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
