"""The benchmark of an accelerator, without one: what it reads, what it prints, and that it runs whole."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys

import pytest
from absl import flags

from benchmarks import launches
from benchmarks.accelerator import __main__ as command
from benchmarks.accelerator import launched, on_device, page, setting, trace
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def parsed_flags():
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["test"])


def letters(parts):
    return [part.letter for part in parts]


def test_parts_run_in_order_of_importance_and_unknown_ones_are_refused():
    assert letters(command.chosen_parts(["f", "b"])) == ["b", "f"]
    assert letters(command.chosen_parts(None)) == letters(setting.PARTS)
    with pytest.raises(ValueError, match="names 'x': choose from a,b,c,d,e,f,g"):
        command.chosen_parts(["b", "x"])


def test_every_part_has_its_work():
    """Imported together, as a worker does: two flags of one name would already have failed."""
    for part in setting.PARTS:
        assert callable(command.work_of(part.letter)), part
    assert command.work_of("e") is launched.resuming and command.work_of("b") is on_device.speed


def test_what_is_timed_runs_alone():
    found = command.batches(command.chosen_parts(None))
    assert letters(part for batch in found for part in batch) == letters(setting.PARTS)
    for batch in found:
        assert len(batch) == 1 or not any(part.timed for part in batch)
    assert ["e", "a", "d"] in [letters(batch) for batch in found]


def test_what_is_missing_is_said_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(flags.FLAGS, "golden", str(tmp_path))
    missing = command.missing_for(command.chosen_parts(["a", "b", "d"]))
    assert sorted(missing) == ["a", "d"]
    assert f"needs {tmp_path / 'ppo_update.npz'} (name its folder with --golden=FOLDER)" in missing["a"]
    for name in ("ppo_update.npz", "maskable_ppo_tune2_spy.npz"):
        (tmp_path / name).touch()
    monkeypatch.setattr(flags.FLAGS, "data", str(tmp_path))
    assert list(command.missing_for(command.chosen_parts(None))) == ["d"]
    (tmp_path / "spy_1min_2024.csv").touch()
    assert command.missing_for(command.chosen_parts(None)) == {}
    monkeypatch.setitem(command._PACKAGES, "f", ("numpy", "no_such_package", "no_such_package.part"))
    assert command.missing_for(command.chosen_parts(None)) == {
        "f": "part f needs package no_such_package, package no_such_package.part"
    }


PROGRAM = """HloModule jit_step, is_scheduled=true

%fused (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  ROOT %add = f32[4]{0} add(%p, %p)
}

%body (arg: (s32[], f32[4])) -> (s32[], f32[4]) {
  %arg = (s32[], f32[4]{0}) parameter(0)
  %i = s32[] get-tuple-element(%arg), index=0
  %x = f32[4]{0} get-tuple-element(%arg), index=1
  %same = f32[4]{0} bitcast(%x)
  %y = f32[4]{0} fusion(%same), kind=kLoop, calls=%fused
  %z = f32[4]{0} custom-call(%y), custom_call_target="product"
  %begun = f32[4]{0} fusion-start(%z), kind=kLoop, calls=%fused
  %done = f32[4]{0} fusion-done(%begun)
  ROOT %out = (s32[], f32[4]{0}) tuple(%i, %done)
}

%condition (arg: (s32[], f32[4])) -> pred[] {
  %arg.1 = (s32[], f32[4]{0}) parameter(0)
  ROOT %less = pred[] constant(true)
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %x.1 = f32[4]{0} parameter(0)
  %zero = s32[] constant(0)
  %copy = f32[4]{0} copy(%x.1)
  %start = (s32[], f32[4]{0}) tuple(%zero, %copy)
  %l = (s32[], f32[4]{0}) while(%start), condition=%condition, body=%body, backend_config={"known_trip_count":{"n":"5"}}
  ROOT %result = f32[4]{0} get-tuple-element(%l), index=1
}
"""


def test_launches_are_counted_turn_by_turn():
    table = launches.by_loop(PROGRAM).set_index("turns")
    assert table["launches a turn"].to_dict() == {5: 3, 1: 1}  # a fusion, a product, a fusion begun; one copy
    assert launches.count(PROGRAM) == 16


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


def result(**parts):
    device = {"kind": "card", "nvidia-smi": None, "jax": "0", "python": "3", "cores": 2}
    return {"device": device, "tiny": False, "missing": {"d": "part d needs X"}, "ended": {}, "parts": parts}


def test_the_page_says_of_each_part_what_there_is():
    speed = {"roof": {"float32 GFLOP/s": 5e4, "tf32 GFLOP/s": 4e5, "copy GB/s": 3e3}}
    speed["rows"] = [{"precision": "float32", "seeds": 1024, "steps/s": 3_302_049.0}]
    text = page.markdown(result(b=speed, f={"seeds": 8, "steps": 5, "seconds": 61.2, "log": ["x"], "complete": True}))
    assert "| float32 | 1,024 | 3,302,049 | – |" in text
    assert "large products 50,000 GFLOP/s in float32 and 400,000 in TF32; a large copy 3,000 GB/s" in text
    assert "Not complete: under way." in text  # part b
    assert "Not run: part d needs X." in text
    assert text.count("Not yet measured.") == 4  # a, c, e, g
    assert "from the command to the report: **61 s**" in text
    assert "tiny" not in text and "tiny" in page.markdown(result() | {"tiny": True})


def test_a_stopped_part_is_said_to_be_stopped():
    ended = {"g": "stopped at its time limit"}
    assert "No figures: stopped at its time limit." in page.markdown(result() | {"ended": ended})


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
    assert not re.search(r"Not yet|No figures|Not complete", (tmp_path / "accelerator.md").read_text())
