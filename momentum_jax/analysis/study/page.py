"""The pages of a study: templates' prose with every table, figure and number put in from the condensed runs.

``README.template.md`` becomes ``README.md``, and so do others. A mark is ``{{market/kind/name}}``:
``{{spy/table/causes}}``, ``{{spy/figure/dose}}``, or for prose ``{{spy/number/depths.depth.tune2}}``, a number of a
table with its interval, ``36.8 [35.9, 37.7]``, and ``{{spy/number/declared.claim_verdict.dip}}``, a verdict. What was
not run becomes the words *not run*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from momentum_jax.analysis.figures import save_figure
from momentum_jax.analysis.report.formatting import format_ranges, triples, without_few_seeds
from momentum_jax.analysis.report.rendering import markdown_table
from momentum_jax.analysis.study import comparisons, figures, judgements, prospects, tables
from momentum_jax.analysis.study.condensed import write_condensed
from momentum_jax.analysis.study.market import Market, check_parts
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import is_finished, load_run, write_atomic
from momentum_jax.run_directory.joining import ComparisonError
from momentum_jax.study import DECLARATION_NAME

TEMPLATE_SUFFIX, DATA_NAME = ".template.md", "data"
TABLES: dict[str, Callable[[Market], pd.DataFrame]] = {
    "published": judgements.published,
    "published_summary": judgements.published_summary,
    "claims": judgements.claims,
    "declared": judgements.declared,
    "depths": tables.depths,
    "causes": comparisons.causes,
    "undecided": comparisons.undecided,
    "rest": comparisons.rest,
    "doses": comparisons.doses,
    "dose_trends": comparisons.dose_trends,
    "elsewhere": comparisons.elsewhere,
    "controls": tables.controls,
    "mechanism": tables.mechanism,
    "setups": tables.setups,
    "noise": tables.noise,
    "streams": tables.streams,
    "foretelling": prospects.foretelling,
    "features": prospects.features,
    "power": prospects.power,
    "runs": tables.runs,
}
_MARK = re.compile(r"\{\{([\w.+-]+)/(table|figure|number)/([^{}/]+)\}\}")
_NOT_RUN = "*not run*"
# Tables whose every interval and verdict can be quoted in prose as `<table>.<column>.<key>`.
_QUOTED = {
    "depths": ("part", "arm"),
    "causes": ("part", "arm"),
    "rest": ("part", "arm"),
    "controls": ("control",),
    "streams": ("part", "stream"),
    "doses": ("trim", "ent_coef"),
    "dose_trends": ("trim",),
    "elsewhere": ("part",),
    "mechanism": ("arm", "to_step"),
    "setups": ("arm",),
    "foretelling": ("arm", "outcome", "known_at_step"),
    "claims": ("claim", "number"),
    "declared": ("claim", "number"),
}
_QUOTED_TEXT = ("claim_verdict",)


def condense_study(folder: Path, page: Path) -> list[str]:
    """Condenses every finished part of a study's folder into ``data/<folder's name>/`` of the page.

    Args:
        folder: where `--study` put its run directories.
        page: the page's folder.

    Returns:
        One line per part: condensed, or why not.

    Raises:
        ConfigError: pages have no tables for the study's parts.
    """
    target = page / DATA_NAME / folder.name
    check_parts(json.loads((folder / DECLARATION_NAME).read_text(encoding="utf-8")), folder / DECLARATION_NAME)
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


def write_pages(folder: Path, partial: bool = False) -> list[Path]:
    """Makes every figure and table anew from ``data/`` and fills every template of the folder.

    Besides the pages there is ``tables/<market>/<name>.csv`` of every table.

    Args:
        folder: the page's folder.
        partial: numbers that a market's tables do not have become *not run* too, while some of its parts still run.

    Returns:
        The pages.

    Raises:
        RunDirectoryError: the data are missing or damaged.
        ConfigError: there is no template, or one has a mark that nothing fills.
    """
    templates = sorted(folder.glob(f"*{TEMPLATE_SUFFIX}"))
    if not templates:
        raise ConfigError(f"{folder}: no README{TEMPLATE_SUFFIX} to fill, so it is not a study's page")
    fragments: dict[tuple[str, str, str], str] = {}
    for path in sorted(path for path in (folder / DATA_NAME).glob("*") if path.is_dir()):
        fragments |= _of_market(Market(path), folder)
    pages = []
    for template in templates:
        text = _filled(template, fragments, partial)
        pages.append(template.with_name(template.name.replace(TEMPLATE_SUFFIX, ".md")))
        write_atomic(pages[-1], text.encode())
    return pages


def _of_market(market: Market, page: Path) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for name, make in TABLES.items():
        try:
            table = make(market)
        except ComparisonError as error:
            raise ComparisonError(f"{market.name}, table {name}: {error}") from error
        if table.empty:
            continue
        found[market.name, "table", name] = markdown_table(table)
        write_atomic(page / "tables" / market.name / f"{name}.csv", table.to_csv(index=False).encode())
        for key, text in numbers_of(without_few_seeds(table), _QUOTED.get(name, ())).items():
            found[market.name, "number", f"{name}.{key}"] = text
    for name, draw in figures.ALL.items():
        figure = draw(market)
        if figure is not None:
            stem = Path("figures") / market.name / name
            save_figure(figure, page / stem)
            caption = (draw.__doc__ or name).splitlines()[0].rstrip(".")
            found[market.name, "figure", name] = f"![{market.name}: {caption}]({stem.as_posix()}.png)"
    return found


def numbers_of(table: pd.DataFrame, keys: Sequence[str]) -> dict[str, str]:
    """What prose may quote of a table, ``<column>.<key of the row>``: numbers with their intervals, and verdicts.

    A number whose row has a flag is followed by it. A row's key is its key columns joined by dashes. The last of them
    alone will do, and so will all but the last; where
    that repeats it names the first such row: ``depth.tune2``, ``depth.calm-tune2``.
    """
    found: dict[str, str] = {}
    if not keys:
        return found
    columns = {name: [str(text) for text in table[name]] for name in _QUOTED_TEXT if name in table}
    flags = [f" ({flag})" if flag else "" for flag in table.get("flag", [""] * len(table))]
    for name, low, high in triples(table):
        ranges = format_ranges(table[name], table[low], table[high])
        columns[name] = [text + flag for text, flag in zip(ranges, flags, strict=True)]
    for name, texts in columns.items():
        for row, text in zip(table.to_dict("records"), texts, strict=True):
            parts = [str(row[key]) for key in keys]
            found[f"{name}.{'-'.join(parts)}"] = text
            for short in (parts[-1], "-".join(parts[:-1])):
                found.setdefault(f"{name}.{short}", text)
    return found


def _filled(path: Path, fragments: dict[tuple[str, str, str], str], partial: bool) -> str:
    numbered = {(market, name.split(".")[0]) for market, kind, name in fragments if kind == "number"}
    choices = {"table": list(TABLES), "figure": list(figures.ALL), "number": list(_QUOTED)}

    def fill(mark: re.Match[str]) -> str:
        market, kind, name = mark.groups()
        subject = name.split(".")[0] if kind == "number" else name
        if subject not in choices[kind]:
            raise ConfigError(f"{path.name}: {mark[0]} is unknown, choose a {kind} from {', '.join(choices[kind])}")
        found = fragments.get((market, kind, name))
        if found is None and (market, subject) in numbered and not partial:
            raise ConfigError(
                f"{path.name}: {mark[0]} is not in tables/{market}/{subject}.csv: correct it, "
                "or give --partial while parts of the study have not been run"
            )
        return found or _NOT_RUN

    return _MARK.sub(fill, path.read_text(encoding="utf-8"))
