"""Arm and seed of a run from what its file, folder or column is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

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
_SEPARATORS = r"[\s_=:./|-]+"
# Weights & Biases calls a run by two words and its number in the project: dry-sun-12, of a sweep fancy-sweep-4.
_RANDOM = re.compile(r"(.*/)?[a-z]+-[a-z]+-(\d+)")
# A time or date, as in 2024-05-01_12-30-45 or 1714566645, numbers no seeds.
_TIME = re.compile(r"(?:\d\d[-:.]\d\d[-:.]\d\d|\d{6,})$")
_FEW = 4  # runs of an arm in the mean, below which such words are none


class RunName(NamedTuple):
    """What a run is."""

    arm: str
    seed: str


def run_names(names: Sequence[str]) -> list[RunName]:
    """Arms and seeds of all runs together.

    A name holds its seed as ``seed_3``, ``run3`` or its last number, and the rest of it is the arm. Where that leaves
    two runs alike, or a mere last number is that of random words or a time, the names are seeds as they stand.

    Args:
        names: one a run, all different; parts may be separated by ``/``.
    """
    for pattern in (_SEED, _RUN, _LAST):
        split = [each for each in (_split(name, pattern) for name in names) if each]
        if len(set(split)) == len(names) and (pattern is not _LAST or _are_arms(names, split)):
            return split
    return _by_folder(names)


def is_numbered(name: str) -> bool:
    """Whether a name is that of one run among several by its last part: ``seed_3``, ``ppo/run_2``, ``td3.0``, ``7``."""
    last = name.rpartition("/")[2]
    return _NUMBERED.fullmatch(last) is not None and _split(last, _LAST) is not None


def _are_arms(names: Sequence[str], split: Sequence[RunName]) -> bool:
    """Whether what stands before last numbers is what was run, rather than words that differ from run to run.

    Two random words come again by chance in a long list, each a few times. Times, and numbers amid a name, may be
    anything: they are seeds where most runs share their arm with others.
    """
    sizes = Counter(each.arm for each in split)
    alone = sum(size == 1 for size in sizes.values())
    numbers = {match.groups() for name in names if (match := _RANDOM.fullmatch(name))}
    if len(numbers) == len(names):
        return alone == 0 or len(names) >= _FEW * len(sizes)
    at_end = all(name[-1:].isdigit() and not _TIME.search(name) for name in names)
    return at_end or 2 * alone < len(names)


def _split(name: str, pattern: re.Pattern[str]) -> RunName | None:
    matches = list(pattern.finditer(name))
    if not matches or matches[-1][1] is None:
        return None
    last = matches[-1]
    before = re.sub(rf"{_SEPARATORS}$", "", name[: last.start()])
    after = re.sub(rf"^{_SEPARATORS}", "", name[last.end() :])
    arm = re.sub(rf"^{_SEPARATORS}|{_SEPARATORS}$", "", "_".join(part for part in (before, after) if part))
    return RunName(arm or ONE_ARM, str(int(last[1])))


def _by_folder(names: Sequence[str]) -> list[RunName]:
    """The folder is the arm and the last part the seed, where every folder has several; else all are one arm."""
    parts = [name.rpartition("/") for name in names]
    folders = Counter(folder for folder, _, _ in parts)
    if len(folders) > 1 and min(folders.values()) > 1:
        return [RunName(folder or ONE_ARM, last) for folder, _, last in parts]
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
