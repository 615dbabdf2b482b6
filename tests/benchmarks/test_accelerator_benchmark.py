"""The benchmark of an accelerator, without one: what it reads, what it prints, and that it runs whole."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys

import pytest
from absl import flags
from absl.testing import flagsaver

from benchmarks.accelerator import __main__ as command
from benchmarks.accelerator import launched, page, requirements, schedule, setting, speed, trace
from tests.benchmarks.accelerator_figures import GOLDEN, MANY, SPEED, letters, result
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def parsed_flags():
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["test"])


def test_parts_run_in_order_of_importance_and_unknown_ones_are_refused():
    assert letters(command.chosen_parts(["b", "f"])) == ["f", "b"]
    assert letters(command.chosen_parts(None)) == letters(setting.PARTS)
    with pytest.raises(ValueError, match="names 'x': choose from a,b,c,d,e,f,g"):
        command.chosen_parts(["b", "x"])


def test_every_part_has_its_work():
    """Imported together, as a worker does: two flags of one name would already have failed."""
    for part in setting.PARTS:
        assert callable(command.work_of(part.letter)), part
    assert command.work_of("e") is launched.resuming and command.work_of("b") is speed.by_seeds


def test_what_is_timed_runs_alone():
    found = schedule.batches(command.chosen_parts(None))
    assert letters(part for batch in found for part in batch) == letters(setting.PARTS)
    for batch in found:
        assert len(batch) == 1 or not any(part.timed for part in batch)
    assert ["d", "e", "a"] in [letters(batch) for batch in found]


@flagsaver.flagsaver
def test_what_is_missing_is_said_before_anything_runs(tmp_path, monkeypatch):
    flags.FLAGS.golden = str(tmp_path)
    missing = requirements.missing_for(command.chosen_parts(["a", "b", "d"]))
    assert sorted(missing) == ["a", "d"]
    assert f"needs {tmp_path / 'ppo_update.npz'} (name its folder with --golden=FOLDER)" in missing["a"]
    for name in ("ppo_update.npz", "maskable_ppo_tune2_spy.npz"):
        (tmp_path / name).touch()
    flags.FLAGS.data = str(tmp_path)
    assert list(requirements.missing_for(command.chosen_parts(None))) == ["d"]
    (tmp_path / "spy_1min_2024.csv").touch()
    assert requirements.missing_for(command.chosen_parts(None)) == {}
    monkeypatch.setitem(requirements.PACKAGES, "f", ("numpy", "no_such_package", "no_such_package.part"))
    assert requirements.missing_for(command.chosen_parts(None)) == {
        "f": "part f needs package no_such_package, package no_such_package.part"
    }


def test_kernels_are_read_from_a_trace(tmp_path):
    def event(pid, tid, name, ts, dur):
        return {"ph": "X", "pid": pid, "tid": tid, "name": name, "ts": ts, "dur": dur}

    def named(kind, pid, tid, name):
        return {"ph": "M", "pid": pid, "tid": tid, "name": kind, "args": {"name": name}}

    events = [
        named("process_name", 1, 0, "/device:GPU:0"),
        named("process_name", 2, 0, "/host:CPU"),
        named("thread_name", 1, 7, "Stream #7(Compute)"),
        named("thread_name", 1, 8, "XLA Ops"),
        named("thread_name", 2, 7, "Stream of thoughts"),
        event(1, 7, "adam", 100.0, 30.0),
        event(1, 7, "product", 140.0, 5.0),
        event(1, 7, "adam", 150.0, 10.0),
        event(1, 8, "adam", 0.0, 999.0),  # not on a stream
        event(2, 7, "host", 0.0, 999.0),  # not on a device
    ]
    (tmp_path / "x.trace.json.gz").write_bytes(gzip.compress(json.dumps({"traceEvents": events}).encode()))
    found = trace.summary(tmp_path)
    assert found["kernels"][0] == {"name": "adam", "count": 2, "sum": 40.0, "mean": 20.0}
    assert (found["number of kernels"], found["busy microseconds"], found["span microseconds"]) == (3, 45.0, 60.0)
    assert trace.summary(tmp_path / "nothing") == {"kernels": []}


class StandIn:
    """A clock that only sleeping moves, and parts that take, save and exit as they are told."""

    def __init__(self, **plans):
        """`plans`: letter → (seconds that it takes, exit status, {second: result saved then})."""
        self.seconds, self.plans, self.begun, self.stopped = 0.0, plans, {}, []
        self.clock = schedule.Clock(lambda: self.seconds, self._sleep)

    def _sleep(self, seconds):
        self.seconds += seconds

    def start(self, part):
        self.begun[part.letter] = self.seconds
        return StandInProcess(self, part.letter)


class StandInProcess:
    def __init__(self, world, letter):
        self.world, self.letter = world, letter

    def poll(self):
        takes, status, saves = self.world.plans[self.letter]
        passed = self.world.seconds - self.world.begun[self.letter]
        for second, found in saves.items():
            if second <= passed:
                setting.save(self.letter, found)
        return status if takes <= passed else None

    def stop(self):
        self.world.stopped.append(self.letter)


@pytest.fixture
def recorded(tmp_path):
    """Runs stand-in parts until a deadline; returns the JSON file and the page."""

    def run(world, deadline, parts="fdacbg", **failing):
        record = command.Record(result(chosen=parts) | {"parts": {}, "missing": {}})
        runner = schedule.Schedule(world.start, record.ended, clock=world.clock, **failing)
        try:
            runner.run(command.chosen_parts(list(parts)), deadline)
        finally:
            found = json.loads((tmp_path / "accelerator.json").read_text())
            assert not list(tmp_path.glob("*.tmp"))
        return found, (tmp_path / "accelerator.md").read_text()

    with flagsaver.flagsaver(output=str(tmp_path)):
        yield run


def test_at_the_time_limit_what_was_measured_is_written_and_the_rest_is_named(recorded):
    world = StandIn(
        f=(60, 0, {60: MANY}),
        d=(50, 1, {}),
        a=(70, 0, {69: GOLDEN}),
        c=(10_000, 0, {}),
        b=(100, 0, {30: SPEED, 99: SPEED | {"complete": True}}),
        g=(10, 0, {}),
    )
    found, text = recorded(world, deadline=230)
    assert found["ended"] == {
        "f": "done",
        "d": "failed with status 1",
        "a": "done",
        "c": "stopped at its time limit",  # its own: 60 s
        "b": "stopped at its time limit",  # everything's
        "g": "not begun: the time for all parts was over",
    }
    assert world.stopped == ["c", "b"] and "g" not in world.begun
    assert world.begun["d"] == world.begun["a"] and world.seconds < 231
    limits = {part.letter: part.seconds for part in setting.PARTS}
    assert found["seconds"]["c"] == limits["c"] and found["seconds"]["a"] == 70
    assert found["parts"]["f"] == MANY and found["parts"]["b"] == SPEED
    assert "**61 s**" in text and "33 tests passed" in text and "| float32 | 1,024 | 3,302,049 |" in text
    assert "Not complete (stopped at its time limit), not measured: float32 at 4,096 seeds." in text
    assert "Not measured: not begun: the time for all parts was over." in text


def test_an_interruption_ends_what_runs_and_writes_what_there_is(recorded, tmp_path):
    world = StandIn(f=(60, 0, {60: MANY}), d=(50, 0, {}), a=(70, 0, {0: GOLDEN}))

    def sleep(seconds):
        world.seconds += seconds
        if world.seconds > 100:
            raise KeyboardInterrupt

    world.clock = world.clock._replace(sleep=sleep)
    with pytest.raises(KeyboardInterrupt):
        recorded(world, 1000, parts="fda")
    assert sorted(world.stopped) == ["a", "d"]
    ended = json.loads((tmp_path / "accelerator.json").read_text())["ended"]
    assert ended == {"f": "done", "d": "interrupted", "a": "interrupted"}


def test_an_earlier_runs_figures_do_not_pass_for_this_runs(recorded):
    setting.save("f", MANY)
    found, text = recorded(StandIn(f=(5, 1, {})), 1000, parts="f")
    assert found["parts"]["f"] == {} and "Not measured: failed with status 1." in text


def test_the_limits_fit_into_the_minutes():
    limits = sum(max(part.seconds for part in batch) for batch in schedule.batches(setting.PARTS))
    assert limits <= 60 * flags.FLAGS["minutes"].default <= 8 * 60 - 10


@pytest.mark.slow
def test_it_runs_whole_at_a_tiny_size(tmp_path):
    arguments = [f"--output={tmp_path}", "--tiny"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.accelerator", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "accelerator.json").read_text())
    expected = {part.letter for part in setting.PARTS} - set(found["missing"])
    assert set(found["ended"]) == expected
    for letter in expected:
        assert found["parts"][letter]["complete"], letter
    assert found["parts"]["e"]["same bits"]
    # The rest of the page is prose on the card that was measured before.
    measured = page.measured(found)
    assert measured in (tmp_path / "accelerator.md").read_text()
    assert not re.search(r"Not measured|Not complete", measured)
