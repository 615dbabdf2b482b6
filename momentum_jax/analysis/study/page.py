"""The page of a study: a template's prose with every table, figure and number put in from the condensed runs.

A mark in the template is ``{{market/kind/name}}``: ``{{spy/table/causes}}``, ``{{spy/figure/dose}}`` or a number for
prose, ``{{spy/number/depth.tune2}}``, which comes with its interval: ``36.8 [35.9-37.7]``. Tables and figures of a
market or a part that was not run, and numbers of a market that was not, become the words *not run*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from momentum_jax.analysis.figures import save_figure
from momentum_jax.analysis.formatting import format_range, markdown_table
from momentum_jax.analysis.joining import ComparisonError
from momentum_jax.analysis.study import figures, judgements, tables
from momentum_jax.analysis.study.condensed import write_condensed
from momentum_jax.analysis.study.market import Market
from momentum_jax.fields import ConfigError
from momentum_jax.store import is_finished, load_run, write_atomic
from momentum_jax.study import DECLARATION_NAME

TEMPLATE_NAME, PAGE_NAME, DATA_NAME = "template.md", "README.md", "data"
TABLES: dict[str, Callable[[Market], pd.DataFrame]] = {
    "published": judgements.published,
    "claims": judgements.claims,
    "declared": judgements.declared,
    "depths": tables.depths,
    "causes": tables.causes,
    "doses": tables.doses,
    "dose_trends": tables.dose_trends,
    "controls": tables.controls,
    "mechanism": tables.mechanism,
    "noise": judgements.noise,
    "streams": tables.streams,
    "foretelling": judgements.foretelling,
    "power": judgements.power,
    "elsewhere": tables.elsewhere,
    "runs": judgements.runs,
}
_MARK = re.compile(r"\{\{([\w.+-]+)/(table|figure|number)/([\w.+-]+)\}\}")
_NOT_RUN = "*not run*"
# Tables whose every interval can be quoted in prose as `<column>.<key>`.
_QUOTED = {
    "depths": ("part", "arm"),
    "causes": ("part", "arm"),
    "controls": ("control",),
    "streams": ("stream",),
    "dose_trends": ("trim",),
    "elsewhere": ("part",),
    "mechanism": ("arm", "to_step"),
    "foretelling": ("arm", "known_at_step"),
}


def condense_study(folder: Path, page: Path) -> list[str]:
    """Condenses every finished part of a study's folder into ``data/<folder's name>/`` of the page.

    Args:
        folder: where `--study` put its run directories.
        page: the page's folder.

    Returns:
        One line per part: condensed, or why not.
    """
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


def write_page(page: Path) -> Path:
    """Makes every figure and table anew from ``data/`` and writes README.md from template.md.

    Besides the page there is ``tables/<market>/<name>.csv`` of every table.

    Raises:
        RunDirectoryError: the data are missing or damaged.
        ConfigError: the template has a mark that nothing fills.
    """
    folders = sorted(path for path in (page / DATA_NAME).glob("*") if path.is_dir())
    fragments: dict[tuple[str, str, str], str] = {}
    for folder in folders:
        fragments |= _of_market(Market(folder), page)
    text = _filled((page / TEMPLATE_NAME).read_text(encoding="utf-8"), fragments)
    write_atomic(page / PAGE_NAME, text.encode())
    return page / PAGE_NAME


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
        for key, text in numbers_of(table, _QUOTED.get(name, ())).items():
            found[market.name, "number", key] = text
    for name, draw in figures.ALL.items():
        figure = draw(market)
        if figure is not None:
            stem = Path("figures") / market.name / name
            save_figure(figure, page / stem)
            caption = (draw.__doc__ or name).splitlines()[0].rstrip(".")
            found[market.name, "figure", name] = f"![{market.name}: {caption}]({stem.as_posix()}.png)"
    return found


def numbers_of(table: pd.DataFrame, keys: Sequence[str]) -> dict[str, str]:
    """Numbers of a table for prose, ``<column>.<key of the row>``, with their intervals where they have them.

    A row's key is the last of its key columns; where that repeats it names the first such row, and all of the key
    columns, joined by dashes, name each: ``depth.tune2``, ``depth.calm-tune2``.
    """
    found: dict[str, str] = {}
    if not keys:
        return found
    middles = [name for name in table.columns if {f"{name}_low", f"{name}_high"} <= set(table.columns)]
    for row in table.to_dict("records"):
        long = "-".join(str(row[key]) for key in keys)
        for name in middles:
            text = format_range(row[name], row[f"{name}_low"], row[f"{name}_high"], 2 if abs(row[name]) < 2 else 1)
            found[f"{name}.{long}"] = text
            found.setdefault(f"{name}.{row[keys[-1]]}", text)
    return found


def _filled(template: str, fragments: dict[tuple[str, str, str], str]) -> str:
    markets = {market for market, _, _ in fragments}

    def fill(mark: re.Match[str]) -> str:
        market, kind, name = mark.groups()
        if kind == "number" and market in markets and tuple(mark.groups()) not in fragments:
            raise ConfigError(f"{TEMPLATE_NAME}: {mark[0]} is not among this market's numbers: see its tables/*.csv")
        known = TABLES if kind == "table" else figures.ALL
        if kind != "number" and name not in known:
            raise ConfigError(f"{TEMPLATE_NAME}: {mark[0]} is unknown, choose a {kind} from {', '.join(known)}")
        return fragments.get((market, kind, name), _NOT_RUN)

    return _MARK.sub(fill, template)
