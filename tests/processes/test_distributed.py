"""Jobs of two local processes: they meet, share the seeds, and hear of each other's end in one clear line."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import NamedTuple

import pytest

from momentum_jax.fields import ConfigError
from momentum_jax.processes import distributed
from momentum_jax.processes.distributed import DistributedConfig
from tests.conftest import ROOT

RESUME = ": the run stops; what is written is kept, resume with the same command and --resume\n"


class Ended(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_two(what: str, **environment: str) -> list[Ended]:
    """Two processes of tests.processes.peer; the last digit of `what` is the one that acts."""
    port = str(free_port())
    started = time.monotonic()
    peers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.processes.peer", str(index), port, what],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        for index in range(2)
    ]
    ended = []
    for peer in peers:
        out, err = peer.communicate(timeout=90)
        ended.append(Ended(peer.returncode, out, err, time.monotonic() - started))
    return ended


def test_two_processes_meet_and_compute_on_their_own_devices():
    ended = run_two("meet1")
    assert [peer.code for peer in ended] == [0, 0], ended
    told = [json.loads(peer.out) for peer in ended]
    assert [one["met"] for one in told] == [["from 0", "from 1"]] * 2
    assert [one["run_dir"] for one in told] == ["runs/0"] * 2
    # A backend of their own, so that both find the same programs in the compilation cache.
    assert [one["ids"] for one in told] == [[0, 1]] * 2
    assert [one["jax_processes"] for one in told] == [1, 1]
    assert [one["doubled"] for one in told] == [[0.0, 2.0, 4.0, 6.0], [2.0, 4.0, 6.0, 8.0]]


@pytest.mark.parametrize(
    ("what", "actor", "code", "reason"),
    [  # that process 0 is killed is tested under a banner, below
        ("kill", 1, -9, "has died"),
        ("raise", 0, 1, "has stopped (ValueError bad bars)"),
        ("exit", 1, 2, "has stopped (SystemExit 2)"),
    ],
)
def test_the_end_of_one_process_ends_the_other_with_one_line(what: str, actor: int, code: int, reason: str):
    ended = run_two(f"{what}{actor}")
    assert ended[actor].code == code
    survivor = ended[1 - actor]
    assert (survivor.code, survivor.err) == (3, f"process {actor} of 2 {reason}{RESUME}")
    assert survivor.seconds < 30  # long before a barrier or JAX's shutdown would time out


@pytest.mark.slow
@pytest.mark.parametrize("actor", [0, 1])
def test_a_silent_process_is_lost_after_the_heartbeat_timeout(actor: int):
    survivor = run_two(f"freeze{actor}")[1 - actor]
    causes = ["process 0 has died or cannot be reached", "process 1 has been silent for the whole heartbeat_timeout"]
    assert (survivor.code, survivor.err) == (3, causes[actor] + RESUME)


def test_a_banner_on_standard_output_hides_no_dead_process(tmp_path):
    """A site prints a line as each Python process starts, the helpers too."""
    (tmp_path / "sitecustomize.py").write_text("print('Welcome to the cluster, no JSON here')\n")
    killed, survivor = run_two("kill0", PYTHONPATH=str(tmp_path))
    assert killed.code == -signal.SIGKILL
    assert survivor.out == "Welcome to the cluster, no JSON here\n"
    assert (survivor.code, survivor.err) == (3, f"process 0 of 2 has died{RESUME}")
    assert survivor.seconds < 30


TALK = "import os, sys; os.write(int(sys.argv[1]), {0!r}); sys.stdin.read()"


@pytest.mark.parametrize("reply", [b"no JSON\n", b"[1]\n", b'{"other": 1}\n'])
def test_a_reply_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch, reply: bytes):
    monkeypatch.setattr(
        distributed, "_HELPER", (sys.executable, "-c", TALK.format(b'{"index": 0, "count": 2}\n' + reply))
    )
    config = DistributedConfig(coordinator_address="127.0.0.1:1", num_processes=2, process_id=1)
    job = distributed.start(config)
    with pytest.raises(distributed.ProcessLostError, match=r"helper process .* cannot be understood .*: the run stops"):
        job.barrier("start")
    assert job.lost


def test_a_first_reply_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(distributed, "_HELPER", (sys.executable, "-c", TALK.format(b"no JSON\n")))
    config = DistributedConfig(coordinator_address="127.0.0.1:1", num_processes=2, process_id=1)
    with pytest.raises(ConfigError, match=r"distributed start failed: the helper process .* cannot be understood"):
        distributed.start(config)


def test_processes_that_do_not_come_are_an_error():
    config = DistributedConfig(coordinator_address=f"127.0.0.1:{free_port()}", num_processes=2, process_id=0)
    with pytest.raises(ConfigError, match=r"did not connect at 127\.0\.0\.1:\d+ within 1 s"):
        distributed.start(config, join_timeout=1)


def test_a_port_in_use_is_an_error():
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigError, match=rf"cannot listen at {address} .*: choose a free port"):
            distributed.start(DistributedConfig(coordinator_address=address, num_processes=2, process_id=0))


def test_a_job_without_a_cluster_is_an_error(monkeypatch: pytest.MonkeyPatch):
    for name in ("SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST", "OMPI_MCA_orte_hnp_uri"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="no cluster was found here"):
        distributed.start(DistributedConfig(distributed=True))


def test_slurm_is_detected(monkeypatch: pytest.MonkeyPatch):
    values = {"JOB_ID": "77", "STEP_NODELIST": "localhost", "NTASKS": "1", "PROCID": "0", "LOCALID": "0"}
    for name, value in values.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("JAX_COORDINATOR_PORT", str(free_port()))
    with distributed.start(DistributedConfig(distributed=True), join_timeout=30) as job:
        assert (job.index, job.count, job.gather("start", "here")) == (0, 1, ["here"])


def test_one_process_needs_no_others():
    with distributed.start(DistributedConfig()) as job:
        assert (job.index, job.count, job.is_first) == (0, 1, True)
        assert job.broadcast("run_dir", "runs/a") == "runs/a"
        job.barrier("start")
        job.check()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"process_id": None}, "process_id not given: give all of"),
        ({"coordinator_address": None}, "coordinator_address not given"),
        ({"coordinator_address": "node1"}, "is not host:port"),
        ({"process_id": 2}, "process_id=2 with num_processes=2: number them from 0"),
        ({"num_processes": 0}, "num_processes=0 is too small"),
        ({"heartbeat_timeout": 1}, "heartbeat_timeout=1 is too small"),
    ],
)
def test_settings_that_cannot_be(wrong: dict, message: str):
    right = DistributedConfig(coordinator_address="node1:8476", num_processes=2, process_id=1)
    right.validate()
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(right, **wrong).validate()


def test_a_cluster_fills_in_what_is_not_given():
    partly = DistributedConfig(distributed=True, coordinator_address="node1:8476")
    partly.validate()
    with pytest.raises(ConfigError, match="num_processes, process_id not given"):
        dataclasses.replace(partly, distributed=False).validate()
