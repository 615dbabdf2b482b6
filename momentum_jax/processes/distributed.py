"""Several processes train one run, each its own seeds; they meet at barriers and hear of each other's end. No JAX here.

Nothing crosses seeds, so a training process needs no device of another one: its backend is a plain one, with its own
devices alone. `jax.distributed` runs in a small process beside it (`distributed_helper`), which finds the others
(Slurm, Kubernetes, Cloud TPU, Open MPI or explicit flags) and watches over them. A peer's death therefore never aborts
training from within: `Job.check` raises, and the run can be saved and resumed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import re
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from momentum_jax.field_checks import check_fields, convert_fields
from momentum_jax.fields import ConfigError, static

_JOIN_TIMEOUT = 300  # seconds in which all processes have to be there
# The program of the helper; its argument is the file descriptor for its replies.
_HELPER = (sys.executable, "-m", "momentum_jax.processes.distributed_helper")
_CLOSE_TIMEOUT = 30  # seconds in which a liaison has to end once it is asked to


class ProcessLostError(RuntimeError):
    """Another process of the job has died, failed or cannot be reached; one line that says which and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributedConfig:
    """How this process finds the others of its job. Anything given makes the job a distributed one."""

    distributed: bool = static(False, "one process of several: found by Slurm, Kubernetes, Cloud TPU or Open MPI")
    coordinator_address: str | None = static(None, "host:port of process 0, if it is not detected automatically")
    num_processes: int | None = static(None, "processes of the job, where nothing counts them", minimum=1)
    process_id: int | None = static(None, "number of this process, from 0, where nothing numbers it", minimum=0)
    heartbeat_timeout: int = static(60, "seconds of silence after which a machine counts as lost", minimum=5)

    def __post_init__(self) -> None:
        convert_fields(self)

    @property
    def is_distributed(self) -> bool:
        return self.distributed or self.coordinator_address is not None

    def validate(self) -> None:
        """Raises ConfigError on the first invalid setting."""
        check_fields(self)
        explicit = {name: getattr(self, name) for name in ("coordinator_address", "num_processes", "process_id")}
        missing = [name for name, value in explicit.items() if value is None]
        if 0 < len(missing) < len(explicit) and not self.distributed:
            raise ConfigError(f"{', '.join(missing)} not given: give all of {', '.join(explicit)}, or --distributed")
        if self.coordinator_address is not None and not re.fullmatch(r".+:\d{1,5}", self.coordinator_address):
            raise ConfigError(f"coordinator_address={self.coordinator_address!r} is not host:port, e.g. node1:8476")
        index, count = self.process_id, self.num_processes
        if index is not None and count is not None and index >= count:
            raise ConfigError(f"process_id={index} with num_processes={count}: number them from 0")


class Job:
    """This process among those of its job.

    As a context manager it ends the job: cleanly, waiting for all, or with the reason of the exception that leaves
    the block, which the others hear of within a second.

    Attributes:
      index: number of this process, from 0.
      count: processes of the job; 1 without distribution, where every call returns at once.
    """

    def __init__(self, liaison: Liaison | None = None, index: int = 0, count: int = 1):
        self.index, self.count = index, count
        self._liaison = liaison
        self._met: dict[str, int] = {}

    @property
    def is_first(self) -> bool:
        """Whether this process writes what the job has once."""
        return self.index == 0

    def gather(self, name: str, value: str = "") -> list[str]:
        """Wait for all processes to come here; returns the value each of them brought, in order.

        Raises:
          ProcessLostError: a process cannot come any more.
        """
        if self._liaison is None:
            return [value]
        self._met[name] = self._met.get(name, 0) + 1
        self._liaison.send({"gather": f"{name}.{self._met[name]}", "value": value})
        return self._liaison.receive()["values"]

    def barrier(self, name: str) -> None:
        """Wait for all processes to come here. Raises as `gather` does."""
        self.gather(name)

    def broadcast(self, name: str, value: str) -> str:
        """The value of process 0, for all. Raises as `gather` does."""
        return self.gather(name, value)[0]

    @property
    def lost(self) -> str | None:
        """Which process is lost, if any; cheap, for between two pieces of work."""
        return self._liaison.lost if self._liaison is not None else None

    def check(self) -> None:
        """Raises ProcessLostError when another process is lost."""
        if self.lost:
            raise ProcessLostError(self.lost)

    def fail(self, reason: str) -> None:
        """End this process's part; the others hear why. Nothing but the end of the program should follow."""
        if self._liaison is not None:
            self._liaison.send({"fail": " ".join(reason.split())})
            self._liaison.close()

    def close(self) -> None:
        """End the job cleanly: waits until all processes are here. Raises as `gather` does."""
        self.barrier("end")
        if self._liaison is not None:
            self._liaison.send({"close": True})
            self._liaison.close()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if error is None:
            self.close()
        else:
            self.fail(f"{type(error).__name__} {error}")


