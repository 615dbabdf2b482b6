"""Against the PyTorch masked PPO: sb3-contrib's MaskablePPO, one process on each core, same bars, same settings.

    python -m benchmarks.rival [--rounds=5] [--data=../shared/data]

Ours trains 8 seeds in one process. The rival trains through this project's Gymnasium wrapper, and on a plain NumPy
environment, where nothing of JAX holds it back. All sides are timed in turns in one run, after a warm-up update.
PyTorch and sb3-contrib are installed on first use into an environment of their own (`pip install torch sb3-contrib`,
1 GB); where the plain name brings a build for GPUs, --torch="torch @ URL" names another.
"""

from __future__ import annotations

import sys

from absl import app, flags

from benchmarks import bars, contest, results, rival_venv
from momentum_jax.processes.machine import usable_cores

_ROUNDS = flags.DEFINE_integer("rounds", 5, "timings of each side, in turns")
_PROCESSES = flags.DEFINE_integer("processes", None, "processes of the rival at once; default one for each core")
_TORCH = flags.DEFINE_string("torch", "torch>=2.8,<3", "requirement of PyTorch, as pip takes it")
_SB3 = flags.DEFINE_string("sb3", "sb3-contrib>=2.7,<3", "requirement of sb3-contrib, as pip takes it")

OURS = "ours, 8 seeds in one process"


def sides(python: str, processes: int) -> list[contest.Side]:
    """Ours and the rival on either environment."""
    rival = [python, "-m", "benchmarks.rival_worker", f"--data={bars.DATA.value}"]
    one_thread = {"OMP_NUM_THREADS": "1"}
    return [
        contest.Side(
            OURS, [sys.executable, "-m", "benchmarks.ours_worker", "--num_seeds=8", f"--data={bars.DATA.value}"]
        ),
        contest.Side(
            f"rival, NumPy environment, {processes} processes", [*rival, "--env=numpy"], processes, one_thread
        ),
        contest.Side(f"rival, our wrapper, {processes} processes", [*rival, "--env=wrapper"], processes, one_thread),
    ]


def main(argv: list[str]) -> None:
    del argv
    processes = _PROCESSES.value or usable_cores()
    try:
        python = rival_venv.interpreter([_TORCH.value, _SB3.value])
        result = contest.play(sides(str(python), processes), _ROUNDS.value)
    except (rival_venv.InstallError, contest.WorkerError) as error:
        sys.exit(f"benchmarks.rival: {error}")
    table = contest.summary(result.rates, OURS)
    print(f"\ntune2 on {bars.describe()}\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.1f}"))
    written = {
        "bars": bars.describe(),
        "torch": result.facts[table["side"].iloc[1]][0]["torch"],
        "rows": table.to_dict("records"),
        "rounds": result.rates.to_dict("records"),
    }
    print("\nwritten:", results.write("rival", written))


if __name__ == "__main__":
    app.run(main)
