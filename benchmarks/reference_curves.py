"""Same science as the reference? Seeds of this project against seeds of the reference learner, on the same bars.

    python -m benchmarks.reference_curves --num_seeds=32        train (a few minutes), then compare
    python -m benchmarks.reference_curves --run_dir=runs/X      compare a run that is already there

Judged: 90 % intervals of the differences of means within ±3 points (forced stops ±5 %) at each checkpoint, and one
permutation test of the energy distance between the standardised vectors. Kolmogorov-Smirnov p values are shown only.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from absl import app, flags

from benchmarks import curves, results

_RUN_DIR = flags.DEFINE_string("run_dir", None, "finished run to compare; trained first if it is not there")
_NUM_SEEDS = flags.DEFINE_integer("num_seeds", 32, "seeds to train")
_GOLDEN = flags.DEFINE_string("golden", "../shared/golden/maskable_ppo_tune2_spy.npz", "the reference's curves")
_DATA = flags.DEFINE_string("data", "../shared/data", "folder of spy_1min_2024.csv and vix_daily.csv")


def train(run_dir: Path) -> None:
    """Train tune2 on the 8 580 regular-session bars of the record."""
    command = [sys.executable, "launch.py", "--experiment=tune2", "--timesteps=100000", "--symbols=SPY"]
    command += ["--data_source=csv", f"--data_path={_DATA.value}/spy_1min_2024.csv", "--start_date=2024-02-20"]
    command += [f"--vix_path={_DATA.value}/vix_daily.csv", "--end_date=2024-03-20"]
    subprocess.run([*command, f"--num_seeds={_NUM_SEEDS.value}", f"--run_dir={run_dir}"], check=True)


def main(argv: list[str]) -> None:
    del argv
    run_dir = Path(_RUN_DIR.value or f"runs/reference-curves-{_NUM_SEEDS.value}")
    if not run_dir.exists():
        train(run_dir)
    mine, theirs = curves.ours(run_dir), curves.reference(Path(_GOLDEN.value))
    table, p_value = curves.compare(mine, theirs), curves.energy_p_value(mine, theirs)
    print(curves.markdown(table))
    print(f"{len(mine)} seeds against {len(theirs)}: {table.equivalent.sum()} of {len(table)} equivalent,")
    print(f"energy distance p = {p_value:.3f} (wanted: all, > 0.01)")
    summary = {"seeds": len(mine), "reference_seeds": len(theirs), "energy_p": p_value}
    print("written:", results.write("reference_curves", summary | {"rows": table.to_dict("records")}))


if __name__ == "__main__":
    app.run(main)
