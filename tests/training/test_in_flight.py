"""The devices are never left without work: a group is dispatched before the record of an earlier one is waited for."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

from momentum_jax.config.run_config import Arm, RunConfig
from momentum_jax.env.momentum import Momentum
from momentum_jax.ppo.hyper_parameters import PPOConfig
from momentum_jax.training import fleet as fleets
from momentum_jax.training.group_width import Layout

WIDTHS = (4, 4, 8)  # arms of two programs
GROUPS = {4: 3, 8: 2}  # groups of each

GPU = SimpleNamespace(platform="gpu")


class Record:
    """A leaf on a device: bringing it to the host is an event."""

    def __init__(self, events, name):
        self._events, self._name = events, name

    def __array__(self, dtype=None, copy=None):
        self._events.append(("to the host", *self._name))
        return np.zeros(1)


class StandInEngine:
    """Groups of one run that only say what was asked of them."""

    def __init__(self, task, shared, runs, layout, *arguments):
        self.width = runs[0].config.hidden_sizes[0]
        self.num_groups = GROUPS[self.width]
        self._updates = [0] * self.num_groups
        self.events = []

    def compile(self, function, common):
        return lambda group: ()

    def prepare(self):
        pass

    def update(self, group):
        name = self.width, group, self._updates[group]
        self._updates[group] += 1
        self.events.append(("dispatched", *name))
        return {"event": Record(self.events, name)}

    def gather(self, by_group):
        return {"event": np.concatenate([np.asarray(record["event"]) for record in by_group])}

    def group_runs(self, group):
        return 1


def make_fleet(monkeypatch, limit):
    monkeypatch.setattr(fleets, "Engine", StandInEngine)
    arms = tuple(
        Arm(name=f"arm{number}", ppo=PPOConfig(num_steps=32, minibatch_size=32, hidden_sizes=(width,)))
        for number, width in enumerate(WIDTHS)
    )
    config = RunConfig(experiment="test", arms=arms, timesteps=96, num_seeds=2)
    monkeypatch.setattr(Momentum, "probe_states", lambda self, shared: ())
    layouts = [Layout(devices=(GPU,), group_width=1, vmapped=True, groups_in_flight=limit)] * 2
    fleet = fleets.Fleet(config, Momentum(), None, layouts)
    monkeypatch.setattr(fleet, "_join", lambda by_program: by_program)
    events = []
    for engine in fleet._engines:
        engine.events = events
    return fleet, events


def train(fleet, updates):
    """As `loop.Training` does: the record of an update is fetched when the next one has been dispatched."""
    before = None
    for _ in range(updates):
        dispatched = fleet.update()
        if before is not None:
            fleet.fetch(before)
        before = dispatched
    fleet.fetch(before)


@pytest.mark.parametrize("limit", [1, 2, 4, None, 100])
def test_a_group_is_dispatched_before_the_record_of_the_one_before_it_is_waited_for(monkeypatch, limit):
    fleet, events = make_fleet(monkeypatch, limit)
    train(fleet, updates=3)
    groups = [(width, group) for width, count in GROUPS.items() for group in range(count)]
    order = [(*place, update) for update in range(3) for place in groups]
    assert [event[1:] for event in events if event[0] == "dispatched"] == order
    assert [event[1:] for event in events if event[0] == "to the host"] == order
    most, in_flight = min(limit or len(groups), len(groups)), deque()
    for kind, *name in events:
        if kind == "dispatched":
            in_flight.append(name)
            assert len(in_flight) <= most + 1
        else:
            assert in_flight.popleft() == name
            assert in_flight or name == list(order[-1])  # the devices have something to compute
    # As many as there may be: the host does not wait while it need not.
    assert events.index(("to the host", *order[0])) == most + 1


def test_what_was_fetched_is_not_held(monkeypatch):
    fleet, _ = make_fleet(monkeypatch, None)
    train(fleet, updates=1)
    assert not fleet._in_flight._waiting


def test_programs_that_differ_in_room_share_the_narrowest_limit(monkeypatch):
    fleet, _ = make_fleet(monkeypatch, None)
    layouts = [Layout(devices=(GPU,), group_width=1, vmapped=True, groups_in_flight=limit) for limit in (3, 2)]
    assert fleets.Fleet(fleet._config, Momentum(), None, layouts)._in_flight._limit == 2
