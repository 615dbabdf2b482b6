"""Command lines carried out in this process, up to the training itself: what is printed, written and returned."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

import experiments
from momentum_jax.cli import launching
from momentum_jax.training import runner
from tests.conftest import ROOT


class Ended(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str
    trained: list[tuple[Any, Path, bool]]  # what `runner.train` was asked for


class Launcher:
    """Carries command lines out; training is only noted unless `trains`, and reports only written if `reports`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *words: str, trains: bool = False, reports: bool = False) -> Ended:
        trained: list[tuple[Any, Path, bool]] = []

        def note(config: Any, run_dir: Path, say: Any = None, *, resume: bool = False, **others: Any) -> None:
            trained.append((config, run_dir, resume))

        with self._monkeypatch.context() as patch:
            patch.setattr(
                launching.backend_startup, "start", lambda num_devices, run_dir: None
            )  # it is started already
            if not trains:
                patch.setattr(runner, "train", note)
                patch.setattr(launching, "_check_healthy", lambda run_dirs: None)  # there are no runs to look at
            if not reports:
                patch.setattr(launching, "_report", lambda run_dir: None)
            code: Any = 0
            try:
                launching.launch(["launch.py", *words], experiments, ROOT / "launch.py")
            except SystemExit as ended:
                code = ended.code
        return Ended(code or 0, *self._capsys.readouterr(), trained)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Launcher:
    """Command lines in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Launcher(monkeypatch, capsys)
