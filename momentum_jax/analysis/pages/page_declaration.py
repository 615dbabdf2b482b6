"""What a study declares of its page: tables and figures by name, in its folder's `page.py` or in the study's own file.

TABLES = {"depths": depths}      # name -> function(market) -> DataFrame, empty where a part was not run
FIGURES = {"seeds": seeds}       # name -> function(market) -> Figure, or None; its docstring is the caption
KEYS = {"depths": ("arm",)}      # columns that name a row where prose quotes the table; the first if not given
REFERENCES = {"main": "usual"}   # part -> arm that tables compare with, so that no page is made without it
ALSO = ("second",)               # further studies that the page reports, as --study names them; a path is from here
KEEP = keep                      # function(run's dataset) -> Dataset [arm, seed, checkpoint] that data/ keeps of it
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from momentum_jax.analysis.pages.condensed import Keep
from momentum_jax.analysis.pages.study_market import Market, declared_parts, read_declaration
from momentum_jax.config.experiment_file import is_file_name, shipped
from momentum_jax.fields import ConfigError
from momentum_jax.processes.python_file import in_one_line
from momentum_jax.run_directory import RunDirectoryError
from momentum_jax.run_directory.joining import ComparisonError
from momentum_jax.study import DECLARATION_NAME, Study, part_name

MakeTable = Callable[[Market], pd.DataFrame]
DrawFigure = Callable[[Market], Figure | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyPage:
    """A study's page, as its module declares it.

    Attributes:
        study: the study.
        folder: where its module lies, and templates that are its own.
        tables: functions by name.
        figures: functions by name.
        keys: columns that name a row, by table.
        references: arm by part.
        also: pages of further studies by the study's name, whose tables and figures this one takes too.
        keep: what is kept of a run; None for `condensed`'s own list.
    """

    study: Study
    folder: Path
    tables: Mapping[str, MakeTable]
    figures: Mapping[str, DrawFigure]
    keys: Mapping[str, Sequence[str]]
    references: Mapping[str, str]
    also: Mapping[str, StudyPage] = dataclasses.field(default_factory=dict)
    keep: Keep | None = None

    def table(self, name: str, market: Market) -> pd.DataFrame:
        """A table of one market, its index as the first columns.

        Raises:
            ConfigError: the study's function fails or returns something else, in one line.
            ComparisonError: it sets runs side by side that cannot be.
        """
        table = self._call(self.tables[name], market, f"table {name}")
        if not isinstance(table, pd.DataFrame):
            raise ConfigError(
                f"{self.folder}: TABLES[{name!r}] returns {type(table).__name__}, expected a pandas DataFrame"
            )
        return table.reset_index() if any(level is not None for level in table.index.names) else table

    def figure(self, name: str, market: Market) -> Figure | None:
        """A figure of one market; raises as `table` does."""
        figure = self._call(self.figures[name], market, f"figure {name}")
        if figure is not None and not isinstance(figure, Figure):
            found = type(figure).__name__
            raise ConfigError(f"{self.folder}: FIGURES[{name!r}] returns {found}, expected a matplotlib Figure or None")
        return figure

    def _call(self, function: Callable[[Market], Any], market: Market, what: str) -> Any:
        front = f"{market.name}, {what}"
        try:
            return in_one_line(lambda: function(market), front, self.folder)
        except ConfigError as error:
            if isinstance(error.__cause__, ComparisonError):
                raise ComparisonError(f"{front}: {error.__cause__}") from error
            raise


def load_study_page(name: str) -> StudyPage:
    """The page of a study by the study's name, or that of its file or folder.

    Raises:
        ConfigError: there is no such study, or it declares no page; so of a study that it reports too.
    """
    study, module = shipped().load_page(name)
    assert module.__file__ is not None
    found = {kind: getattr(module, kind, {}) for kind in ("TABLES", "FIGURES", "KEYS", "REFERENCES")}
    if not found["TABLES"] and not found["FIGURES"]:
        raise ConfigError(
            f"{module.__file__} has neither TABLES nor FIGURES, so study {study.name!r} has no page: "
            "see docs/studies/README.md"
        )
    _check(module, found)
    return StudyPage(
        study=study,
        folder=Path(module.__file__).parent,
        tables=found["TABLES"],
        figures=found["FIGURES"],
        keys=found["KEYS"],
        references=found["REFERENCES"],
        also={page.study.name: page for page in map(load_study_page, _further(module))},
        keep=getattr(module, "KEEP", None),
    )


def _further(module: ModuleType) -> list[str]:
    """What `ALSO` names, paths from the study's folder on."""
    assert module.__file__ is not None
    folder = Path(module.__file__).parent
    return [str(folder / name) if is_file_name(name) else name for name in getattr(module, "ALSO", ())]


def _check(module: ModuleType, found: Mapping[str, Mapping[str, Any]]) -> None:
    for kind in ("TABLES", "FIGURES"):
        wrong = [name for name, function in found[kind].items() if not callable(function)]
        if wrong:
            raise ConfigError(f"{module.__file__}: {kind}[{wrong[0]!r}] is no function of a market")
    unknown = [name for name in found["KEYS"] if name not in found["TABLES"]]
    if unknown:
        raise ConfigError(f"{module.__file__}: KEYS names {unknown[0]!r}, which is not among TABLES")


def check_declaration(folder: Path, page: StudyPage) -> None:
    """Refuse the folder of another study, or of another form of this one: *not run* would be said of what was run.

    Args:
        folder: of a study's runs, or of condensed ones.
        page: what is to be made of it.

    Raises:
        RunDirectoryError: there is no declaration.
        ConfigError: naming what is missing, and what the study does not have.
    """
    declaration, study = read_declaration(folder), page.study
    path, name = folder / DECLARATION_NAME, declaration["name"]
    if name != study.name:
        raise ConfigError(f"{path} is of study {name!r}, and the page of {study.name!r}: give its own --study")
    parts, known = declared_parts(declaration), [part_name(part) for part in study.parts]
    missing = [part for part in page.references if part not in parts]
    unread = [part for part in parts if part not in known]
    wrong = [f"it has no part {', '.join(missing)}, which tables compare with"] if missing else []
    wrong += [f"study {name!r} has no part {', '.join(unread)}, only {', '.join(known)}"] if unread else []
    if wrong:
        raise ConfigError(f"{path} declares another form of study {name!r}: {'; '.join(wrong)}")


def check_references(market: Market, page: StudyPage) -> None:
    """Raises RunDirectoryError where a part that was run lacks the arm that tables compare with."""
    for part, arm in page.references.items():
        found = market.parts[part]["arm"].values.tolist() if part in market.parts else [arm]
        if arm not in found:
            raise RunDirectoryError(
                f"{market.name}/{part}.npz: no arm {arm!r}, which tables compare with, among {', '.join(found)}"
            )
