"""Figures of a benchmark of an accelerator, made up for tests."""

from __future__ import annotations

from benchmarks.accelerator import setting

DEVICE = {
    "platform": "gpu",
    "kind": "card",
    "nvidia-smi": "NVIDIA H100 80GB HBM3, 580.159.04, 81559 MiB",
    "packages": {"jax": "0.11.2", "jaxlib": "0.11.1"},
    "python": "3.12.3",
    "cores": 16,
    "processor": "Xeon",
    "commit": "abc1234",
    "date": "2026-11-26",
}


def result(chosen="abcdefg", **parts):
    facts = {"device": DEVICE, "tiny": False, "bars": "SPY, 8,580 bars", "chosen": list(chosen)}
    facts["limits"] = {part.letter: part.seconds for part in setting.PARTS}
    return facts | {"missing": {"d": "part d needs X"}, "ended": {}, "seconds": {}, "parts": parts}


def row(**values):
    rates = {"steps/s": 3_302_049.0, "slowest": 3.30e6, "fastest": 3.31e6, "GFLOP/s": 1e4, "GB/s": 1.5e3}
    return {"precision": "float32", "seeds": 1024} | rates | values


SPEED = {
    "roof": {"float32 GFLOP/s": 5e4, "tf32 GFLOP/s": 4e5, "copy GB/s": 3e3},
    "wanted": [["float32", 1024], ["tf32", 1024], ["float32", 4096]],
    "rows": [row(), {"precision": "tf32", "seeds": 1024, "failed": "no memory"}],
}


MANY = {
    "seeds": 8,
    "steps": 5,
    "seconds": 61.2,
    "log": ["x"],
    "again": {"seconds": 44.6, "log": ["y"]},
    "complete": True,
}
GOLDEN = {"passed": 33, "failed": 0, "complete": True}


def letters(parts):
    return [part.letter for part in parts]
