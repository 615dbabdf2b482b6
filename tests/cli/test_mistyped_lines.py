"""Command lines as people mistype them: refused in one line that says what to do, nothing written, nothing trained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from momentum_jax import run_directory
from momentum_jax.cli import market_command as market
from tests.cli.launch_fixture import launch  # noqa: F401 (a fixture)

CHOOSE = "choose one of baseline, entropy, full"
MISTAKES = {
    # wrong types and empty values
    "--num_seeds=": "num_seeds= is not a whole number",
    "--num_seeds=1e3": "num_seeds=1e3 is not a whole number, e.g. 100000",
    "--num_seeds=2.5": "num_seeds=2.5 is not a whole number",
    "--num_seeds=-0": "num_seeds=0 is too small: use at least 1",
    "--num_seeds=99999999999999999999999": "use at most 2147483648",
    "--timesteps=1e5": "timesteps=1e5 is not a whole number",
    "--timesteps=3000000000": "use at most 2146435072",
    "--learning_rate=": "learning_rate= is not a number",
    "--learning_rate=-inf": "learning_rate=-inf is not a finite number",
    "--gamma=0,9": "gamma=0,9 is not a number",
    "--gamma=-0.1": "gamma=-0.1 is too small: use at least 0",
    "--ent_coef=nan": "ent_coef=nan is not a finite number",
    "--max_move_pct=nan": "max_move_pct=nan is not a finite number",
    "--state_interval=nan": "state_interval=nan is not a finite number",
    "--hidden_sizes=": "hidden_sizes is empty",
    "--hidden_sizes=64,": "hidden_sizes=64, is not a list of whole numbers",
    "--hidden_sizes=64;64": "hidden_sizes=64;64 is not a list",
    "--hidden_sizes=[64,64]": "hidden_sizes=[64,64] is not a list",
    "--hidden_sizes=-1,64": "hidden_sizes=-1 is too small",
    "--checkpoints=5.5": "checkpoints=5.5 is not a list of whole numbers",
    "--checkpoints=,": "checkpoints=, is not a list",
    "--checkpoints=-5": "checkpoints=-5 is too small",
    "--resume=maybe": "resume=maybe is neither true nor false: write --resume or --noresume",
    "--trim_reduces_cost=2": "write --trim_reduces_cost or --notrim_reduces_cost",
    "--trim_reduces_cost yes": "'yes' is not a flag",
    "--noresume=1": "--noresume=1 does not take an argument",
    "--fixed_streams=INIT": "choose from init, action, minibatch, market",
    "--first_seed=2147483649": "first_seed=2147483649 is too large: use at most 2147483648",
    "--num_devices=-1": "num_devices=-1 is too small",
    "--group_width=1,2": "group_width has 2 numbers for 1 program",
    "--symbols=": "symbols is ()",
    "--symbols=,": "give at least one ticker",
    "--start_date=": "start_date is empty",
    "--start_date=today": "write it as YYYY-MM-DD",
    "--intraday_days=0": "intraday_days=0 is too small",
    # experiments and studies
    "--experiment=": "experiment is empty",
    "--experiment=Tune2": "did you mean tune2?",
    "--experiment=tune2.": "did you mean tune2?",
    "--experiment=tüne2": "did you mean tune2?",
    "--experiment=.": f"experiment='.' is unknown: {CHOOSE}",
    "--experiment=early_dip.": "experiment='early_dip.' is unknown",
    "--experiment=early_dip.doze": "no part 'doze': choose from reproduction.*; did you mean dose?",
    "--experiment=early_dip_parts": "did you mean --study=early_dip?",
    "--experiment=__init__": CHOOSE,
    "--study=": "study is empty",
    "--study=earlydip --run_dir=s": "study='earlydip' is unknown: .*; did you mean early_dip?",
    "--study=early-dip --run_dir=s": "did you mean early_dip?",
    "--study=early_dip --run_dir=": "run_dir is empty",
    "--study=early_dip --run_dir=s --parts=": "parts is empty",
    "--study=early_dip --run_dir=s --parts=,": "parts is empty",
    "--study=early_dip --run_dir=s --parts=doze": "did you mean dose?",
    "--study=early_dip --run_dir=file": "file: is a file",
    # paths and names
    "--run_dir=": "run_dir is empty",
    "--run_dir": "--run_dir has no value: write --run_dir=VALUE",
    "--run_dir --num_seeds=3": "--run_dir has no value",
    "--run_dir=~nobodyhere/x": "no home folder of ~nobodyhere is known",
    "--run_dir=a\x00b": "no path that can be printed",
    "--run_dir=a\nb": "no path that can be printed",
    "--resume --run_dir=folder": "folder is not a run directory",
    "--resume --run_dir=file": "file is not a run directory",
    "--resume --run_dir=absent": "absent is not a run directory",
    "--resume": "need --run_dir: which run is to go on?",
    "--extend_to=900": "need --run_dir",
    "--extend_to": "--extend_to has no value",
    "--model_name=": "model_name is empty",
    "--model_name=../../x": "is no name of a folder in runs/: give a path by --run_dir",
    "--model_name=a/../../x": "is no name of a folder in runs/",
    "--model_name=/abs": "is no name of a folder in runs/",
    "--model_name=~/x": "is no name of a folder in runs/",
    "--model_name=..": "is no name of a folder in runs/",
    "--model_name=.": "is no name of a folder in runs/",
    "--data_source=csv --data_path=": "data_path is empty",
    "--data_path=bars.csv": "data_source is 'synthetic', which reads no file",
    # Slurm and several processes
    "--slurm=": "slurm is empty",
    "--slurm --num_seeds=3": "--slurm has no value",
    "--slurm=folder": "folder: cannot be written (Is a directory)",
    "--slurm=file/job": "file/job: cannot be written",
    "--slurm=job --slurm_nodes=two": "slurm_nodes=two is not a whole number",
    "--slurm=job --slurm_time=": "slurm_time is empty",
    "--slurm=job --slurm_directives=mem=3": "write options of sbatch, e.g. --mem=32G",
    "--coordinator_address= --num_processes=2 --process_id=0": "coordinator_address is empty",
    "--coordinator_address=a:99999999 --num_processes=2 --process_id=0": "is not host:port",
    "--distributed=maybe": "write --distributed or --nodistributed",
    # what is no flag of this program
    "--num_sed=3": "Unknown command line flag 'num_sed'. Did you mean: num_seeds",
    "--verbosity=1": "Unknown command line flag 'verbosity'",
    "--undefok=foo --foo=3": "--undefok would ignore flags",
    "--flagfile=absent": "Unable to open flagfile: .*'absent'",
    "-x": "Unknown command line flag 'x'",
    "-- --num_seeds=3": "'--num_seeds=3' is not a flag",
    "--num_seeds 3 4": "'4' is not a flag",
    "tune2": "'tune2' is not a flag: write --name=value",
}


@pytest.fixture
def folder(launch, tmp_path) -> Path:  # noqa: F811
    """A folder with a file and a folder in it."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_mistakes_cost_one_line_and_nothing_is_written(launch, folder):  # noqa: F811
    before = sorted(folder.rglob("*"))
    for line, words in MISTAKES.items():
        ended = launch(*line.split(" "))
        assert (ended.code, ended.out, ended.trained) == (2, "", []), line
        assert ended.err.startswith("launch.py: ") and ended.err.count("\n") == 1, (line, ended.err)
        pattern = ".*".join(map(re.escape, words.split(".*")))
        assert re.search(pattern, ended.err), (line, ended.err)
    assert sorted(folder.rglob("*")) == before


