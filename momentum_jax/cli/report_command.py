"""The report's command line: `python -m momentum_jax.report RUN [RUN…]`; see --help. Imports no jax."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from momentum_jax.analysis.claims.claim_tables import SOURCES, declared_text, write_claims
from momentum_jax.analysis.export.run_exports import FORMATS, export_run
from momentum_jax.analysis.export.tensorboard import MissingWriterError, write_events
from momentum_jax.analysis.report.build import report_folder, write_report
from momentum_jax.analysis.report.live import watch
from momentum_jax.fields import ConfigError
from momentum_jax.processes.paths import user_path
from momentum_jax.run_directory import RunDirectoryError
from momentum_jax.run_directory.joining import load_runs

REFUSALS = (RunDirectoryError, ConfigError, MissingWriterError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 with one line on stderr that names what was refused."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.watch and len(options.runs) > 1:
        parser.error("--watch follows one run at a time")
    try:
        _carry_out(options)
    except REFUSALS as error:
        print(f"momentum_jax.report: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m momentum_jax.report",
        description="Writes report.md, report.html and figures of a run, or of several paired by seed.",
    )
    parser.add_argument("runs", nargs="+", type=user_path, metavar="RUN", help="run directory")
    parser.add_argument("--out", type=user_path, help="folder of the report (default: report/ in the first run)")
    parser.add_argument("--watch", action="store_true", help="follow a run and redraw until it has ended")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between looks with --watch (default: 5)")
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard event files")
    parser.add_argument("--claims", choices=SOURCES, help="judge these claims and write claims.csv")
    parser.add_argument("--export", nargs="+", default=[], choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    return parser


def _carry_out(options: argparse.Namespace) -> None:
    folder = options.out or report_folder(options.runs)
    events = folder / "tensorboard" if options.tensorboard else None
    if options.claims:
        print(write_claims(options.runs, options.claims), end="")
        return
    if options.watch:
        watch(options.runs[0], options.interval, tensorboard=events, folder=folder)
    else:
        print(f"report: {write_report(options.runs, folder)}")
        print(declared_text(load_runs(options.runs)), end="")
        if events:
            write_events(load_runs(options.runs), events)
    if events:
        print(f"event files: tensorboard --logdir {events}")
    if options.export:
        files = export_run(load_runs(options.runs), folder / "exports", options.export)
        print(f"exported: {len(files)} files in {folder / 'exports'}")
