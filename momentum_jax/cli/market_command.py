"""`python -m momentum_jax.market inspect --data_source=csv --data_path=spy.csv`: what is in a file of bars."""

import dataclasses
import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from absl import flags

from momentum_jax.cli import arguments as cli_arguments
from momentum_jax.cli import flag_definitions
from momentum_jax.fields import ConfigError
from momentum_jax.market.catalog import names_no_symbol
from momentum_jax.market.checks.quality_report import QualityReport
from momentum_jax.market.checks.session_calendar import draw_calendar
from momentum_jax.market.dataset import inspect
from momentum_jax.market.errors import DataError
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sessions import close_minutes
from momentum_jax.market.vendors.symbols import file_name
from momentum_jax.market.vix.daily_vix import load_vix, missing_days
from momentum_jax.market.vix.vix_file import inconsistent_rows
from momentum_jax.processes.paths import output_file

_SHOWN = 8
_COMMANDS = {"inspect": "report on bars", "inspect-vix": "report on a file of daily VIX closes"}
USAGE = "python -m momentum_jax.market"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the reports; returns 0, 1 where one of them holds an error, 2 where the data cannot be read."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command, rest = (arguments[0], arguments[1:]) if arguments[:1] and arguments[0] in _COMMANDS else ("", arguments)
    values = flags.FlagValues()
    names = _define(values, command)
    if not command or {"--help", "-h", "--helpfull", "--helpshort"} & set(rest):
        print(_help_text(values, command, names))
        return 0 if command or {"--help", "-h"} & set(rest) else 2
    try:
        unread = values([USAGE, *cli_arguments.normalized(values, rest)])[1:]
        if unread:
            raise ConfigError(f"{unread[0]!r} is not a flag: write --name=value")
        return _inspect_vix(values) if command == "inspect-vix" else _inspect(values)
    except (ConfigError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
    except flags.Error as error:
        print(f"error: {cli_arguments.explained(values, str(error))}", file=sys.stderr)
    return 2


def _define(values: flags.FlagValues, command: str) -> list[str]:
    """Defines a command's flags, spelled as launch.py spells them; returns their names."""
    fields = dataclasses.fields(MarketConfig)
    if command == "inspect-vix":
        return [
            flag_definitions.define_field(values, field)
            for field in fields
            if field.name.startswith("vix_") and field.name not in ("vix_symbol", "vix_timing")
        ]
    names = [flag_definitions.define_field(values, field) for field in fields]
    flags.DEFINE_string("json", None, "write the whole report to this file", flag_values=values)
    flags.DEFINE_string(
        "png", None, "draw a calendar of completeness and volume; {symbol} in it is replaced", flag_values=values
    )
    flags.DEFINE_integer("limit", _SHOWN, "findings of each kind to print", lower_bound=0, flag_values=values)
    return [*names, "json", "png", "limit"]


def _help_text(values: flags.FlagValues, command: str, names: Sequence[str]) -> str:
    if not command:
        return "\n".join([str(__doc__), *(f"  {USAGE} {name}: {text}" for name, text in _COMMANDS.items())])
    lines = [f"{USAGE} {command}: {_COMMANDS[command]}", "Flags may be written with dashes or underscores."]
    for name in names:
        lines += textwrap.wrap(
            str(values[name].help), 100, initial_indent=f"  --{name:<24} ", subsequent_indent=" " * 29
        )
    return "\n".join(lines)


def _inspect(values: flags.FlagValues) -> int:
    given = flag_definitions.given(values, MarketConfig)
    config = MarketConfig(**given)
    if "symbols" not in given and names_no_symbol(config):
        config = dataclasses.replace(config, symbols=config.symbols[:1])
    json_path = output_file(values.json, "json") if values.json else None
    png_paths = _png_paths(values.png, config.symbols) if values.png else {}
    reports = []
    for report in inspect(config):
        print(report.to_text(values.limit))
        reports.append(report)
    _write(reports, json_path, png_paths)
    return int(any(report.has_errors for report in reports))


def _inspect_vix(values: flags.FlagValues) -> int:
    if not values.vix_path:
        raise ConfigError("vix_path is missing: give the file, --vix_path=vix.csv")
    config = MarketConfig(
        data_source="csv", data_path="-", **flag_definitions.given(values, MarketConfig, list(values))
    )
    print(_vix_text(str(config.vix_path), config.vix_file_format))
    return 0


def _png_paths(text: str, symbols: Sequence[str]) -> dict[str, Path]:
    """The picture of each symbol."""
    paths = {symbol: Path(text.replace("{symbol}", file_name(symbol))) for symbol in symbols}
    if len(paths) > 1 and "{symbol}" not in text:
        paths = {symbol: path.with_stem(f"{path.stem}_{file_name(symbol)}") for symbol, path in paths.items()}
    return {symbol: output_file(str(path), "png", ".png") for symbol, path in paths.items()}


def _write(reports: list[QualityReport], json_path: Path | None, png_paths: dict[str, Path]) -> None:
    try:
        if json_path:
            text = json.dumps([report.to_json() for report in reports], indent=1, default=float)
            json_path.write_text(text + "\n", encoding="utf-8")
        for report in reports:
            if png_paths and len(report.table):
                draw_calendar(report, png_paths[report.symbol])
    except OSError as error:
        raise ConfigError(f"the report cannot be written ({error.strerror or error}): write it elsewhere") from None


def _vix_text(path: str, form: FileFormat) -> str:
    vix = load_vix(path, form)
    first, last = vix.index[0], vix.index[-1]
    absent = missing_days(vix, pd.DatetimeIndex(close_minutes(first, last).index))
    broken = inconsistent_rows(path, form)
    lines = [f"{path}: {len(vix):,} closes {first.date()} to {last.date()}, {vix.min():g} to {vix.max():g}"]
    for title, dates in (("sessions without a close", absent), ("rows whose high and low do not enclose", broken)):
        shown = ", ".join(str(date.date()) for date in dates[-_SHOWN:])
        lines.append(f"  warn     {title}: {len(dates)}" + (f", the last {shown}" if len(dates) else ""))
    return "\n".join(lines)