REFUSED_BY_THE_RUNNER = {
    "--run_dir=file": "file: is a file, and a run needs a folder of its own",
    "--run_dir=folder": "folder: exists already and is not a run's",
    "--run_dir=.": "exists already and is not a run's",
    "--run_dir=/": "exists already and is not a run's",
    "--run_dir=file/x --timesteps=64": "cannot be written (Not a directory)",
    "--num_seeds=10000000": "of memory, and .* are free: lower num_seeds",
    "--hidden_sizes=100000,100000": "of memory, and .* are free",
    "--num_devices=1000": "num_devices=1000 is more than there are here",
    "--data_source=csv --data_path=absent.csv --vix_path=absent.csv": "absent.csv: no such file",
    "--data_source=csv --data_path=file --vix_path=folder": "folder: is a folder: name one file in it",
}


def test_what_only_the_runner_can_see_is_refused_as_early(launch, folder):  # noqa: F811
    before = sorted(folder.rglob("*"))
    for line, words in REFUSED_BY_THE_RUNNER.items():
        ended = launch(*line.split(" "), trains=True)
        assert (ended.code, ended.out) == (2, ""), (line, ended)
        assert ended.err.startswith("launch.py: ") and ended.err.count("\n") == 1, (line, ended.err)
        pattern = ".*".join(map(re.escape, words.split(".*")))
        assert re.search(pattern, ended.err), (line, ended.err)
    assert sorted(folder.rglob("*")) == before


ACCEPTED = {
    "-num_seeds=3": {"num_seeds": 3},
    "--num-seeds 3": {"num_seeds": 3},
    "--timesteps=1_000": {"timesteps": 1_000},
    "--timesteps=500 --timesteps=600": {"timesteps": 600},  # as scripts append what they change
    "--n_steps=128 --num_steps=256": {"rollout_size": 256},
    "--run_dir=näme": {},
    "--run_dir=with%20percent": {},
}


