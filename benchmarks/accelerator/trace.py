"""Reads the kernels of a device out of a trace that JAX's profiler wrote."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd

_MOST = 30


def summary(folder: Path) -> dict[str, Any]:
    """Kernels by time, their sum, and the time from the first's begin to the last's end, in microseconds.

    Without a device's stream in the trace, as on a CPU, there are none.
    """
    kernels = _kernels(folder)
    if kernels.empty:
        return {"kernels": []}
    table = kernels.groupby("name").dur.agg(["count", "sum", "mean"]).sort_values("sum", ascending=False).reset_index()
    span = float((kernels.ts + kernels.dur).max() - kernels.ts.min())
    return {
        "kernels": table.head(_MOST).to_dict("records"),
        "number of kernels": len(kernels),
        "busy microseconds": float(kernels.dur.sum()),
        "span microseconds": span,
    }


def _kernels(folder: Path) -> pd.DataFrame:
    """Events (name, ts, dur in microseconds) on the streams of GPUs."""
    found = []
    for path in folder.rglob("*.trace.json.gz"):
        events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
        processes = _names(events, "process_name")
        threads = _names(events, "thread_name")
        found += [
            {"name": event["name"], "ts": event["ts"], "dur": event["dur"]}
            for event in events
            if event.get("ph") == "X"
            and "GPU" in processes.get((event["pid"], None), "")
            and "Stream" in threads.get((event["pid"], event["tid"]), "")
        ]
    return pd.DataFrame(found, columns=["name", "ts", "dur"])


def _names(events: list[dict[str, Any]], kind: str) -> dict[tuple[Any, Any], str]:
    """Names that the trace gives to processes (pid, None) or threads (pid, tid)."""
    return {
        (event["pid"], event["tid"] if kind == "thread_name" else None): event["args"]["name"]
        for event in events
        if event.get("ph") == "M" and event["name"] == kind
    }
