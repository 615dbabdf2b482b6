"""The pages of a study: every table, figure and number made from its condensed runs and put into its templates."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from momentum_jax.analysis.figures import save_figure
from momentum_jax.analysis.pages.condensed import write_condensed
from momentum_jax.analysis.pages.page_declaration import StudyPage, check_declaration, check_references
from momentum_jax.analysis.pages.page_templates import SUFFIX, Fragments, FurtherStudy, fill
from momentum_jax.analysis.pages.quoting import quotable
from momentum_jax.analysis.pages.study_market import Market, read_declaration
from momentum_jax.analysis.report.formatting import without_few_seeds
from momentum_jax.analysis.report.rendering import markdown_table
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import is_finished, load_run, write_atomic
from momentum_jax.study import DECLARATION_NAME

DATA_NAME = "data"


def study_named_by(folders: list[Path]) -> str:
    """The study whose runs, or condensed runs, these folders hold.

    Raises:
        RunDirectoryError: one of them has no declaration.
        ConfigError: there are none, or they are of several studies.
    """
    names = sorted({str(read_declaration(folder)["name"]) for folder in folders})
    if len(names) != 1:
        found = f"its data are of several studies, {', '.join(names)}" if names else "it has no data/<market> yet"
        raise ConfigError(f"whose page it is, is not known: {found}: give --study, or --condense FOLDER")
    return names[0]


def markets_of(page: Path, further: str = "") -> list[Path]:
    """The folders of a page's condensed runs, one for each market: `data/<market>`.

    Args:
        page: the page's folder.
        further: name of a further study that the page reports, whose are `data/<study>/<market>`.
    """
    folders = [path for path in (page / DATA_NAME / further).glob("*") if path.is_dir()]
    return sorted(folder for folder in folders if not any(folder.glob(f"*/{DECLARATION_NAME}")))


def condense_study(folder: Path, page: Path, study: StudyPage, unfinished: bool = False) -> list[str]:
    """Condenses every finished part of a study's folder into ``data/<folder's name>/`` of the page.

    What belongs to a further study of the page goes into ``data/<study>/<folder's name>/``.

    Args:
        folder: where `--study` put its run directories.
        page: the page's folder.
        study: whose page it is.
        unfinished: also parts that have not finished, up to their last checkpoint.

    Returns:
        One line per part: condensed, or why not.

    Raises:
        RunDirectoryError: the folder is not a study's, or a run cannot be read.
        ConfigError: it is another study's.
    """
    further = study.also.get(str(read_declaration(folder)["name"]))
    own = further or study
    check_declaration(folder, own)
    target = page / DATA_NAME / (further.study.name if further else "") / folder.name
    write_atomic(target / DECLARATION_NAME, (folder / DECLARATION_NAME).read_bytes())
    lines = []
    for run_dir in sorted(path for path in folder.iterdir() if path.is_dir()):
        if not is_finished(run_dir) and not unfinished:
            lines.append(f"{run_dir}: not finished, left out")
            continue
        path = target / f"{run_dir.name}.npz"
        write_condensed(load_run(run_dir), run_dir, path, own.keep)
        lines.append(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    return lines


def write_pages(page: Path, study: StudyPage, partial: bool = False) -> list[Path]:
    """Makes every figure and table from ``data/`` and fills every template.

    Templates are those of the page's folder; where it has none, those of the study's. Besides the pages there is
    ``tables/<market>/<name>.csv`` of every table and ``figures/<market>/<name>.png`` and ``.svg`` of every figure.

    Args:
        page: the page's folder.
        study: whose page it is.
        partial: numbers that a market's tables do not have become *not run* too, while some of its parts still run.

    Returns:
        The pages.

    Raises:
        RunDirectoryError: the data are missing or damaged.
        ConfigError: there is no template, or one has a mistake.
    """
    templates = sorted(page.glob(f"*{SUFFIX}")) or sorted(study.folder.glob(f"*{SUFFIX}"))
    if not templates:
        raise ConfigError(f"no README{SUFFIX} to fill, neither in {page} nor in {study.folder}")
    made = _made_of(page, study)
    of_further = {name: _made_of(page, other, name) for name, other in study.also.items()}
    texts = _filled(templates, study, made, of_further, partial)
    # Nothing is written before everything could be made.
    for market in made:
        market.write(page, study)
    for name, markets in of_further.items():
        for market in markets:
            market.write(page, study.also[name])
    pages = []
    for template, text in texts.items():
        pages.append(page / template.name.replace(SUFFIX, ".md"))
        write_atomic(pages[-1], text.encode())
    return pages


def _filled(
    templates: list[Path], study: StudyPage, made: list[_Made], of_further: dict[str, list[_Made]], partial: bool
) -> dict[Path, str]:
    """Every template's text."""
    absent = _Made("", "", {}, {})
    further = {}
    for name, markets in of_further.items():
        other = study.also[name]
        fragments = {market.name: market.fragments(other, partial) for market in markets}
        further[name] = FurtherStudy(name, fragments, absent.fragments(other, partial))
    own = {market.name: market.fragments(study, partial) for market in made}
    return {template: fill(template, own, absent.fragments(study, partial), further) for template in templates}


