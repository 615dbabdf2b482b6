"""Environment steps a second of the recurrent learner at the published size, beside the reference's and the machine's.

    python -m benchmarks.recurrent [--network=lstm] [--rounds=5] [--data=../shared/data]

The reference is sb3-contrib's RecurrentPPO with the same network and minibatches on a plain NumPy environment, one
process on each core (`rival_worker`). Both take turns with the machine's own float32 products, so that what
else runs on the machine falls on all. PyTorch is installed on first use, see `rival`; where it cannot be, or with
--noreference, the specification's rate of the reference stands in its place: 80 steps a second on one core.
"""

from __future__ import annotations

import sys

import numpy as np
from absl import app, flags

from benchmarks import bars, contest, published_v3, results, rival_venv
from momentum_jax.processes.machine import usable_cores

REFERENCE_RATE = 80.0  # steps a second of the reference on one core, by the specification
OURS, REFERENCE, PRODUCTS = "ours", "reference", "products, million operations"

_SEEDS = flags.DEFINE_integer("seeds", None, "seeds to train, shared by the cores; default one for each core")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "timings of each side, in turns")
_NETWORK = flags.DEFINE_enum("network", "lstm", list(published_v3.GATES), "network to train")
_REFERENCE = flags.DEFINE_boolean("reference", True, "time the reference too")
_TORCH = flags.DEFINE_string("torch", "torch>=2.8,<3", "requirement of PyTorch, as pip takes it")
_SB3 = flags.DEFINE_string("sb3", "sb3-contrib>=2.7,<3", "requirement of sb3-contrib, as pip takes it")


def main(argv: list[str]) -> None:
    del argv
    cores = usable_cores()
    seeds = _SEEDS.value or cores
    try:
        found = contest.play(sides(seeds, cores), _ROUNDS.value)
    except (rival_venv.InstallError, contest.WorkerError) as error:
        sys.exit(f"benchmarks.recurrent: {error}")
    result = summary(found, seeds, cores)
    print(contest.summary(found.rates, OURS).to_string(index=False, float_format=lambda value: f"{value:,.1f}"), "\n")
    for name, value in result.items():
        print(f"{name:26s}", f"{value:,.2f}" if isinstance(value, float) else value)
    print("\nwritten:", results.write(f"recurrent_{_NETWORK.value}", result))


def sides(seeds: int, cores: int) -> list[contest.Side]:
    """Ours, the machine's products, and the reference where it is asked for and there is one: it has no GRU.

    Raises:
      InstallError: the reference's packages cannot be installed.
    """
    worker = [sys.executable, "-m", "benchmarks.recurrent_worker", f"--data={bars.DATA.value}"]
    found = [
        contest.Side(OURS, [*worker, f"--num_seeds={seeds}", f"--network={_NETWORK.value}"]),
        contest.Side(PRODUCTS, [*worker, "--products"]),
    ]
    if _REFERENCE.value and _NETWORK.value == "lstm":
        python = str(rival_venv.interpreter([_TORCH.value, _SB3.value]))
        command = [python, "-m", "benchmarks.rival_worker", "--recurrent", "--stretch=1", f"--data={bars.DATA.value}"]
        found.append(contest.Side(REFERENCE, command, cores, {"OMP_NUM_THREADS": "1"}))
    return found


def summary(found: contest.Result, seeds: int, cores: int) -> dict[str, object]:
    """Medians over the rounds, of ratios those of each round."""
    rates, facts = found.rates, found.facts[OURS][0]
    used = min(seeds, cores)
    measured = REFERENCE in rates
    reference = rates[REFERENCE] * used / cores if measured else 0 * rates[OURS] + REFERENCE_RATE * used
    gflops = rates[OURS] * facts["flops"] / 1e9
    return {
        "bars": bars.describe(),
        "network": _NETWORK.value,
        "seeds": seeds,
        "cores": used,
        "steps_per_second": float(rates[OURS].median()),
        "slowest": float(rates[OURS].min()),
        "fastest": float(rates[OURS].max()),
        "reference_measured": measured,
        "reference_per_core": float(reference.median() / used),
        "ratio_to_reference": float((rates[OURS] / reference).median()),
        "gflops": float(gflops.median()),
        "share_of_products": float(np.median(gflops / (rates[PRODUCTS] / 1e3))),
        "state_megabytes_per_seed": facts["state_bytes"] / seeds / 1e6,
        "init_and_compile_seconds": facts["compile_seconds"],
    }


if __name__ == "__main__":
    app.run(main)
