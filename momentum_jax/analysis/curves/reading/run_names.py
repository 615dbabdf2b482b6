"""Arm and seed of a run from what its file, folder or column is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from momentum_jax.analysis.curves.reading.times_in_names import parts_a_time, without_times

ONE_ARM = "all"

_SEED = re.compile(r"(?<![A-Za-z])seeds?[\s_=:.-]*(\d+)", re.IGNORECASE)
_RUN = re.compile(r"(?<![A-Za-z])(?:run|trial|rep|s)[\s_=:.-]*(\d+)(?![A-Za-z\d]|\.\d)", re.IGNORECASE)
# A setting, as in lr_0.01, lr0.01 or lr_3e-4, holds no seed. A number that ends a word is part of it: td3.1 is seed 1,
# save 0, which ends only versions (CartPole-v0).
_SETTING = r"(?<![^\W_])(?<!\.)\d+\.\d+|(?<=[A-UW-Za-uw-z.])0\.\d+|(?<![\d.])\d+(?:\.\d+)?e[+-]?\d+"
_SETTING = rf"(?:{_SETTING})(?:e[+-]?\d+)?(?![^\W_])"
_LAST = re.compile(rf"{_SETTING}|(\d+)(?=[^\d/]*$)")
# Columns end with a number of their own, which a separator or a word for runs sets off.
_NUMBERED = re.compile(r"(?:.*[^\s_=:.-][\s_=:.-]+|.*(?:seed|run|trial|rep)|s)?\d+", re.IGNORECASE)
_SEPARATORS = r"[\s_=:.,/|-]+"
# Weights & Biases calls a run by two words and its number in the project: dry-sun-12, of a sweep fancy-sweep-4.
_RANDOM = re.compile(r"(.*/)?[a-z]+-[a-z]+-(\d+)")
# Such a number may be a time of any form, which numbers no seeds.
_LONG = re.compile(r"(?:\d\d[-:.]\d\d[-:.]\d\d|\d{6,})$")
_FEW = 4  # runs of an arm in the mean, below which such words are none


class RunName(NamedTuple):
    """What a run is."""

    arm: str
    seed: str


def run_names(names: Sequence[str]) -> list[RunName]:
    """Arms and seeds of all runs together.

    A name holds its seed as ``seed_3``, ``run3`` or its last number, and the rest of it is the arm, without times where
    names differ without them. Where that leaves two runs alike, or a mere last number is that of random words or a
    time, the names are seeds as they stand.

    Args:
        names: one a run, all different; parts may be separated by ``/``.
    """
    timeless = [without_times(name) for name in names]
    read = timeless if len(set(timeless)) == len(names) else list(names)
    has_times = any(without_times(name) != name for name in read)
    for pattern in (_SEED, _RUN, _LAST):
        split = [each for each in (_split(name, pattern) for name in read) if each]
        is_said = pattern is not _LAST and not has_times
        if len(set(split)) == len(names) and (is_said or _are_arms(read, split)):
            return split
    return _as_they_stand(names)


def is_numbered(name: str) -> bool:
    """Whether a name is that of one run among several by its last part: ``seed_3``, ``ppo/run_2``, ``td3.0``, ``7``."""
    last = name.rpartition("/")[2]
    return _NUMBERED.fullmatch(last) is not None and _split(last, _LAST) is not None


def _are_arms(names: Sequence[str], split: Sequence[RunName]) -> bool:
    """Whether what stands before last numbers is what was run, rather than words that differ from run to run.

    Two random words come again by chance in a long list, each a few times. Beside a time, and amid a name, a number may
    be anything: it is a seed where most runs share their arm with others.
    """
    sizes = Counter(each.arm for each in split)
    alone = sum(size == 1 for size in sizes.values())
    numbers = {match.groups() for name in names if (match := _RANDOM.fullmatch(name))}
    if len(numbers) == len(names):
        return alone == 0 or len(names) >= _FEW * len(sizes)
    at_end = all(name[-1:].isdigit() and not _LONG.search(name) and without_times(name) == name for name in names)
    return at_end or 2 * alone < len(names)


def _split(name: str, pattern: re.Pattern[str]) -> RunName | None:
    matches = list(pattern.finditer(name))
    if not matches or matches[-1][1] is None:
        return None
    last = matches[-1]
    if parts_a_time(name, last.span(1)):
        return None
    before = re.sub(rf"{_SEPARATORS}$", "", name[: last.start()])
    after = re.sub(rf"^{_SEPARATORS}", "", name[last.end() :])
    arm = re.sub(rf"^{_SEPARATORS}|{_SEPARATORS}$", "", "_".join(part for part in (before, after) if part))
    return RunName(arm or ONE_ARM, str(int(last[1])))


def _as_they_stand(names: Sequence[str]) -> list[RunName]:
    """The arm is what names hold beside times, or else their folder, where each comes several times; else all are one.

    Such a name is the seed as a whole, or where a folder is the arm its last part.
    """
    folders = [name.rpartition("/") for name in names]
    by_time = [RunName(without_times(name), name) for name in names]
    by_folder = [RunName(without_times(folder), last) for folder, _, last in folders]
    for runs in (by_time, by_folder):
        sizes = Counter(run.arm for run in runs)
        if len(sizes) > 1 and min(sizes.values()) > 1 and len(set(runs)) == len(runs):
            return [RunName(run.arm or ONE_ARM, run.seed) for run in runs]
    return [RunName(ONE_ARM, name) for name in names]


def names_in_words(names: Sequence[str], runs: Sequence[RunName]) -> str:
    """How the names were read, by the first of them."""
    whole = all(run == RunName(ONE_ARM, name) for name, run in zip(names, runs, strict=True))
    if whole and len(runs) > 1 and not all(name.isdigit() for name in names):
        return (
            f"Names say no arm and are seeds of one: {names[0]}, {names[1]} …; where they are arms, end them with "
            "the word seed and its number, as in ppo_seed1."
        )
    of_arms = f"arm {runs[0].arm}, " if len({run.arm for run in runs}) > 1 else ""
    return f"Seeds are taken from names: {names[0]} is {of_arms}seed {runs[0].seed}."
