"""One of two processes of a job, for test_distributed: `python -m tests.processes.peer INDEX PORT WHAT`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from momentum_jax.processes import distributed


def main(index: int, port: str, what: str) -> None:
    config = distributed.DistributedConfig(
        coordinator_address=f"127.0.0.1:{port}", num_processes=2, process_id=index, heartbeat_timeout=5
    )
    actor = int(what[-1])
    try:
        with distributed.start(config, join_timeout=30) as job:
            told = _work(job, what[:-1] if job.index == actor else "wait")
    except distributed.ProcessLostError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    print(json.dumps(told))


def _work(job: distributed.Job, what: str) -> dict[str, Any]:
    met = job.gather("start", f"from {job.index}")
    name = job.broadcast("run_dir", f"runs/{job.index}")
    if what == "wait":
        for _ in range(10):  # a loss shows between two pieces of work as well as at a barrier
            job.check()
            time.sleep(0.1)
        job.barrier("middle")
    elif what == "meet":
        time.sleep(1)
        job.barrier("middle")
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "freeze":  # what a lost machine looks like: nothing answers, no connection is closed
        liaison = job._liaison._process
        liaison.send_signal(signal.SIGSTOP)
        time.sleep(12)
        liaison.kill()
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "raise":
        raise ValueError("bad\nbars")
    elif what == "exit":
        sys.exit(2)
    return {"met": met, "run_dir": name, **_compute(job)}


def _compute(job: distributed.Job) -> dict[str, Any]:
    from momentum_jax.processes import backend_startup

    backend_startup.start(num_devices=2)
    import jax
    import jax.numpy as jnp

    devices = jax.local_devices()
    mesh = jax.sharding.Mesh(devices, ("runs",))
    spec = jax.sharding.PartitionSpec("runs")
    values = jax.device_put(jnp.arange(4.0) + job.index, jax.sharding.NamedSharding(mesh, spec))
    double = jax.jit(jax.shard_map(lambda x: 2 * x, mesh=mesh, in_specs=spec, out_specs=spec))
    return {
        "ids": [device.id for device in devices],
        "jax_processes": jax.process_count(),
        "doubled": double.lower(values).compile()(values).tolist(),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
