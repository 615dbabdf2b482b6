"""Tables of which every cell can be traced back to its row in the file."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.market.errors import DataError, UnknownSymbolError
from momentum_jax.market.files.columns import STAMP_COLUMNS, SYMBOL_COLUMNS, wide_columns
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.files.spellings import is_spelling_of
from momentum_jax.market.files.stamps import exchange_stamps

_DATE = r"\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as it was read.

    Attributes:
        path: the file it came from.
        frame: its cells; lower-case column names, indexed by the row's 1-based place in the file. Names may be
            repeated or empty: what nobody needs may be called as it likes.
        form: how the file is written.
        wide: whether a row of the file holds bars of several symbols.
    """

    path: Path
    frame: pd.DataFrame
    form: FileFormat
    wide: bool = False

    @property
    def row_word(self) -> str:
        """What a row's place is called: "line" (CSV, header counted) or "row" (Parquet)."""
        return "line" if self.form.kind == "csv" else "row"

    def row_name(self, position: int) -> str:
        """How a user finds the row at a position of the frame, e.g. "line 57"."""
        return f"{self.row_word} {self.frame.index[position]}"

    def rows(self, chosen: Any) -> "Table":
        """The table with the chosen rows (a mask or positions), which keep their places in the file."""
        return dataclasses.replace(self, frame=self.frame.iloc[chosen])

    def require(self, names: tuple[str, ...]) -> None:
        """Raises DataError, with what was found and what is wanted, unless each column is there, and once."""
        for name in names:
            if name in self.frame.columns:
                self.column(name)
        missing = [name for name in names if name not in self.frame.columns]
        if missing:
            volume = f"declare no{self.form.prefix}_volume if there is none, " if missing == ["volume"] else ""
            raise DataError(
                f"{self.path}: no column {', '.join(missing)}; found {self._found()}; "
                f"wanted {', '.join(names)}: {volume}rename the columns in the first line, or give "
                f"{self.form.prefix}_columns"
            )

    def column(self, name: str) -> pd.Series:
        """A column's cells; DataError where two columns have that name."""
        if (self.frame.columns == name).sum() > 1:
            raise DataError(
                f"{self.path}: column {name} occurs twice (case is ignored): keep one, or give "
                f"{self.form.prefix}_columns"
            )
        return self.frame[name]

    def stamp_columns(self) -> tuple[str, ...]:
        """The column that holds the stamp, or the two that hold date and time.

        The declared ones; else the first of datetime, timestamp, date, time; else the first column, where it has no
        name. DataError if there is none.
        """
        declared = tuple(name.lower() for name in self.form.time_columns)
        missing = [name for name in declared if name not in self.frame.columns]
        if missing:
            raise DataError(
                f"{self.path}: no column {', '.join(missing)}, which {self.form.prefix}_time_columns names; "
                f"found {self._found()}"
            )
        if declared:
            return declared
        named = [name for name in STAMP_COLUMNS if name in self.frame.columns]
        if named:
            return (named[0],)
        if (self.frame.columns == "").sum() == 1 and self.frame.columns[0] == "":
            return ("",)
        raise DataError(
            f"{self.path}: no stamp column; found {self._found()}; wanted one of {', '.join(STAMP_COLUMNS)}: "
            f"rename the column that holds the time, or give {self.form.prefix}_"
            f"{'columns' if self.form.prefix == 'vix' else 'time_columns'}"
        )

    def numbers(self, name: str) -> np.ndarray:
        """A column as float64 [rows], empty cells as NaN; DataError at the first cell that is no number."""
        column = self.column(name)
        values = pd.to_numeric(self._with_point(column), errors="coerce")
        broken = (values.isna() & column.notna()).to_numpy()
        if broken.any():
            at = int(np.argmax(broken))
            raise DataError(
                f"{self.path}, {self.row_name(at)}: {name} is {column.iloc[at]!r}, not a number: "
                f"correct the cell or drop the row"
            )
        return values.to_numpy(dtype="float64", na_value=np.nan)

    def _with_point(self, column: pd.Series) -> pd.Series:
        """A column's cells with a decimal point: one cell that is no number leaves all of them as the file has them."""
        if (
            self.form.kind != "csv"
            or not pd.api.types.is_string_dtype(column)
            or self.form.decimal + self.form.thousands == "."
        ):
            return column
        text = column.astype("str")
        if self.form.thousands:
            text = text.str.replace(self.form.thousands, "", regex=False)
        if self.form.decimal != ".":
            text = text.str.replace(".", "?", regex=False).str.replace(self.form.decimal, ".", regex=False)
        return text

    def stamp_cells(self) -> pd.Series:
        """The cells that hold the stamps: a column, or date and time joined by a space.

        Raises:
            DataError: where dates without a time of day stand beside a column of times that nobody declared.
        """
        names = self.stamp_columns()
        first = self.column(names[0])
        if len(names) == 2:
            dates = first.dt.strftime("%Y-%m-%d") if pd.api.types.is_datetime64_dtype(first) else first.astype("str")
            return dates.str.strip() + " " + self.column(names[1]).astype("str").str.strip()
        beside = "time" in self.frame.columns and names[0] in ("date", "timestamp", "datetime")
        if beside and not self.form.time_columns and first.astype("str").str.fullmatch(_DATE).all():
            raise DataError(
                f"{self.path}: column {names[0]} holds dates without a time of day, and column time is not read: "
                f"declare --file_time_columns={names[0]},time"
            )
        return first

    def stamps(self) -> pd.DatetimeIndex:
        """Starts of the bars in exchange time, read as the file's format declares.

        NaT stands for a row in an hour that the clock shows twice and that lies outside all sessions.

        Raises:
            DataError: at the first stamp that is not of that format, lacks the offset that others have, or names
                no single moment (the hours skipped and repeated when the clocks change).
        """
        return exchange_stamps(self.stamp_cells(), self.form, self.path.name[:8], self.refuse_stamp)

    def refuse_stamp(self, broken: Any, column: pd.Series, why: str) -> None:
        """Raises DataError at the first broken row of a column of stamps."""
        rows = np.asarray(broken, dtype=bool)
        if rows.any():
            at = int(np.argmax(rows))
            raise DataError(f"{self.path}, {self.row_name(at)}: stamp {str(column.iloc[at])!r} {why}")

    def symbol_column(self) -> str | None:
        """The column that names the symbol, None where the file has none; DataError if a declared one is missing."""
        declared = self.form.symbol_column.lower()
        if declared and declared not in self.frame.columns:
            raise DataError(f"{self.path}: no column {declared}, which file_symbol_column names; found {self._found()}")
        return declared or next((name for name in SYMBOL_COLUMNS if name in self.frame.columns), None)

    @property
    def names_no_symbol(self) -> bool:
        """Whether neither a column nor the columns' names say whose bars the table holds."""
        return self.symbol_column() is None and not self._wide()

    def _wide(self) -> dict[str, dict[str, str]]:
        return {} if "close" in self.frame.columns else wide_columns(list(self.frame.columns))

    def of_symbol(self, symbol: str) -> "Table | None":
        """The rows or columns of a symbol; None where the file names no symbols.

        Raises:
            DataError: where it names others.
        """
        column = self.symbol_column()
        if column is not None:
            names = self.column(column).astype("str").str.strip().str.upper()
            for name in (symbol.upper(), f"{symbol.upper()}.US"):
                if (names == name).any():
                    return self.rows((names == name).to_numpy(dtype=bool))
            found = sorted(names.dropna().unique())
            for name in found:
                if is_spelling_of(name, symbol):
                    return self.rows((names == name).to_numpy(dtype=bool))
            raise self._no_symbol(symbol, found)
        wide = self._wide()
        if not wide:
            return None
        if symbol.upper() not in wide:
            raise self._no_symbol(symbol, sorted(wide))
        fields = {name: field for field, name in wide[symbol.upper()].items()}
        return dataclasses.replace(self, frame=self.frame.rename(columns=fields), wide=True)

    def _no_symbol(self, symbol: str, found: list[str]) -> UnknownSymbolError:
        return UnknownSymbolError(
            f"{self.path}: no symbol {symbol!r}; found {', '.join(found[:20])}{' …' if len(found) > 20 else ''}: "
            f"put one of those first in symbols",
            found[0],
        )

    def _found(self) -> str:
        return ", ".join(name or "(no name)" for name in self.frame.columns)
