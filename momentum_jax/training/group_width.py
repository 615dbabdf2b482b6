"""How wide a group of runs is, and how the runs of one program are spread over the devices."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax

from momentum_jax.training import memory

_CPU_WIDTH = 8


@dataclasses.dataclass(frozen=True)
class Layout:
    """How runs are spread over the machine."""

    devices: tuple[Any, ...]
    group_width: int  # runs of a group on each device
    vmapped: bool  # advance a device's runs together (GPU, TPU) or one after the other (CPU)
    groups_in_flight: int | None = None  # at most, see `in_flight.RecordsInFlight`; None: all of them

    @property
    def group_size(self) -> int:
        return len(self.devices) * self.group_width


def default_layout(
    num_runs: int,
    group_width: int | None = None,
    num_devices: int | None = None,
    run_memory: memory.RunMemory | None = None,
    reserved_bytes: int = 0,
) -> Layout:
    """All local devices that have a run; one run at a time on each CPU device, all that fit together on an accelerator.

    On CPU a run's weights stay in cache when it is alone, so a group's runs follow each other inside the program: as
    many as divide the runs evenly, up to 8, share the cost of a call. On an accelerator small products want company:
    a group is as wide as the runs need and as memory allows.

    Args:
      num_runs: runs of the program.
      group_width: runs of a group on each device, instead of the default.
      num_devices: devices to use at most; default all.
      run_memory: what a run takes, see `memory.of_run`; without it memory is not looked at.
      reserved_bytes: of each device, for other programs' runs.
    """
    devices = tuple(jax.local_devices()[:num_devices])[:num_runs]
    on_cpu = devices[0].platform == "cpu"
    runs_each = -(-num_runs // len(devices))
    if on_cpu:
        dividing = max(width for width in range(1, _CPU_WIDTH + 1) if runs_each % width == 0)
        return Layout(devices=devices, group_width=group_width or dividing, vmapped=False)
    total_bytes = memory.device_bytes(devices[0])
    if run_memory is None or total_bytes is None:
        return Layout(devices=devices, group_width=group_width or min(memory.WIDEST, runs_each), vmapped=True)
    free_bytes = total_bytes - reserved_bytes
    width = group_width or memory.widest_group(run_memory, runs_each, free_bytes)
    in_flight = memory.groups_in_flight(run_memory, runs_each, width, free_bytes)
    return Layout(devices=devices, group_width=width, vmapped=True, groups_in_flight=in_flight)


def described(layouts: Sequence[Layout]) -> str:
    """Devices and widths of a run's programs in a line of the log, and what memory bounds."""
    devices = max((layout.devices for layout in layouts), key=len)
    widths = ", ".join(str(layout.group_width) for layout in layouts)
    limits = [layout.groups_in_flight for layout in layouts if layout.groups_in_flight is not None]
    bounded = f", at most {min(limits):,} group(s) in flight by memory" if limits else ""
    return f"{len(devices)} {devices[0].platform} device(s), {widths} run(s) each at a time{bounded}"
