"""The processes of a job: the first asks a vendor, the others read what it stored, and all have the same bars."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env import registry
from momentum_jax.market.dataset import Dataset
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.processes.distributed import Job
from momentum_jax.training import runner
from tests.markets import make_segment

VENDOR = MarketConfig(
    data_source="massive", vix_path="vix.csv", symbols=("SPY",), start_date="2024-05-01", end_date="2024-05-31"
)
COUNT = 3


class ThreadedJob(Job):
    """A process of several, as a thread."""

    meeting = threading.Barrier(COUNT)
    values: dict[int, str]

    def __init__(self, index: int, values: dict[int, str]):
        super().__init__(index=index, count=COUNT)
        self.values = values

    def gather(self, name: str, value: str = "") -> list[str]:
        self.values[self.index] = value
        self.meeting.wait(30)
        gathered = [self.values[index] for index in range(COUNT)]
        self.meeting.wait(30)
        return gathered


def load_together(monkeypatch, config: MarketConfig, seeds=(0, 0, 0)) -> list[tuple[int, bool]]:
    """Load as the processes of one job; returns (process, whether it may ask the vendor again) in order of loading."""
    loaded: list[tuple[int, bool]] = []
    local = threading.local()

    def load_dataset(config: MarketConfig, refresh: bool = True) -> Dataset:
        loaded.append((local.index, refresh))
        return Dataset([make_segment(150, seeds[local.index])], [])

    def process(index: int) -> registry.Loaded:
        local.index = index
        run = RunConfig(experiment="shared", arms=(Arm(name="a"),), market=config)
        return runner._load(registry.find("momentum", config), run, ThreadedJob(index, values))

    values: dict[int, str] = {}
    monkeypatch.setattr(registry, "load_dataset", load_dataset)
    with ThreadPoolExecutor(COUNT) as pool:
        assert len(list(pool.map(process, range(COUNT)))) == COUNT
    return loaded


def test_the_first_process_fetches_before_the_others_read(monkeypatch):
    loaded = load_together(monkeypatch, VENDOR)
    assert loaded[0] == (0, True)
    assert sorted(loaded[1:]) == [(1, False), (2, False)]


def test_files_are_read_by_all_at_once(monkeypatch):
    assert sorted(load_together(monkeypatch, MarketConfig())) == [(0, True), (1, True), (2, True)]


@pytest.mark.parametrize("config", [VENDOR, MarketConfig()], ids=["vendor", "synthetic"])
def test_processes_with_different_bars_are_refused(monkeypatch, config):
    with pytest.raises(DataError, match="process 2 reads other data than process 0: give all of them the same files"):
        load_together(monkeypatch, config, seeds=(0, 0, 1))