class Liaison:
    """The process beside this one that holds the connection, spoken to in lines of JSON.

    Its replies have a pipe of their own: anything may print to standard output, such as a site's banner.

    Attributes:
      lost: what ended the connection, if anything has.
      unreadable: why a reply could not be read, if one could not; `lost` says it too.
    """

    def __init__(self, config: DistributedConfig, join_timeout: int):
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the process)
        incoming, outgoing = os.pipe()
        self._process = subprocess.Popen(
            [*_HELPER, str(outgoing)],
            stdin=subprocess.PIPE,
            stdout=self._errors,
            stderr=self._errors,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
            pass_fds=[outgoing],
            start_new_session=True,  # Ctrl-C is for training, which then tells the others
        )
        os.close(outgoing)  # so that the pipe ends with the helper
        self._incoming = os.fdopen(incoming, encoding="utf-8")
        self.lost: str | None = None
        self.unreadable: str | None = None
        self._closing = False
        self._replies: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, name="liaison", daemon=True).start()
        self.send(dataclasses.asdict(config) | {"join_timeout": join_timeout})

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; a liaison that is gone shows at `receive` and in `lost`."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next reply. Raises ProcessLostError when none can come."""
        reply = self._replies.get()
        if reply is None:
            self._replies.put(None)  # for whoever asks again
            raise ProcessLostError(self.lost)
        return reply

    def close(self) -> None:
        """Hang up. A liaison that has to tell others of a failure outlives this process by seconds."""
        self._closing = True
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=_CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _listen(self) -> None:
        """Read replies until the helper ends. Whatever happens, whoever waits for a reply learns of the end."""
        try:
            with self._incoming:
                for line in self._incoming:
                    self._hear(json.loads(line))
            if self.lost is None and not self._closing:
                self._process.wait()
                self._errors.seek(0)
                self.lost = lost_text(_cause(self._errors.read()))
        except Exception as error:
            reason = " ".join(str(error).split())
            self.unreadable = f"the helper process of this one cannot be understood ({type(error).__name__}: {reason})"
            self.lost = lost_text(self.unreadable)
        finally:
            self._replies.put(None)

    def _hear(self, message: Any) -> None:
        if not isinstance(message, dict) or not message.keys() & {"index", "values", "lost", "error"}:
            raise ValueError(f"unknown reply {message!r}")
        if "lost" in message:
            self.lost = message["lost"]
            self._replies.put(None)
        else:
            self._replies.put(message)


def start(config: DistributedConfig, join_timeout: int = _JOIN_TIMEOUT) -> Job:
    """Join the job that `config` describes, waiting until all its processes are there.

    Raises:
      ConfigError: no cluster was found, or the processes did not come together in `join_timeout` seconds.
    """
    config.validate()
    if not config.is_distributed:
        return Job()
    if config.process_id == 0 and config.coordinator_address:
        _check_free(config.coordinator_address)
    liaison = Liaison(config, join_timeout)
    try:
        reply = liaison.receive()
    except ProcessLostError:
        if liaison.unreadable:
            raise ConfigError(f"distributed start failed: {liaison.unreadable}") from None
        where = f" at {config.coordinator_address}" if config.coordinator_address else ""
        raise ConfigError(
            f"the processes did not connect{where} within {join_timeout} s: look at the other processes' output, "
            "and whether they can reach the address"
        ) from None
    if "error" in reply:
        raise ConfigError(f"distributed start failed: {reply['error']}")
    return Job(liaison, reply["index"], reply["count"])


def _check_free(address: str) -> None:
    """Raises ConfigError where another program listens at the port: JAX would sometimes wait for the others in vain."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of an earlier run may linger
        try:
            probe.bind(("", int(address.rpartition(":")[2])))
            probe.listen()
        except OSError as error:
            raise ConfigError(f"process 0 cannot listen at {address} ({error.strerror}): choose a free port") from None


def lost_text(cause: str) -> str:
    """The one line that a surviving process ends with."""
    return f"{cause}: the run stops; what is written is kept, resume with the same command and --resume"


def _cause(errors: str) -> str:
    """Who is gone, from what JAX's runtime wrote as it aborted the liaison."""
    silent = re.search(r"stopped sending heartbeats\):\s*([\d,\s]*\d)", errors)
    if silent:
        return f"process {', '.join(silent[1].split())} has been silent for the whole heartbeat_timeout"
    if "Failed to send RPC to coordination service" in errors or "CoordinationService/Heartbeat" in errors:
        return "process 0 has died or cannot be reached"
    return "the connection to the other processes broke"
