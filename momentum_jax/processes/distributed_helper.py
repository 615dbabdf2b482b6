"""The process beside a training process that runs `jax.distributed` for it; started by `distributed`.

It reads one JSON object a line: first the settings, then `{"gather": name, "value": text}`, `{"fail": reason}` or
`{"close": true}`, and answers `{"index", "count"}`, `{"values": [...]}`, `{"lost": text}` or `{"error": text}` on the
file descriptor that its argument names: standard output belongs to anything that prints. The end of its input without
`close` or `fail` means that the training process has died, and the others are informed.

Why a process of its own: where a peer dies, JAX's runtime aborts the process that it runs in (JAX 0.10.2), and one
that leaves early waits in its exit hook for all others.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from momentum_jax.processes.distributed import lost_text

_POLL = 0.25  # seconds between two looks at the shared store
_LINGER = 3.0  # seconds that process 0, which holds the store, stays for the others to read of a failure
_FAILED = "momentum/failed"

Reply = Callable[[dict[str, Any]], None]


class _Session:
    """The open connection: what this process waits for and what it has heard."""

    def __init__(self, client: Any, index: int, count: int, reply: Reply):
        self._client, self._index, self._count, self._reply = client, index, count, reply
        self._awaited: str | None = None
        self._heard = False

    def gather(self, name: str, value: str) -> None:
        self._awaited = f"momentum/gather/{name}"
        self._client.key_value_set(f"{self._awaited}/{self._index}", value)

    def look(self) -> None:
        """Answer a gathering that is complete, and report a failure once."""
        failures = self._client.key_value_dir_get(_FAILED)
        if failures and not self._heard:
            self._heard = True
            key, reason = failures[0]
            self._reply({"lost": lost_text(f"process {key.rsplit('/', 1)[1]} of {self._count} {reason}")})
        if self._awaited is None:
            return
        found = {key.rsplit("/", 1)[1]: value for key, value in self._client.key_value_dir_get(self._awaited)}
        if len(found) == self._count:
            self._awaited = None
            self._reply({"values": [found[str(index)] for index in range(self._count)]})

    def leave(self, reason: str) -> None:
        """End without the others: tell them, unless they made the end themselves."""
        if not self._heard:
            self._client.key_value_set(f"{_FAILED}/{self._index}", reason)
        if self._index == 0:
            time.sleep(_LINGER)
        os._exit(0)  # no exit hooks: JAX's would wait for the others


def main(replies: int) -> None:
    """Serve until the end; `replies` is the file descriptor to answer on."""
    os.set_inheritable(replies, False)
    outgoing = os.fdopen(replies, "w", encoding="utf-8")

    def reply(message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the training process has died, which `_listen` notices
            print(json.dumps(message), file=outgoing, flush=True)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for training, which says how it ends
    inbox: queue.Queue[dict[str, Any]] = queue.Queue()
    settings = json.loads(sys.stdin.readline())
    joined = threading.Event()
    threading.Thread(target=_listen, args=(inbox, joined), daemon=True).start()
    session = _join(settings, reply)
    joined.set()
    _serve(session, inbox)


def _serve(session: _Session, inbox: queue.Queue[dict[str, Any]]) -> None:
    """Do what the training process asks until it closes."""
    while True:
        try:
            message = inbox.get(timeout=_POLL)
        except queue.Empty:
            message = {}
        if "gather" in message:
            session.gather(message["gather"], message["value"])
        elif "fail" in message:
            session.leave("has died" if message["fail"] is None else f"has stopped ({message['fail']})")
        elif "close" in message:
            break
        session.look()
    import jax

    jax.distributed.shutdown()


def _listen(inbox: queue.Queue[dict[str, Any]], joined: threading.Event) -> None:
    """Pass on what the training process says; its end, and whatever else ends this thread, counts as a death."""
    try:
        for line in sys.stdin:
            inbox.put(json.loads(line))
    finally:
        if not joined.is_set():
            os._exit(1)
        inbox.put({"fail": None})


def _join(settings: dict[str, Any], reply: Reply) -> _Session:
    import jax
    from jax._src.distributed import global_state  # the store has no public name; Orbax and Flax use it so

    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM
    explicit = None not in (settings["num_processes"], settings["process_id"], settings["coordinator_address"])
    try:
        jax.distributed.initialize(
            settings["coordinator_address"],
            settings["num_processes"],
            settings["process_id"],
            cluster_detection_method="deactivate" if explicit else None,
            initialization_timeout=settings["join_timeout"],
            heartbeat_timeout_seconds=settings["heartbeat_timeout"],
        )
    except (ValueError, RuntimeError, TypeError, OSError, KeyError) as error:
        reply({"error": _plain(error)})
        os._exit(1)
    reply({"index": global_state.process_id, "count": global_state.num_processes})
    return _Session(global_state.client, global_state.process_id, global_state.num_processes, reply)


def _plain(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if "should be defined" in text or "must be defined" in text:
        return "no cluster was found here: give coordinator_address, num_processes and process_id"
    return text


if __name__ == "__main__":
    main(int(sys.argv[1]))
