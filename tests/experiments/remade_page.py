"""A study's page made again from its condensed data, against the page that is committed."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pandas as pd

from momentum_jax.cli import study_command


def assert_as_written(text: str, path: Path) -> None:
    """The same table but for the last digits: resampling sums in single precision, which follows the processor."""
    tables = (pd.read_csv(source) for source in (io.StringIO(text), path))
    pd.testing.assert_frame_equal(*tables, rtol=1e-6, atol=1e-6)


def assert_remade_to_the_same(page: Path, folder: Path) -> None:
    """The same files; Markdown to the byte, tables as `assert_as_written` says. `folder` is an empty one."""
    copy = shutil.copytree(page, folder / "page")
    for made_again in ("tables", "figures"):
        shutil.rmtree(copy / made_again)
    assert study_command.main([str(copy)]) == 0
    made = sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file())
    assert made == sorted(path.relative_to(page) for path in page.rglob("*") if path.is_file())
    for path in (path for path in made if path.suffix == ".csv"):
        assert_as_written((copy / path).read_text(), page / path)
    for path in (path for path in made if path.suffix == ".md"):
        assert (copy / path).read_bytes() == (page / path).read_bytes(), path
