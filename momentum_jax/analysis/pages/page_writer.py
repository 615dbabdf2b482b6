"""The pages of a study: every table, figure and number made from its condensed runs and put into its templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from momentum_jax.analysis.figures import save_figure
from momentum_jax.analysis.pages.condensed import write_condensed
from momentum_jax.analysis.pages.page_declaration import StudyPage, check_declaration, check_references
from momentum_jax.analysis.pages.page_templates import SUFFIX, Fragments, fill
from momentum_jax.analysis.pages.quoting import Quotable, quotable
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
        raise ConfigError(f"whose page it is cannot be told: {found}: give --study, or --condense FOLDER")
    return names[0]


def markets_of(page: Path) -> list[Path]:
    """The folders of a page's condensed runs, one for each market."""
    return sorted(path for path in (page / DATA_NAME).glob("*") if path.is_dir())


def condense_study(folder: Path, page: Path, study: StudyPage) -> list[str]:
    """Condenses every finished part of a study's folder into ``data/<folder's name>/`` of the page.

    Args:
        folder: where `--study` put its run directories.
        page: the page's folder.
        study: whose page it is.

    Returns:
        One line per part: condensed, or why not.

    Raises:
        RunDirectoryError: the folder is not a study's, or a run cannot be read.
        ConfigError: it is another study's.
    """
    check_declaration(folder, study)
    target = page / DATA_NAME / folder.name
    write_atomic(target / DECLARATION_NAME, (folder / DECLARATION_NAME).read_bytes())
    lines = []
    for run_dir in sorted(path for path in folder.iterdir() if path.is_dir()):
        if not is_finished(run_dir):
            lines.append(f"{run_dir}: not finished, left out")
            continue
        path = target / f"{run_dir.name}.npz"
        write_condensed(load_run(run_dir), run_dir, path)
        lines.append(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    return lines


def write_pages(page: Path, study: StudyPage, partial: bool = False) -> list[Path]:
    """Makes every figure and table anew from ``data/`` and fills every template.

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
    for folder in markets_of(page):
        check_declaration(folder, study)
    markets = {folder.name: _of_market(Market(folder), page, study, partial) for folder in markets_of(page)}
    absent = Fragments(
        market="",
        tables=dict.fromkeys(study.tables),
        figures=dict.fromkeys(study.figures),
        numbers={},
        partial=partial,
    )
    pages = []
    for template in templates:
        text = fill(template, markets, absent)
        pages.append(page / template.name.replace(SUFFIX, ".md"))
        write_atomic(pages[-1], text.encode())
    return pages


def _of_market(market: Market, page: Path, study: StudyPage, partial: bool) -> Fragments:
    check_references(market, study)
    tables, numbers = _tables(market, page, study)
    figures = {name: _drawn(name, market, page, study) for name in study.figures}
    return Fragments(market=market.name, tables=tables, figures=figures, numbers=numbers, partial=partial)


def _tables(market: Market, page: Path, study: StudyPage) -> tuple[Mapping[str, str | None], Mapping[str, Quotable]]:
    """Every table as Markdown, None where it is empty, and the numbers of those that are not."""
    texts: dict[str, str | None] = {}
    numbers: dict[str, Quotable] = {}
    for name in study.tables:
        table = study.table(name, market)
        texts[name] = None if table.empty else markdown_table(table)
        if table.empty:
            continue
        write_atomic(page / "tables" / market.name / f"{name}.csv", table.to_csv(index=False).encode())
        numbers[name] = quotable(without_few_seeds(table), study.keys.get(name, [str(table.columns[0])]))
    return texts, numbers


def _drawn(name: str, market: Market, page: Path, study: StudyPage) -> str | None:
    """A figure, written and put in as Markdown; None where there is none."""
    figure = study.figure(name, market)
    if figure is None:
        return None
    stem = Path("figures") / market.name / name
    save_figure(figure, page / stem)
    caption = (study.figures[name].__doc__ or name).splitlines()[0].rstrip(".")
    return f"![{market.name}: {caption}]({stem.as_posix()}.png)"
