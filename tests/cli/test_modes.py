"""No flag is ever ignored: every pair of a mode and a flag of the table, so that a new flag cannot be forgotten.

Either the flag is refused by its name, in one line, or the command that results is another one than without the flag.
"""

from __future__ import annotations

import dataclasses

import pytest
from absl import flags

import experiments
from momentum_jax import run_directory
from momentum_jax.cli import command_line, flag_definitions, modes
from momentum_jax.fields import ConfigError
from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.run_directory import RunDirectoryError
from tests.conftest import ROOT

_DECLARATIONS = dataclasses.fields(FileFormat)
REFUSED = (ConfigError, DataError, RunDirectoryError)
FILES = "--data_source=csv --data_path=bars.csv"
OWN_NETWORK = ROOT / "tests" / "ppo" / "recurrent.py:Recurrent"
VENDOR = "--data_source=yfinance --start_date=2024-03-01 --end_date=2024-03-05"
# A value of each flag that is not its default; for the others one of their type does.
VALUES = {
    "activation": "relu",
    "checkpoints": "7",
    "coordinator_address": "node1:8476",
    "cache_path": "elsewhere",
    "data_part": "train",
    "data_path": "other.csv",
    "data_source": "parquet",
    "end_date": "2024-03-20",
    "env": "CartPole-v1",
    "exclude_findings": "gap",
    "experiment": "tune3",
    "extend_to": "500000",
    "file_columns": "datetime,open,high,low,close",
    "file_time_format": "unix_s",
    "file_time_zone": "UTC",
    "file_bar_minutes": "5",
    "file_delimiter": ";",
    "file_decimal": ",",
    "file_encoding": "cp1252",
    "file_header_lines": "3",
    "file_thousands": "'",
    "vix_columns": "date,close",
    "vix_decimal": ",",
    "vix_delimiter": ";",
    "vix_encoding": "cp1252",
    "vix_time_format": "%d.%m.%Y",
    "fixed_streams": "init",
    "group_width": "3",
    "hidden_sizes": "16",
    "intraday_days": "2",
    "minibatch_size": "128",
    "network": "layer_norm",
    "num_seeds": "5",
    "num_steps": "1024",
    "optimizer": "sgd",
    "parts": "dose",
    "preset": "reference_1217",
    "put_setup": "-1",
    "put_sign": "-1",
    "run_dir": "runs/other",
    "session_clock": "naive_utc",
    "slurm_directives": "--mem=1G",
    "slurm_time": "10",
    "start_date": "2024-02-20",
    "study": "early_dip",
    "symbols": "QQQ",
    "train_end": "2024-03-01",
    "validation_end": "2024-03-01",
}
# The reference system's name of the only environment; --resume says what --extend_to does anyway.
SAY_WHAT_IS_DONE = {("human_momentum", ""), ("resume", "extend")}


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> dict[str, str]:
    """A command line of each mode."""
    folder = tmp_path_factory.mktemp("modes")
    stored = folder / "stored"
    begun = parse(["--timesteps=5000"]).config.to_json()
    run_directory.create_run(stored, begun | {"data": {}, "finished": "now"})
    return {
        "new": "",
        "new, files": FILES,
        "new, files and VIX": f"{FILES} --vix_path=vix.csv",
        "new, vendor": VENDOR,
        "new, filled": "--missing_minutes=fill",
        "new, memory": "--network=lstm",
        "new, divided": "--train_end=2024-02-23 --data_part=train",
        "resume": f"--resume --run_dir={stored}",
        "extend": f"--extend_to=9000 --run_dir={stored}",
        "study": f"--study=early_dip --parts=controls --run_dir={folder / 'study'}",
        "slurm": f"--slurm={folder / 'job'}",
        "slurm, resume": f"--slurm={folder / 'job'} --resume --run_dir={stored}",
        "cluster": "--distributed",
        "three processes": "--coordinator_address=a:80 --num_processes=3 --process_id=1",
    }


def parse(words):
    command = command_line.parse(
        ["launch.py", *words], experiments.load, experiments.names(), None, experiments.load_study
    )
    command = command._replace(arguments=())
    if isinstance(command, command_line.Command) and "runs/" in str(command.run_dir):
        command = command._replace(run_dir=command.run_dir.with_name(command.run_dir.name.split("-")[0]))  # no time
    return command


