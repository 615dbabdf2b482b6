"""A study's queue: its order, what it skips, where it goes on, and what it refuses. A stand-in trains."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest

import experiments
from momentum_jax import run_directory
from momentum_jax.cli import command_line, launching
from momentum_jax.config import Arm, Experiment, RunConfig
from momentum_jax.fields import ConfigError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.run_directory import RunDirectoryError
from momentum_jax.study import declaration, queue

PARTS = (
    Experiment(name="made_up.first", description="", arms=(Arm(name="a"), Arm(name="b")), num_seeds=2),
    Experiment(name="made_up.second", description="", arms=(Arm(name="a"),), timesteps=512),
    Experiment(name="made_up.crash", description="", arms=(Arm(name="a"),), market={"data_source": "synthetic"}),
    Experiment(name="made_up.other", description="", arms=(Arm(name="a"),)),
)
MADE_UP = declaration.Study(
    name="made_up",
    question="?",
    primary="p",
    beside="q",
    horizon=25_000,
    threshold=5.0,
    parts=PARTS,
    confirmatory=("first",),
    by_request=("other",),
)


CSV = MarketConfig(data_source="csv", data_path="x.csv", vix_path="v.csv")


class KilledError(Exception):
    pass


class StandIn:
    """Writes what a run directory needs to be seen as begun or finished; is killed at the part told."""

    def __init__(self, killed_at=""):
        self.calls = []
        self._killed_at = killed_at

    def __call__(self, config: RunConfig, run_dir, *, resume: bool) -> None:
        self.calls.append((run_dir.name, resume))
        description = config.to_json() | {"data": {}}
        if not resume:
            run_directory.create_run(run_dir, description)
        if run_dir.name == self._killed_at:
            raise KilledError
        run_directory.replace_config(run_dir, run_directory.read_config(run_dir) | {"finished": "now"})


def configure(part: Experiment, **settings) -> RunConfig:
    own = {"num_seeds": part.num_seeds, "timesteps": part.timesteps, "market": MarketConfig(**part.market)}
    return RunConfig(experiment=part.name, arms=part.arms, **own | settings)


def planned(folder, chosen=(), **settings):
    return queue.plan(MADE_UP, folder, lambda part: configure(part, **settings), chosen)


def carry_out(folder, train, runs=None):
    lines = []
    queue.carry_out(MADE_UP, folder, runs or planned(folder), train, lines.append)
    return "\n".join(lines)


def test_parts_run_in_the_declared_order_and_those_by_request_only_when_asked_for(tmp_path):
    train = StandIn()
    text = carry_out(tmp_path, train)
    assert train.calls == [("first", False), ("second", False), ("crash", False)]
    assert "2 arm(s) × 2 seeds × 100,000 steps" in text
    assert text.endswith("0.0 million environment steps are left of the parts not finished")
    assert [run.name for run in planned(tmp_path, ["made_up.other", "first"])] == ["first", "other"]


def test_a_killed_queue_goes_on_where_it_stopped(tmp_path):
    killed = StandIn(killed_at="second")
    with pytest.raises(KilledError):
        carry_out(tmp_path, killed)
    assert killed.calls == [("first", False), ("second", False)]
    assert [queue.state_of(run).value for run in planned(tmp_path)] == ["finished", "begun", "waiting"]
    assert queue.begun_run(planned(tmp_path)) == tmp_path / "second"
    again = StandIn()
    carry_out(tmp_path, again)
    assert again.calls == [("second", True), ("crash", False)]
    once_more = StandIn()
    carry_out(tmp_path, once_more)
    assert once_more.calls == [] and queue.begun_run(planned(tmp_path)) is None


def test_what_is_left_counts_whole_rollouts_of_every_arm_and_seed(tmp_path):
    assert queue.env_steps(planned(tmp_path)[0].config) == 2 * 2 * 196 * 512
    assert "1.2 million environment steps are left" in queue.status_text(
        planned(tmp_path, ["first", "second", "crash"])
    )


@pytest.mark.parametrize("finished", [True, False])
def test_other_settings_are_refused_before_anything_is_trained(tmp_path, finished):
    with pytest.raises(KilledError):
        carry_out(tmp_path, StandIn(killed_at="crash" if finished else "first"))
    train = StandIn()
    with pytest.raises(ConfigError, match=r"first: seeds.* was .* now .*another --run_dir"):
        carry_out(tmp_path, train, planned(tmp_path, num_seeds=3))
    assert train.calls == []


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "second").mkdir()
    train = StandIn()
    with pytest.raises(RunDirectoryError, match="second"):
        carry_out(tmp_path, train)
    assert train.calls == []


def test_where_a_run_is_computed_may_change_under_way(tmp_path):
    with pytest.raises(KilledError):
        carry_out(tmp_path, StandIn(killed_at="second"))
    train = StandIn()
    carry_out(tmp_path, train, planned(tmp_path, num_devices=1))
    assert train.calls[0] == ("second", True)


def test_the_declaration_lies_beside_the_runs_and_another_is_refused(tmp_path):
    carry_out(tmp_path, StandIn())
    declared = json.loads((tmp_path / declaration.DECLARATION_NAME).read_text())
    assert declared["parts"] == ["first", "second", "crash", "other"]
    assert (declared["horizon"], declared["threshold"], declared["confirmatory"]) == (25_000, 5.0, ["first"])
    later = dataclasses.replace(MADE_UP, threshold=1.0)
    with pytest.raises(ConfigError, match="declares another study"):
        queue.carry_out(later, tmp_path, planned(tmp_path), StandIn(), lambda line: None)


def test_a_part_may_be_added_later_but_never_as_confirmatory(tmp_path):
    first = dataclasses.replace(MADE_UP, parts=PARTS[:1], by_request=())
    path = tmp_path / declaration.DECLARATION_NAME
    declaration.declare(first, tmp_path)
    assert json.loads(path.read_text())["added"] == []
    grown = dataclasses.replace(first, parts=PARTS[:2], added=("second",))
    declaration.declare(grown, tmp_path)
    told = json.loads(path.read_text())
    assert (told["parts"], told["added"]) == (["first"], ["second"])
    declaration.declare(grown, tmp_path)
    for other in (first, dataclasses.replace(first, parts=PARTS[:2]), dataclasses.replace(grown, threshold=1.0)):
        with pytest.raises(ConfigError, match="another --run_dir"):
            declaration.declare(other, tmp_path)
    assert json.loads(path.read_text()) == told
    with pytest.raises(ValueError, match="second of made_up was added after results were seen"):
        dataclasses.replace(grown, confirmatory=("first", "second"))


def test_unknown_parts_and_parts_of_another_market_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no part 'third': choose from first, second"):
        planned(tmp_path, ["third"])
    on_bars = queue.plan(MADE_UP, tmp_path, lambda part: configure(part, market=CSV))
    assert [run.name for run in on_bars] == ["first", "second"]
    with pytest.raises(ConfigError, match="so there is nothing to run"):
        queue.plan(MADE_UP, tmp_path, lambda part: configure(part, market=CSV), ["crash"])


def test_a_part_on_bars_of_files_is_left_out_where_the_command_line_names_none(tmp_path):
    own = dataclasses.replace(PARTS[0], name="made_up.on_files", market={"data_source": "csv"})
    study = dataclasses.replace(MADE_UP, parts=(*PARTS, own))

    def on_files(part):
        return configure(part, market=CSV)

    without = queue.plan(study, tmp_path, configure)
    assert [run.name for run in without] == ["first", "second", "crash"]
    bars = queue.plan(study, tmp_path, lambda part: on_files(dataclasses.replace(part, market={})), data_source="csv")
    assert [run.name for run in bars] == ["first", "second", "on_files"]


def parse(line):
    return command_line.parse(
        ["launch.py", *line.split()], experiments.load, experiments.names(), None, experiments.load_study
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--study=early_dip", ["run_dir"]),
        ("--study=early_dip --run_dir=x --resume", ["resume", "--study"]),
        ("--study=early_dip --run_dir=x --experiment=tune2", ["experiment", "--study"]),
        ("--study=early_dip --run_dir=x --parts=none", ["none", "reproduction"]),
        ("--study=tune2 --run_dir=x", ["tune2", "--experiment=tune2"]),
        ("--study=nothing --run_dir=x", ["nothing", "early_dip"]),
        ("--experiment=early_dip", ["early_dip", "--study=early_dip", "early_dip.dose"]),
        ("--experiment=early_dip.nothing", ["nothing", "dose"]),
        ("--parts=dose", ["--study"]),
    ],
)
def test_a_mistaken_line_is_refused_in_one_line(line, words):
    with pytest.raises(ConfigError) as caught:
        parse(line)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(("kind", "load"), [("experiment", experiments.load), ("study", experiments.load_study)])
def test_every_name_that_is_offered_in_place_of_an_unknown_one_is_there(kind, load):
    with pytest.raises(ConfigError) as caught:
        load("nothing")
    offered = str(caught.value).removeprefix(f"{kind}='nothing' is unknown: choose one of ").split(", ")
    assert len(offered) >= 4
    for name in offered:
        assert load(name).name == name


@pytest.mark.parametrize(
    ("load", "name", "meant"),
    [
        (experiments.load, "early_dop", "did you mean --study=early_dip?"),
        (experiments.load_study, "tune22", "did you mean --experiment=tune2?"),
        (experiments.load_study, "early_dop", "; did you mean early_dip?"),
    ],
)
def test_a_name_of_the_other_kind_that_was_meant_is_named_with_its_flag(load, name, meant):
    with pytest.raises(ConfigError) as caught:
        load(name)
    assert str(caught.value).endswith(meant) and str(caught.value).count("did you mean") == 1


def test_declared_checkpoints_beyond_a_shorter_run_are_left_out():
    config = parse("--experiment=early_dip.reproduction --timesteps=26000").config
    assert max(config.checkpoints) == 25_000
    config.validate()


def test_the_program_starts_with_the_kernels_of_the_part_that_goes_on(tmp_path, monkeypatch):
    with pytest.raises(KilledError):
        carry_out(tmp_path, StandIn(killed_at="second"))
    started = []

    def start(*arguments):
        started.append(arguments)
        return SimpleNamespace(train=print)

    monkeypatch.setattr(launching, "_start", start)
    monkeypatch.setattr(queue, "carry_out", lambda *arguments: None)
    monkeypatch.setattr(launching, "_check_healthy", lambda run_dirs: None)
    launching._carry_out(command_line.StudyCommand(MADE_UP, planned(tmp_path), tmp_path, []), launching._LastWords())
    assert started == [(None, tmp_path / "second")]
