"""`python -m momentum_jax.market inspect --data_source=csv --data_path=spy.csv`: what is in a file of bars."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from momentum_jax.market.dataset import inspect
from momentum_jax.market.errors import DataError
from momentum_jax.market.heatmap import draw_calendar
from momentum_jax.market.options import MarketConfig
from momentum_jax.market.report import QualityReport
from momentum_jax.market.sessions import close_minutes
from momentum_jax.market.symbols import file_name
from momentum_jax.market.vix import inconsistent_rows, load_vix, missing_days

_SHOWN = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the reports; returns 0, 1 where one of them holds an error, 2 where the data cannot be read."""
    options = vars(_parser().parse_args(arguments))
    vix_only = options.pop("command") == "inspect-vix"
    try:
        if vix_only:
            print(_vix_text(options["vix_path"]))
            return 0
        json_path, png_path, limit = options.pop("json"), options.pop("png"), options.pop("limit")
        given = {name: value for name, value in options.items() if value is not None}
        reports = []
        for report in inspect(MarketConfig(**given)):
            print(report.to_text(limit))
            reports.append(report)
        _write(reports, json_path, png_path)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return int(any(report.has_errors for report in reports))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m momentum_jax.market", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    bars = commands.add_parser("inspect", help="report on bars")
    for field in dataclasses.fields(MarketConfig):
        help_text = field.metadata["help"].replace("%", "%%")
        kind: dict[str, Any] = {"action": argparse.BooleanOptionalAction, "default": None}
        if not str(field.type).startswith("bool"):
            kind = {"type": _type_of(str(field.type)), "choices": field.metadata["choices"] or None}
        bars.add_argument(f"--{field.name}", help=help_text, **kind)
    vix = commands.add_parser("inspect-vix", help="report on a file of daily VIX closes")
    vix.add_argument("--vix_path", required=True, help="the file")
    bars.add_argument("--json", help="write the whole report to this file")
    bars.add_argument("--png", help="draw a calendar of completeness and volume; {symbol} in it is replaced")
    bars.add_argument("--limit", type=int, default=_SHOWN, help="findings of each kind to print")
    return parser


def _type_of(kind: str) -> Any:
    if kind.startswith("tuple"):
        return lambda text: tuple(text.split(","))
    return int if kind.startswith("int") else float if kind.startswith("float") else str


def _write(reports: list[QualityReport], json_path: str | None, png_path: str | None) -> None:
    if json_path:
        text = json.dumps([report.to_json() for report in reports], indent=1, default=float)
        Path(json_path).write_text(text + "\n", encoding="utf-8")
    for report in reports:
        if png_path and len(report.table):
            several = len(reports) > 1 and "{symbol}" not in png_path
            path = Path(png_path.replace("{symbol}", file_name(report.symbol)))
            draw_calendar(report, path.with_stem(f"{path.stem}_{file_name(report.symbol)}") if several else path)


def _vix_text(path: str) -> str:
    vix = load_vix(path)
    first, last = vix.index[0], vix.index[-1]
    absent = missing_days(vix, pd.DatetimeIndex(close_minutes(first, last).index))
    broken = inconsistent_rows(path)
    lines = [f"{path}: {len(vix):,} closes {first.date()} to {last.date()}, {vix.min():g} to {vix.max():g}"]
    for title, dates in (("sessions without a close", absent), ("rows whose high and low do not enclose", broken)):
        shown = ", ".join(str(date.date()) for date in dates[-_SHOWN:])
        lines.append(f"  warn     {title}: {len(dates)}" + (f", the last {shown}" if len(dates) else ""))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