def table() -> dict[str, flags.Flag]:
    values = flags.FlagValues()
    flag_definitions.define(values)
    return {name: values[name] for name in values}


def text_of(name: str, flag: flags.Flag) -> str:
    name = flag_definitions.own_name(name)
    if name in VALUES:
        return VALUES[name]
    if flag.boolean:
        return "false" if _default(name) is True else "true"
    kind = flag.parser.syntactic_help
    if "number" in kind or "int" in kind:
        return "64" if "int" in kind or "integer" in kind else "0.25"
    if isinstance(flag, flags.EnumFlag):
        return next(choice for choice in flag.parser.enum_values if choice != _default(name))
    return "text"


def _default(name: str):
    owners = (
        command_line.RunConfig,
        command_line.EnvOptions,
        command_line.PPOConfig,
        command_line.MarketConfig,
        command_line.DistributedConfig,
        command_line.SlurmConfig,
    )
    defaults = {field.name: field.default for owner in owners for field in dataclasses.fields(owner)}
    # A declaration that is not given (None) is that of the plainest file.
    declared = {f"{prefix}_{field.name}": field.default for prefix in ("file", "vix") for field in _DECLARATIONS}
    return declared.get(name) if defaults.get(name) is None else defaults[name]


@pytest.mark.slow
def test_every_flag_is_refused_or_changes_what_is_done(lines):
    table_of_flags = table()
    accepted = set()
    for mode, line in lines.items():
        before = parse(line.split())
        given = {word.partition("=")[0].lstrip("-") for word in line.split()}
        accepted |= given
        for name in table_of_flags.keys() - given:
            flag = table_of_flags[name]
            word = f"--{name}={text_of(name, flag)}"
            try:
                after = parse([*line.split(), word])
            except REFUSED as error:
                message = str(error)
                assert "\n" not in message
                own_name = flag_definitions.own_name(name)
                assert own_name in message or name in ("study", "extend_to", "resume", "data_source"), (mode, message)
                continue
            accepted.add(name)
            redundant = {(name, ""), (name, mode)} & SAY_WHAT_IS_DONE
            assert after != before or redundant, f"{word} is ignored by {mode}: {line}"
    assert accepted == table_of_flags.keys(), "flags that no mode reads"


def test_every_flag_belongs_to_a_mode():
    read = (
        frozenset().union(*(mode.reads for mode in (modes.NEW, modes.RESUME, modes.EXTEND, modes.STUDY)))
        | modes.SLURM_FLAGS
    )
    assert read == {flag_definitions.own_name(name) for name in table()}


