"""The page of a study: `python -m momentum_jax.study_page docs/studies/early_dip`; see --help. Imports no jax."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from momentum_jax.analysis.study.page import condense_study, write_pages
from momentum_jax.fields import ConfigError
from momentum_jax.processes.paths import user_path
from momentum_jax.run_directory import RunDirectoryError

REFUSALS = (RunDirectoryError, ConfigError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 with one line on stderr that names what was refused."""
    options = _parser().parse_args(arguments)
    try:
        for folder in options.condense:
            for line in condense_study(folder, options.page):
                print(line)
        for path in write_pages(options.page, options.partial):
            print(f"page: {path}")
    except REFUSALS as error:
        print(f"momentum_jax.study_page: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m momentum_jax.study_page",
        description="Makes every figure, table and number of a study's page from its condensed runs, without training.",
    )
    parser.add_argument(
        "page", type=user_path, metavar="PAGE", help="the page's folder, with README.template.md and data/"
    )
    parser.add_argument(
        "--condense", nargs="+", default=[], type=user_path, metavar="FOLDER",
        help="first condense the finished parts of these folders of --study, one per market",
    )  # fmt: skip
    parser.add_argument(
        "--partial", action="store_true",
        help="numbers that the tables lack become 'not run', while parts of the study have not been run",
    )  # fmt: skip
    return parser
