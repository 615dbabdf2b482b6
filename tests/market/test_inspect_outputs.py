"""What `inspect` writes: checked before the work begins, refused in one line."""

import errno
import json
import os
from pathlib import Path

import pytest

from momentum_jax.cli import market_command
from tests.market.advice import inspected
from tests.market.plain_bars import HEADER, rows


@pytest.fixture
def command(write):
    return ["--data_source=csv", f"--data_path={write('bars.csv', [HEADER, *rows()])}", "--symbols=SPY"]


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--json={}/gone/a.json", "no folder"),
        ("--json={}", "is a folder: name a file in it"),
        ("--png={}/gone/a.png", "no folder"),
        ("--png={}", "is a folder: name a file in it"),
        ("--png={}/a.xyz", "is written as PNG: let its name end in .png"),
        ("--png={}/a", "is written as PNG: let its name end in .png"),
        ("--png={}/{{symbol}}/a.png", "no folder"),
        ("--json={}/" + "a" * 300, "cannot be written (File name too long): write elsewhere"),
        ("--json=a\tb", "is no path that can be printed"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    command, tmp_path, capsys, monkeypatch, flag, words
):
    monkeypatch.setattr(market_command, "inspect", lambda _: pytest.fail("began"))
    before = sorted(tmp_path.rglob("*"))
    code, text, error = inspected(capsys, [*command, flag.format(tmp_path)])
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert words in error and sorted(tmp_path.rglob("*")) == before


def test_an_output_where_this_user_may_not_write_is_refused(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    code, _, error = inspected(capsys, [*command, f"--png={tmp_path}/a.png"])
    assert code == 2 and "may not be written by this user: write elsewhere" in error


def test_a_disk_that_is_full_is_said_in_one_line(command, tmp_path, capsys, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    code, _, error = inspected(capsys, [*command, f"--json={tmp_path}/a.json"])
    assert code == 2 and error == "error: the report cannot be written (No space left on device): write it elsewhere\n"


def test_each_symbol_has_a_picture_of_its_own(write, tmp_path, capsys):
    lines = [f"{HEADER},symbol", *(f"{line},{symbol}" for symbol in ("SPY", "QQQ") for line in rows())]
    command = ["--data_source=csv", f"--data_path={write('bars.csv', lines)}", "--symbols=SPY,QQQ"]
    inspected(capsys, [*command, f"--png={tmp_path}/a.png", f"--json={tmp_path}/a.json"])
    inspected(capsys, [*command, f"--png={tmp_path}/{{symbol}}.png"])
    assert {path.name for path in tmp_path.glob("*.png")} == {"a_SPY.png", "a_QQQ.png", "SPY.png", "QQQ.png"}
    assert [report["symbol"] for report in json.loads((tmp_path / "a.json").read_text())] == ["SPY", "QQQ"]
