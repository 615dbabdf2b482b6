"""A small run to be killed anywhere: `python -m tests.training.resumable RUN_DIR [--after=SECONDS] [--at=CALL,N]`.

`--after` kills the process that long after training has begun, `--at` before the N-th call of a function of `os`
or `shutil`, such as the rename that would put a file in place. `--peer=INDEX,PORT` makes it one process of two.
`--run=NAME` trains another one of `RUNS`.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.ppo.hyper_parameters import PPOConfig

SMALL = PPOConfig(num_steps=64, minibatch_size=32, num_epochs=2, hidden_sizes=(16,))
ARMS = (Arm(name="a", ppo=SMALL), Arm(name="b", ppo=SMALL, env=EnvOptions(call_bonus=0.5)))


def make_config(**settings: Any) -> RunConfig:
    """Two arms × 3 seeds, with checkpoints inside rollouts and between them."""
    defaults: dict[str, Any] = {"timesteps": 1_500, "checkpoints": tuple(range(100, 1_500, 100)), "num_seeds": 3}
    return RunConfig(experiment="resumable", arms=ARMS, **{"state_interval": 0.0} | defaults | settings)


def make_evaluated() -> RunConfig:
    """Three seeds on CartPole with everything that a seed keeps or draws beside its training."""
    ppo = dataclasses.replace(SMALL, normalize_observations=True, normalize_rewards=True)
    return RunConfig(
        experiment="evaluated",
        environment="CartPole-v1",
        arms=(Arm(name="a", ppo=ppo),),
        timesteps=256,
        checkpoints=(128,),
        num_seeds=3,
        eval_episodes=4,
        eval_max_steps=50,
        group_width=(1,),
        num_devices=1,
    )


RUNS = {"market": make_config, "evaluated": make_evaluated}


def use_made_up_market() -> None:
    """Let the runner train on a made-up market."""
    from momentum_jax.env import registry
    from momentum_jax.market.dataset import Dataset
    from tests.markets import make_segment

    registry.load_dataset = lambda config: Dataset([make_segment()], [])


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_at(name: str, number: int) -> None:
    owner = shutil if name == "rmtree" else os
    function, calls = getattr(owner, name), iter(range(1, 10**6))

    def counted(*arguments: Any, **keywords: Any) -> Any:
        if next(calls) == number:
            _kill()
        return function(*arguments, **keywords)

    setattr(owner, name, counted)


def main(run_dir: str, *options: str) -> None:
    from tests import conftest  # noqa: F401 (sets the devices and the cache)

    use_made_up_market()
    from momentum_jax.processes import distributed
    from momentum_jax.training import runner

    given = dict(option.removeprefix("--").split("=") for option in options)
    if "at" in given:
        name, number = given["at"].split(",")
        _kill_at(name, int(number))

    def say(line: str) -> None:
        print(line, flush=True)
        if "after" in given and line.startswith(("step 0:", "resumed")):
            threading.Timer(float(given.pop("after")), _kill).start()

    job_config = distributed.DistributedConfig()
    if "peer" in given:
        index, port = given["peer"].split(",")
        address = f"127.0.0.1:{port}"
        job_config = distributed.DistributedConfig(
            coordinator_address=address, num_processes=2, process_id=int(index), heartbeat_timeout=10
        )
    resume = Path(run_dir, "config.json").exists()
    try:
        with distributed.start(job_config) as job:
            runner.train(RUNS[given.get("run", "market")](), Path(run_dir), say, resume=resume, job=job)
    except distributed.ProcessLostError as error:
        print(error, file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