@pytest.mark.parametrize(
    ("mode", "words", "expected"),
    [
        ("study", "--slurm=x", ["--slurm", "--study", "--experiment=STUDY.PART"]),
        ("study", "--distributed", ["--distributed", "--study", "--experiment=STUDY.PART"]),
        ("study", "--process_id=1", ["--process_id", "--study"]),
        ("study", "--num_processes=2", ["--num_processes", "--study"]),
        ("study", "--slurm_nodes=2", ["--slurm_nodes", "--study"]),
        ("study", "--model_name=x", ["--model_name", "--study"]),
        ("study", "--resume", ["--resume", "--study", "started again"]),
        ("study", "--extend_to=9", ["--extend_to", "--study"]),
        ("extend", "--timesteps=7000", ["--timesteps", "--extend_to"]),
        ("extend", "--model_name=x", ["--model_name", "--run_dir"]),
        ("extend", "--noresume", ["--noresume", "--extend_to"]),
        ("resume", "--model_name=x", ["--model_name", "--resume", "--run_dir=runs/NAME"]),
        ("resume", "--parts=dose", ["--parts", "--resume"]),
        ("new", "--slurm_nodes=4", ["--slurm_nodes", "--slurm=FILE"]),
        ("new", "--slurm_time=1:00:00", ["--slurm_time", "--slurm=FILE"]),
        ("new", "--parts=dose", ["--parts", "--study=NAME"]),
        ("new", "--model_name=x --run_dir=y", ["--model_name", "--run_dir"]),
        ("new", "--heartbeat_timeout=9", ["--heartbeat_timeout", "--distributed"]),
        ("new", "--nodistributed --coordinator_address=a:1 --num_processes=2 --process_id=0", ["--nodistributed"]),
        ("new", "--num_processes=2", ["process_id", "--distributed"]),
        ("new", "--cache_path=x", ["--cache_path", "data_source=synthetic"]),
        ("new", "--fill_limit=3", ["--fill_limit", "--missing_minutes=fill"]),
        ("new", "--train_end=2024-02-20", ["--train_end", "data_part=all"]),
        ("new", "--file_delimiter=,", ["--file_delimiter", "--data_source=csv"]),
        ("new, files", "--synthetic_seed=1", ["--synthetic_seed", "data_source=csv"]),
        ("new, vendor", "--file_header", ["--file_header", "data_source=yfinance"]),
        ("new", "--lstm_size=64", ["--lstm_size", "network=towers", "--network=lstm or gru"]),
        ("new", "--optimizer=sgd --adam_eps=1e-6", ["--adam_eps", "optimizer=sgd", "--optimizer=adam or adamw or"]),
        ("slurm", "--process_id=0", ["--process_id", "--slurm", "numbers"]),
        ("slurm", "--coordinator_address=a:1", ["--coordinator_address", "--slurm"]),
        ("slurm", "--nodistributed", ["--nodistributed", "--slurm"]),
        ("slurm", "--noresume", ["--noresume", "--slurm"]),
        ("slurm", "--study=early_dip --run_dir=x", ["--slurm", "--study"]),
    ],
)
def test_a_flag_without_effect_is_refused_with_what_to_do(lines, mode, words, expected):
    with pytest.raises(REFUSED) as refused:
        parse([*lines[mode].split(), *words.split()])
    message = str(refused.value)
    assert "\n" not in message
    for word in expected:
        assert word in message


def test_a_study_in_the_directory_of_a_run_is_refused(lines, tmp_path):
    run_dir = lines["resume"].split("=")[1]
    with pytest.raises(RunDirectoryError, match="is the directory of a run"):
        parse(["--study=early_dip", f"--run_dir={run_dir}"])
    (tmp_path / "file").touch()
    with pytest.raises(RunDirectoryError, match="is a file"):
        parse(["--study=early_dip", f"--run_dir={tmp_path / 'file'}"])


def test_an_extension_that_was_begun_goes_on_with_the_same_line(lines, tmp_path):
    stored = run_directory.read_config(lines["resume"].split("=")[1])
    run_dir = tmp_path / "begun"
    run_directory.create_run(run_dir, stored | {"finished": None})
    command = parse([f"--run_dir={run_dir}", "--extend_to=5000"])
    assert (command.config.timesteps, command.resume) == (5_000, True)
    run_directory.replace_config(run_dir, stored | {"finished": "now"})
    with pytest.raises(ConfigError, match="extend_to=5000 is not beyond the run's 5000 steps"):
        parse([f"--run_dir={run_dir}", "--extend_to=5000"])


def test_a_preset_lies_on_the_experiments_own_arms_when_a_run_goes_on(tmp_path):
    begun = parse(["--preset=reference_1217", "--experiment=tune3"])
    run_directory.create_run(tmp_path / "run", begun.config.to_json() | {"data": {}})
    line = ["--resume", f"--run_dir={tmp_path / 'run'}"]
    assert parse([*line, "--preset=reference_1217"]).config.arms == begun.config.arms == parse(line).config.arms
    assert parse([*line, "--preset=reference"]).config.arms == parse(["--experiment=tune3"]).config.arms


@pytest.mark.parametrize(
    "words", ["--network=gru", "--experiment=v3", "--experiment=recurrent.with_memory", f"--network={OWN_NETWORK}"]
)
def test_a_size_of_memories_is_read_where_any_arm_may_have_one(words):
    assert all(arm.ppo.lstm_size == 8 for arm in parse(["--lstm_size=8", *words.split()]).config.arms)
