"""What this process may use of its machine: cores, memory, disk. Limits of containers and of Slurm count.

Imports the standard library alone, so that it can be asked before anything else is loaded.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_ROOT = Path("/")
# cgroup version 1 writes "no limit" as a number near 2**63.
_UNLIMITED = 2**60


def usable_cores(root: Path = _ROOT, environment: Mapping[str, str] = os.environ) -> int:
    """Cores that this process may use, at least 1.

    The least of: the cores it is bound to, SLURM_CPUS_PER_TASK, and the processor time that its control groups allow
    (`cpu.max`, or `cpu.cfs_quota_us` of version 1), whole cores only.

    Args:
      root: where /proc and /sys lie.
      environment: environment variables.
    """
    counts = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    with contextlib.suppress(KeyError, ValueError):
        counts.append(int(environment["SLURM_CPUS_PER_TASK"]))
    for folder in _groups(root, "cpu"):
        counts += [int(share) for share in _processor_shares(folder)]
    return max(1, min(counts))


def available_memory(root: Path = _ROOT) -> int | None:
    """Bytes of memory that this process can still take; None where the system does not say.

    The least of what the machine has available and what the limits of the control groups leave, file cache apart.
    """
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = next(line for line in lines if line.startswith("MemAvailable:")).split()[1]
        found.append(1024 * int(kilobytes))
    for folder in _groups(root, "memory"):
        found += _memory_left(folder)
    return max(0, min(found)) if found else None


def peak_memory(root: Path = _ROOT) -> int:
    """Bytes of memory that this process has held at most.

    From /proc where there is one: `getrusage` begins with what the process that started this one held.
    """
    with contextlib.suppress(OSError, StopIteration):
        lines = (root / "proc/self/status").read_text(encoding="utf-8").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def free_disk(path: Path) -> int:
    """Bytes that this user can still write where `path` is, or would be made.

    Raises:
      OSError: the file system cannot be asked.
    """
    absolute = path.absolute()
    folder = next(parent for parent in (absolute, *absolute.parents) if parent.exists())
    return shutil.disk_usage(folder).free


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups that this process is in, with their parents: limits of all of them hold."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # Version 2 has one tree for all controllers. Inside a container its own group is the root.
        top = root / "sys/fs/cgroup" / (controller if controllers else "")
        group = top / name.strip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(top))


def _processor_shares(folder: Path) -> Iterator[float]:
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        yield int(quota) / int(period)  # ValueError for "max"
    with contextlib.suppress(OSError, ValueError):
        quota_us = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        if quota_us > 0:
            yield quota_us / int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))


def _memory_left(folder: Path) -> Iterator[int]:
    for limit_name, used_name in (
        ("memory.max", "memory.current"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            limit = int((folder / limit_name).read_text(encoding="ascii"))  # ValueError for "max"
            if limit < _UNLIMITED:
                used = int((folder / used_name).read_text(encoding="ascii"))
                yield limit - used + _file_cache(folder)


def _file_cache(folder: Path) -> int:
    """Bytes of a group's usage that the kernel gives up when they are wanted."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        values = dict(line.split() for line in lines)
        return sum(int(values.get(f"{part}_file", 0)) for part in ("active", "inactive"))
    return 0
