"""The command line of dips in anybody's curves: `python -m momentum_jax.dips FILE... --good=up`; see --help."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from typing import NoReturn

from momentum_jax.analysis.curves.curve_set import GOOD
from momentum_jax.analysis.curves.dip_analysis import DipAnalysis, analyze
from momentum_jax.analysis.curves.page.plain_text import terminal_text
from momentum_jax.analysis.curves.reading.curve_files import read_curves
from momentum_jax.analysis.curves.reading.reading import Reading, ReadOptions
from momentum_jax.analysis.curves.reading.run_sources import FORMATS
from momentum_jax.analysis.inference.few_seeds import MIN_SEEDS
from momentum_jax.fields import ConfigError, nearest
from momentum_jax.processes.paths import user_path

PROGRAM = "momentum_jax.dips"
_FEWEST_SEEDS = 2
_EXAMPLES = """
examples:
  python -m momentum_jax.dips runs.csv --good=up
  python -m momentum_jax.dips runs.csv --good=up --value=eval_return --horizon=25% --threshold=10 --output=page
  python -m momentum_jax.dips logs/ --good=up --value=rollout/ep_rew_mean --align=previous    (TensorBoard)
  python -m momentum_jax.dips ppo/seed_*/monitor.csv --good=up                                (Stable-Baselines3)
  python -m momentum_jax.dips runs/my_run --value=episode_return                              (a run of this program)

What is not given is derived from the curves and said. docs/dips.md explains formats, choices and tables.
"""
_READING = {
    "value": "the column, tag, metric or array to read",
    "seed": "the column or array of seeds",
    "step": "the column or array of steps",
    "arm": "the column or array of arms",
    "standard_error": "the column or array of each value's standard error",
    "align": "make unequal steps equal: previous, linear or bins:N",
    "format": f"where a folder holds several: {', '.join(FORMATS)}",
}
_CHOICES = {
    "horizon": "step by which a trough must come, or a share of the run such as 25%% (default: the first quarter)",
    "baseline": "step from which falls count, or a share (default: the first step)",
    "threshold": "smallest depth that counts: a number, 5%% of the range (default), noise, or control:ARM",
    "noise": "exact, counts, standard_errors, replicates or estimated (default: what the file has, else estimated)",
    "reference": "the arm that the answer is about, and others are compared with (default: the first)",
    "window": "steps within which the largest fall is forgetting, or a share (default: a tenth of the run)",
}
_GIVE_GOOD = "give --good=up or --good=down, the direction in which the values improve"
_OTHERS = ("good", "level", "allow_missing", "output", "json")


class _Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; --help shows all flags")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 with one line on stderr that says what was found and what was expected."""
    words = [_with_underscores(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    try:
        _carry_out(_parsed(words), words)
    except (ConfigError, OSError) as error:
        print(f"{PROGRAM}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _with_underscores(word: str) -> str:
    """Flags may be written with dashes or underscores."""
    name, equals, value = word.partition("=")
    return f"--{name[2:].replace('-', '_')}{equals}{value}" if name.startswith("--") else word


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    options, unknown = _parser().parse_known_intermixed_args(words)
    if unknown:
        flags = [f"--{name}" for name in (*_CHOICES, *_READING, *_OTHERS)]
        near = nearest(unknown[0].partition("=")[0], flags)
        raise ConfigError(f"{unknown[0]!r} is no flag{near}; --help shows all flags")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"python -m {PROGRAM}",
        description="Is this training dip real? Looks for early dips in learning curves of several seeds.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="file or folder of curves")
    parser.add_argument(
        "--good",
        metavar="up|down",
        help="the direction in which the values improve; needed where the files do not say it",
    )
    for name, text in _CHOICES.items():
        parser.add_argument(f"--{name}", help=text)
    parser.add_argument("--level", type=float, default=0.95, help="confidence of intervals and bands (default: 0.95)")
    for name, text in _READING.items():
        parser.add_argument(f"--{name}", default="", metavar=name.upper(), help=text)
    parser.add_argument("--allow_missing", action="store_true", help="seeds may lack values or end early")
    parser.add_argument("--output", metavar="FOLDER", help="also write the page: report.html and more")
    parser.add_argument("--json", action="store_true", help="print analysis.json instead of the text")
    return parser


def _carry_out(options: argparse.Namespace, words: Sequence[str]) -> None:
    if options.good is not None and options.good not in GOOD:
        raise ConfigError(f"--good is {options.good!r}: {_GIVE_GOOD}")
    folder = None if options.output is None else user_path(options.output, "output")
    chosen = {name: getattr(options, name) for name in _READING}
    files = [user_path(name, "file") for name in options.files]
    reading = read_curves(files, ReadOptions(**chosen, allow_missing=options.allow_missing))
    if options.good is None and not reading.curves.good:
        raise ConfigError(f"--good is missing: {_GIVE_GOOD}{_neither_good(reading)}")
    most = int(reading.curves.ran.sum(axis=1).max())
    if most < _FEWEST_SEEDS:
        raise ConfigError(
            f"{files[0]}: found one seed, expected two or more, and {MIN_SEEDS} for a verdict: add the curves of other "
            "seeds, or ask momentum_jax.dips.analyze for the depth of one curve"
        )
    result = _analyzed(reading, options)
    text = f"{result.to_json()}\n" if options.json else terminal_text(result, reading.source, reading.notes)
    print(text, end="")
    if folder is not None:
        path = result.write_page(folder, reading.source, reading.notes, _command(words))
        print(f"page: {path.with_suffix('.html')}", file=sys.stderr if options.json else sys.stdout)


def _neither_good(reading: Reading) -> str:
    """Why a run of this program, which says it of other metrics, does not say it of this one."""
    if "this program" not in reading.source:
        return ""
    return f" (of {reading.curves.value_name} the run says that neither is good; --value=METRIC chooses another metric)"


def _analyzed(reading: Reading, options: argparse.Namespace) -> DipAnalysis:
    choices = {name: getattr(options, name) for name in _CHOICES}
    try:
        return analyze(
            reading.curves, good=options.good, level=options.level, allow_missing=options.allow_missing, **choices
        )
    except ConfigError as error:
        raise ConfigError(_in_flags(str(error))) from None


def _in_flags(message: str) -> str:
    """What `analyze` says of its arguments in words of the command line: ``--noise=exact`` for ``noise='exact'``."""
    names = "|".join(["good", "level", "align", *_CHOICES])
    message = message.replace("pass allow_missing=True", "give --allow_missing")
    as_flags = re.sub(rf"\b({names})='([^']*)'", r"--\1=\2", message)
    return re.sub(rf"^({names})(?=[:=])", r"--\1", as_flags)


def _command(words: Sequence[str]) -> str:
    return shlex.join(["python", "-m", PROGRAM, *words])
