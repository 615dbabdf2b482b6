"""A page's templates: prose with tables, figures and numbers put in, `README.template.md` for `README.md`.

    {{ spy.table("causes") }}                     the table
    {{ spy.figure("story") }}                     the figure
    {{ spy.number("depths.depth.usual") }}        a number of a table: table, column and row
    {{ market("my-bars").table("causes") }}       where a market's name is no name of a variable
    {{ second.spy.table("causes") }}              of a further study that the page reports, by that study's name

What was not run becomes the words *not run*.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
import jinja2.meta

from momentum_jax.analysis.pages.quoting import Quotable
from momentum_jax.fields import ConfigError, nearest

SUFFIX = ".template.md"
_NOT_RUN = "*not run*"
_PARTIAL = "or give --partial while parts of the study have not been run"
_MOST_NAMES = 40  # in one message


@dataclass(frozen=True, kw_only=True)
class Fragments:
    """What a template may put in of one market.

    Attributes:
        market: its name, behind that of a further study: `second/spy`.
        tables: Markdown by name, None of what was not run.
        figures: Markdown by name, likewise.
        numbers: of each table.
        partial: numbers that are not there are *not run*, too.
    """

    market: str
    tables: Mapping[str, str | None]
    figures: Mapping[str, str | None]
    numbers: Mapping[str, Quotable]
    partial: bool = False

    def table(self, name: str) -> str:
        """A table, or that it was not run. Raises ConfigError where there is none of that name; so do the others."""
        return _known("table", name, self.tables) or _NOT_RUN

    def figure(self, name: str) -> str:
        """A figure, likewise."""
        return _known("figure", name, self.figures) or _NOT_RUN

    def number(self, name: str) -> str:
        """``table.column.row``, a number with its interval or a verdict."""
        table, _, rest = name.partition(".")
        if _known("table", table, self.tables) is None:
            return _NOT_RUN
        columns = self.numbers[table]
        column = max((column for column in columns if rest.startswith(f"{column}.")), key=len, default="")
        row = rest.removeprefix(f"{column}.")
        if column and row in columns[column]:
            return columns[column][row]
        if self.partial:
            return _NOT_RUN
        place = f"tables/{self.market}/{table}.csv"
        if not columns:
            raise ConfigError(f"{place} has neither a number with two ends nor a verdict to quote, {_PARTIAL}")
        if not column:
            wanted = rest.partition(".")[0]
            raise ConfigError(f"{place} has no column {wanted!r} to quote: {_choose(wanted, columns)}, {_PARTIAL}")
        raise ConfigError(f"{place} has no row {row!r}: {_choose(row, columns[column])}, {_PARTIAL}")


class FurtherStudy:
    """The markets of a further study, as attributes. Without any its study has not been run at all yet."""

    def __init__(self, name: str, markets: Mapping[str, Fragments], absent: Fragments) -> None:
        self._name, self._markets, self._absent = name, markets, absent

    def __getattr__(self, market: str) -> Fragments:
        if self._markets and not self._absent.partial and market not in self._markets:
            raise ConfigError(_no_market(market, self._markets, f"{self._name}."))
        return self._markets.get(market, self._absent)


def _known(kind: str, name: str, found: Mapping[str, str | None]) -> str | None:
    if name not in found:
        raise ConfigError(f"{kind} {name!r} is unknown: {_choose(name, found)}")
    return found[name]


def _choose(name: str, choices: Iterable[str]) -> str:
    names = [choice for choice in choices if choice]
    more = ", …" if len(names) > _MOST_NAMES else ""
    return f"choose one of {', '.join(names[:_MOST_NAMES])}{more}{nearest(name, names)}"


def fill(
    path: Path, markets: Mapping[str, Fragments], absent: Fragments, further: Mapping[str, FurtherStudy] | None = None
) -> str:
    """A template filled in.

    Args:
        path: of the template.
        markets: fragments by the name of the market.
        absent: those of a market that was not run, which stand in for any other name where they are `partial`.
        further: other studies that the page reports, by name.

    Raises:
        ConfigError: a mistake in the template, in one line with its place.
    """
    # Markdown has nothing to escape: tables see to the bars in their cells.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        undefined=_undefined(markets),
        autoescape=False,
        keep_trailing_newline=True,
    )
    environment.globals = {"market": lambda name: _market(name, markets, absent)}
    try:
        names = jinja2.meta.find_undeclared_variables(environment.parse(path.read_text(encoding="utf-8")))
        standing_in = dict.fromkeys(names - {"market"}, absent) if absent.partial else {}
        return environment.get_template(path.name).render(standing_in | dict(markets) | dict(further or {}))
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"{path.name}, line {error.lineno}: {error.message}") from None
    except Exception as error:
        kind = "" if isinstance(error, ConfigError | jinja2.UndefinedError) else f"{type(error).__name__}: "
        raise ConfigError(f"{path.name}{_line(path, error)}: {kind}{error}") from error


def _market(name: str, markets: Mapping[str, Fragments], absent: Fragments) -> Fragments:
    if name not in markets and not absent.partial:
        raise ConfigError(_no_market(name, markets))
    return markets.get(name, absent)


def _undefined(markets: Mapping[str, Fragments]) -> type[jinja2.StrictUndefined]:
    """What stands for a name that a template may not use; whatever is done with it says so."""

    class Undefined(jinja2.StrictUndefined):
        @property
        def _undefined_message(self) -> str:
            if isinstance(self._undefined_obj, Fragments):
                return f"a market has no {self._undefined_name!r}: choose one of table, figure, number"
            return _no_market(str(self._undefined_name), markets)

    return Undefined


def _no_market(name: str, markets: Mapping[str, Fragments], front: str = "") -> str:
    example = front + min(markets, default="spy")
    return (
        f"{front + name!r} is no market of data/: there are {', '.join(markets) or 'none'} "
        f'(a table is put in by {{{{ {example}.table("NAME") }}}}), {_PARTIAL}'
    )


def _line(path: Path, error: Exception) -> str:
    """Where in the template an error came up."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""
