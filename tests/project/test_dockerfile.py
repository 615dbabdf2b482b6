"""The Dockerfile, without Docker: what it copies is there and suffices, what it installs is what is declared."""

from __future__ import annotations

import fnmatch
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions() -> list[tuple[str, str]]:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]


def values(name: str) -> list[str]:
    return [value for found, value in instructions() if found == name]


def copied() -> list[tuple[str, str]]:
    """(source, folder or file that it becomes) of every COPY."""
    found = []
    for value in values("COPY"):
        *sources, target = value.split()
        found += [
            (source, f"{target}{source.split('/')[-1]}" if target.endswith("/") else target) for source in sources
        ]
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The working folder of the image, as far as it is copied."""
    folder = tmp_path_factory.mktemp("image")
    for source, target in copied():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, path, ignore=shutil.ignore_patterns("__pycache__", "results"))
        else:
            shutil.copy(ROOT / source, path)
    return folder


def test_its_python_is_one_that_the_project_supports():
    (base,) = values("FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim-\w+", base)
    assert version and version.group(1) in SpecifierSet(PROJECT["requires-python"])


def test_it_installs_the_project_with_an_extra_that_is_declared_and_that_jax_has():
    (command,) = (value for value in values("RUN") if "pip install" in value)
    assert '".[cuda]"' in command
    (jax,) = (Requirement(line) for line in PROJECT["optional-dependencies"]["cuda"])
    (plain,) = (Requirement(line) for line in PROJECT["dependencies"] if line.startswith("jax"))
    assert jax.name == plain.name == "jax" and jax.specifier == plain.specifier
    assert jax.extras <= set(importlib.metadata.metadata("jax").get_all("Provides-Extra"))


def test_nothing_that_it_copies_is_ignored():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert len(copied()) >= 9
    for source, _ in copied():
        assert (ROOT / source).exists(), source
        assert not any(fnmatch.fnmatch(source, pattern) for pattern in ignored), source
    assert {PROJECT["readme"], "setup.py", "pyproject.toml"} <= {target.removeprefix("./") for _, target in copied()}


def test_it_trains_as_a_user_without_rights():
    names = [name for name, _ in instructions()]
    assert names[-2:] == ["USER", "ENTRYPOINT"] and values("USER") != ["root"]
    assert json.loads(values("ENTRYPOINT")[0]) == ["python", "launch.py"]


@pytest.mark.parametrize("arguments", [["launch.py", "--help"], ["-m", "benchmarks.accelerator", "--parts=x"]])
def test_what_it_copies_suffices(image, arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=image, capture_output=True, text=True)
    assert "tune2" in done.stdout or "--parts names 'x'" in done.stderr, done.stderr
    assert str(ROOT) not in done.stderr
