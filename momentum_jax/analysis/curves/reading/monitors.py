"""Stable-Baselines3's monitor.csv: one line an episode, with its return r, its length l and its time t."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.curves.reading.checked_tables import Table, read_csv
from momentum_jax.analysis.curves.reading.common_steps import bins_of
from momentum_jax.analysis.curves.reading.contents import decoded
from momentum_jax.analysis.curves.reading.reading import ReadOptions, RunCurve, choose
from momentum_jax.analysis.curves.reading.windows import window_means
from momentum_jax.fields import ConfigError

_RETURN, _LENGTH, _TIME = "r", "l", "t"
_EPISODES = 10  # in a window, at least, where the user asks for no number of windows
_MOST_WINDOWS = 100  # of a run with the median number of episodes
_FEWEST_WINDOWS = 5


def is_monitor(text_head: bytes) -> bool:
    """Whether a file begins as Monitor writes it: a comment in JSON."""
    return text_head.lstrip(b"\xef\xbb\xbf").startswith(b"#{")


def read_episodes(
    paths: Sequence[Path], contents: Sequence[bytes], options: ReadOptions, arm: str, seed: str
) -> RunCurve:
    """The episodes of one run, at the step at which each ended.

    Args:
        paths: the run's files, one for each of its environments; several are joined in the order of time, as
            Stable-Baselines3 itself does.
        contents: of the files.
        options: `value` may name another column than the return.
        arm: of the run.
        seed: of the run.

    Raises:
        ConfigError: a file is no monitor file, or has no episode.
    """
    frames = [_episodes(path, content, options) for path, content in zip(paths, contents, strict=True)]
    whole = pd.concat(frames)
    if len(frames) > 1:
        whole = whole.sort_values(_TIME, kind="stable")
    steps = np.cumsum(whole[_LENGTH].to_numpy(float))
    return RunCurve(arm=arm, seed=seed, steps=steps, values=whole["value"].to_numpy(float), source=str(paths[0]))


def in_windows(runs: Sequence[RunCurve], align: str) -> tuple[list[RunCurve], str]:
    """Mean return of the episodes that end in each window, with the returns as replicates, and a sentence that says so.

    Raises:
        ConfigError: there are too few episodes.
    """
    if align and bins_of(align) is None:
        raise ConfigError(f"--align={align}: of monitor files, expected bins:N, the number of windows")
    bins, fewest = bins_of(align), min(runs, key=lambda run: len(run.steps))
    if len(fewest.steps) < _EPISODES * _FEWEST_WINDOWS and not align:
        raise ConfigError(
            f"{fewest.source}: holds {len(fewest.steps)} episodes, expected {_EPISODES * _FEWEST_WINDOWS} or more for "
            f"means over {_EPISODES} each: give the number of windows by --align=bins:N, or leave the run out"
        )
    middle = int(np.median([len(run.steps) for run in runs]))
    each = max(_EPISODES, -(-middle // _MOST_WINDOWS))
    edges = np.linspace(0, max(run.steps[-1] for run in runs), bins + 1) if bins else _edges(runs, each)
    curves = [window_means(run, edges, replicates=True) for run in runs]
    windows = (
        f"{bins} equal windows of {edges[1]:g} steps, about {middle / bins:.3g} in each"
        if bins
        else f"{len(edges) - 1} windows, {each} or more in each"
    )
    kept = any(curve.noise for curve in curves)
    noise = "which are kept as replicates" if kept else "never two, so that they say nothing of their noise"
    ends = "A step stands for its window's end."
    return curves, f"Values are means over the episodes that end in each of {windows}, {noise}. {ends}"


def _edges(runs: Sequence[RunCurve], each: int) -> npt.NDArray[np.float64]:
    """Edges of windows in each of which every run has so many episodes, as long as it has so many to come.

    Equal windows would have few of the long episodes of an early policy, whose mean is unsure and skewed. The last
    window has the rest.
    """
    edges, places = [0.0], [0] * len(runs)
    while ends := [
        run.steps[place + each - 1] for run, place in zip(runs, places, strict=True) if place + each <= len(run.steps)
    ]:
        edges.append(float(max(ends)))
        places = [int(np.searchsorted(run.steps, edges[-1], side="right")) for run in runs]
    edges[-1] = max(run.steps[-1] for run in runs)
    return np.array(edges)


def _episodes(path: Path, content: bytes, options: ReadOptions) -> pd.DataFrame:
    """Columns l, t (seconds, absolute) and value."""
    comment, _, rest = decoded(path, content).partition("\n")
    try:
        header = json.loads(comment.lstrip("#"))
        start = float(header.get("t_start", 0.0))
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(
            f"{path}: the first line is {comment[:60]!r}, expected a comment in JSON: copy it again"
        ) from None
    if not rest.strip():
        raise ConfigError(f"{path}: holds no episode, expected lines {_RETURN},{_LENGTH},{_TIME}: leave the run out")
    read = read_csv(path, rest.encode())
    table = Table(path, read.frame.set_axis(read.frame.index + 1), read.row_word, read.kind)
    for name in (_RETURN, _LENGTH, _TIME):
        choose(path, "column", "value", name, table.columns)
    value = choose(path, "column", "value", options.value, table.columns) if options.value else _RETURN
    frame = pd.DataFrame(
        {"value": table.numbers(value), _LENGTH: table.numbers(_LENGTH), _TIME: table.numbers(_TIME) + start}
    )
    empty = frame.isna().any(axis=1).to_numpy()
    if empty[:-1].any():
        raise table.refused(value, int(np.argmax(empty)), "empty", "drop the line")
    return frame[~empty]  # a run that was killed may leave its last line half-written