def test_what_can_be_meant_is_done(launch, folder):  # noqa: F811
    for line, settings in ACCEPTED.items():
        ended = launch(*line.split(" "))
        assert (ended.code, ended.err) == (0, ""), line
        ((config, _, resume),) = ended.trained
        assert not resume
        assert {name: getattr(config, name) for name in settings} == settings, line


def test_names_and_home_folders_lead_to_run_directories(launch, folder, monkeypatch):  # noqa: F811
    monkeypatch.setenv("HOME", str(folder / "home"))
    places = {
        "--model_name=a": "runs/a",
        "--model_name=sweep/a": "runs/sweep/a",
        "--model_name=a b": "runs/a b",
        "--run_dir=~/x": str(folder / "home" / "x"),
        "--run_dir=here/~": "here/~",
    }
    assert {word: str(launch(word).trained[0][1]) for word in places} == places


def test_home_folders_of_data_are_found(launch, folder, monkeypatch):  # noqa: F811
    monkeypatch.setenv("HOME", str(folder))
    for word in ("--data_path=~/here.csv", "--vix_path=~/here.csv"):
        other = "--data_path=file" if word.startswith("--vix") else "--vix_path=~/here.csv"
        ended = launch("--data_source=csv", word, other, trains=True)
        assert f"launch.py: {folder / 'here.csv'}: no such file" in ended.err
    assert market.main(["inspect", "--data_source=csv", "--data_path=~/here.csv"]) == 2
    assert market.main(["inspect-vix", "--vix_path=~/folder"]) == 2
    told = launch("--version").err.splitlines()
    assert told == [
        f"error: {folder / 'here.csv'}: no such file: check the path",
        f"error: {folder / 'folder'}: is a folder: name one file in it",
    ]


def test_three_launches_in_one_second_have_directories_of_their_own(launch):  # noqa: F811
    names = {str(launch().trained[0][1]) for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"runs/tune2-\d{8}-\d{6}-\d{6}", name) for name in names)


def test_help_and_version_only_say_something(launch):  # noqa: F811
    for line, words in {"--version": "momentum_jax 0.", "--help": "--learning_rate", "-h": "--num_seeds"}.items():
        ended = launch(line)
        assert (ended.code, ended.err, ended.trained) == (0, "", []) and words in ended.out


def test_a_flag_file_is_read_like_the_command_line(launch, folder):  # noqa: F811
    (folder / "flags").write_text("--num-seeds=5\n# a comment\n--ent-coef=0.2\n")
    config = launch("--flagfile=flags", "--num_seeds=6").trained[0][0]
    assert (config.num_seeds, config.arms[0].ppo.ent_coef) == (6, 0.2)
    (folder / "flags").write_text("--slurm_nodes=5\n")
    ended = launch("--flagfile=flags", "--slurm=job")
    assert "#SBATCH --nodes=5" in (folder / "job").read_text()
    assert "flagfile" not in (folder / "job").read_text()
    assert ended.code == 0


@pytest.mark.parametrize("words", [["--slurm_directives=--cpus-per-gpu=4"], ["--slurm-directives", "--cpus-per-gpu=4"]])
def test_directives_of_slurm_keep_their_dashes(launch, folder, words):  # noqa: F811
    ended = launch("--slurm=odd name", *words)
    assert ended.out == f"written: sbatch '{folder / 'odd name'}'\n"
    assert "#SBATCH --cpus-per-gpu=4\n" in (folder / "odd name").read_text()


def test_the_folder_of_a_study_is_no_run(launch, folder):  # noqa: F811
    launch("--study=early_dip", "--run_dir=studied", "--parts=dose")
    ended = launch("--resume", "--run_dir=studied")
    assert ended.code == 2 and "studied is the folder of a study: start it again with --study" in ended.err


def test_a_file_without_an_experiment_is_named(launch, folder, monkeypatch):  # noqa: F811
    import experiments

    (folder / "experiments").mkdir()
    (folder / "experiments" / "hollow_file.py").write_text("ARM = 1\n")
    monkeypatch.setattr(experiments, "__path__", [*experiments.__path__, str(folder / "experiments")])
    for flag in ("--experiment", "--study"):
        ended = launch(f"{flag}=hollow_file", "--run_dir=x")
        assert ended.code == 2 and re.search(r"hollow_file\.py defines neither EXPERIMENT.* nor STUDY", ended.err)


def test_a_run_directory_in_use_is_said_to_be_so(launch, folder):  # noqa: F811
    config = launch().trained[0][0]
    run_directory.create_run(folder / "run", config.to_json() | {"data": {}})
    with run_directory.locked(folder / "run"):
        ended = launch("--run_dir=run", trains=True)
    assert ended.code == 2 and "in use by pid" in ended.err
    assert "exists already; choose another name or add --resume" in launch("--run_dir=run", trains=True).err
