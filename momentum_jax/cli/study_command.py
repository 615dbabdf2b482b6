"""The page of a study: `python -m momentum_jax.study_page docs/studies/NAME`; see --help. Imports no jax."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from momentum_jax.analysis.pages.page_declaration import load_study_page
from momentum_jax.analysis.pages.page_writer import condense_study, markets_of, study_named_by, write_pages
from momentum_jax.config.experiment_file import shipped
from momentum_jax.fields import ConfigError
from momentum_jax.processes.paths import user_path
from momentum_jax.run_directory import RunDirectoryError

REFUSALS = (RunDirectoryError, ConfigError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 with one line on stderr that names what was refused."""
    options = _parser().parse_args(arguments)
    try:
        study = load_study_page(options.study or _study_of(options.page, options.condense))
        for folder in options.condense:
            for line in condense_study(folder, options.page, study, options.unfinished):
                print(line)
        for path in write_pages(options.page, study, options.partial):
            print(f"page: {path}")
    except REFUSALS as error:
        print(f"momentum_jax.study_page: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _study_of(page: Path, condensed_first: Sequence[Path]) -> str:
    """The study itself where the page's folder is one, else the study that its data are of."""
    if (page / "__init__.py").is_file():
        return str(page.absolute())
    name, shipped_names = study_named_by(markets_of(page) or list(condensed_first)), shipped().names()
    if name not in shipped_names:
        raise ConfigError(
            f"{page} is of study {name!r}, and none is shipped under that name: give --study=FOLDER of it"
        )
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m momentum_jax.study_page",
        description="Makes every figure, table and number of a study's page from its condensed runs, without training.",
    )
    parser.add_argument(
        "page", type=user_path, metavar="PAGE", help="the page's folder, with data/; pages are written into it"
    )
    parser.add_argument(
        "--condense", nargs="+", default=[], type=user_path, metavar="FOLDER",
        help="first condense the finished parts of these folders of --study, or of a study that its page also reports",
    )  # fmt: skip
    parser.add_argument(
        "--study", metavar="STUDY",
        help="whose page it is: a name, a folder or a file (default: PAGE itself where it is a study's folder, else "
        "the study that data/ is of)",
    )  # fmt: skip
    parser.add_argument(
        "--unfinished", action="store_true",
        help="also condense parts that have not finished, up to their last checkpoint",
    )  # fmt: skip
    parser.add_argument(
        "--partial", action="store_true",
        help="markets and numbers that are not there become 'not run', while parts of the study have not been run",
    )  # fmt: skip
    return parser