def _made_of(page: Path, study: StudyPage, further: str = "") -> list[_Made]:
    """Tables and figures of a study's markets; `further` is the study's name where the page is another's."""
    folders = markets_of(page, further)
    for folder in folders:
        check_declaration(folder, study)
    return [_make(Market(folder), study, further) for folder in folders]


class _Made(NamedTuple):
    """One market's tables and figures, those of what was not run left out."""

    name: str
    place: str  # its folder in `tables/` and `figures/`
    tables: dict[str, pd.DataFrame]
    figures: dict[str, Figure]

    def fragments(self, study: StudyPage, partial: bool) -> Fragments:
        """What templates may put in."""
        tables = {name: markdown_table(table) for name, table in self.tables.items()}
        keys = {name: study.keys.get(name, [str(table.columns[0])]) for name, table in self.tables.items()}
        return Fragments(
            market=self.place,
            tables={name: tables.get(name) for name in study.tables},
            figures={name: self._picture(name, study) for name in study.figures},
            numbers={name: quotable(without_few_seeds(table), keys[name]) for name, table in self.tables.items()},
            partial=partial,
        )

    def _picture(self, name: str, study: StudyPage) -> str | None:
        caption = (study.figures[name].__doc__ or name).splitlines()[0].rstrip(".")
        place = f"figures/{self.place}/{name}.png"
        return f"![{self.name}: {caption}]({place})" if name in self.figures else None

    def write(self, page: Path, study: StudyPage) -> None:
        """Writes every table and figure; those that earlier data had and these do not are removed."""
        tables, figures = page / "tables" / self.place, page / "figures" / self.place
        for name, table in self.tables.items():
            write_atomic(tables / f"{name}.csv", table.to_csv(index=False).encode())
        for name, figure in self.figures.items():
            save_figure(figure, figures / name)
        left_over = [tables / f"{name}.csv" for name in study.tables if name not in self.tables]
        left_over += [
            figures / f"{name}{suffix}"
            for name in study.figures
            if name not in self.figures
            for suffix in (".png", ".svg")
        ]
        for path in left_over:
            path.unlink(missing_ok=True)


def _make(market: Market, study: StudyPage, further: str) -> _Made:
    check_references(market, study)
    tables = {name: study.table(name, market) for name in study.tables}
    figures = {name: study.figure(name, market) for name in study.figures}
    return _Made(
        name=market.name,
        place=f"{further}/{market.name}" if further else market.name,
        tables={name: table for name, table in tables.items() if not table.empty},
        figures={name: figure for name, figure in figures.items() if figure is not None},
    )
