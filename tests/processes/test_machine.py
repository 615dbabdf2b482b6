"""What a process may use of its machine, read from made-up /proc and /sys folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from momentum_jax.processes import machine
from tests.conftest import ROOT


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A machine of 16 cores and 64 GB without limits."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    write(tmp_path, "proc/meminfo", "MemTotal: 65000000 kB\nMemFree: 1000 kB\nMemAvailable: 62500000 kB\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_without_limits_the_cores_that_the_process_is_bound_to_count(root):
    assert machine.usable_cores(root, {}) == 16
    assert machine.available_memory(root) == 64_000_000_000


def test_slurm_says_how_many_cores_a_task_has(root):
    assert machine.usable_cores(root, {"SLURM_CPUS_PER_TASK": "3"}) == 3
    assert machine.usable_cores(root, {"SLURM_CPUS_PER_TASK": "99"}) == 16
    assert machine.usable_cores(root, {"SLURM_CPUS_PER_TASK": "many"}) == 16


@pytest.mark.parametrize(("limit", "cores"), [("400000 100000", 4), ("250000 100000", 2), ("50000 100000", 1)])
def test_a_limit_of_processor_time_counts_in_whole_cores(root, limit, cores):
    write(root, "proc/self/cgroup", "0::/\n")
    write(root, "sys/fs/cgroup/cpu.max", limit)
    assert machine.usable_cores(root, {}) == cores


def test_limits_of_every_group_above_hold(root):
    write(root, "proc/self/cgroup", "0::/jobs/this\n")
    write(root, "sys/fs/cgroup/jobs/this/cpu.max", "max 100000\n")
    write(root, "sys/fs/cgroup/jobs/cpu.max", "500000 100000\n")
    assert machine.usable_cores(root, {}) == 5
    write(root, "sys/fs/cgroup/jobs/memory.max", "8000000\n")
    write(root, "sys/fs/cgroup/jobs/memory.current", "5000000\n")
    write(root, "sys/fs/cgroup/jobs/memory.stat", "anon 9\nactive_file 600000\ninactive_file 400000\n")
    assert machine.available_memory(root) == 4_000_000


def test_control_groups_of_version_1(root):
    write(root, "proc/self/cgroup", "5:cpu,cpuacct:/box\n3:memory:/box\n0::/\n")
    write(root, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "300000\n")
    write(root, "sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n")
    write(root, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", "7000\n")
    write(root, "sys/fs/cgroup/memory/box/memory.usage_in_bytes", "2000\n")
    write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert machine.usable_cores(root, {}) == 3
    assert machine.available_memory(root) == 5_000
    write(root, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n")
    assert machine.usable_cores(root, {}) == 16


def test_free_disk_is_asked_of_the_nearest_folder_that_exists(tmp_path):
    found = machine.free_disk(tmp_path / "not" / "there")
    assert found == pytest.approx(os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize, rel=0.05)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be bound here")
def test_jax_is_given_the_usable_cores():
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from momentum_jax.processes import backend_startup; backend_startup.start(); "
        "import jax; print(jax.config.jax_num_cpu_devices)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "1"


def test_the_peak_of_memory_is_this_process_s_own_and_not_that_of_the_one_that_started_it():
    held = np.ones(500_000_000 // 8)  # 500 MB in this process
    code = "from momentum_jax.processes.machine import peak_memory; print(peak_memory())"
    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert held.nbytes < machine.peak_memory() and 1e6 < int(started.stdout) < held.nbytes / 2
