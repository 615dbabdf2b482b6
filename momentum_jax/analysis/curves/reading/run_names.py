"""Arm and seed of a run from what its file, folder or column is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

ONE_ARM = "all"

_SEED = re.compile(r"(?<![A-Za-z])seeds?[\s_=:.-]*(\d+)", re.IGNORECASE)
_RUN = re.compile(r"(?<![A-Za-z])(?:run|trial|rep|s)[\s_=:.-]*(\d+)(?![A-Za-z\d]|\.\d)", re.IGNORECASE)
# The digits behind a decimal point, as in lr_0.01, count nothing.
_LAST = re.compile(r"(?<!\d)(?<!\d\.)(\d+)(?=[^\d/]*$)")
_SEPARATORS = r"[\s_=:./|-]+"
# Weights & Biases calls a run by two words and its number in the project: dry-sun-12, of a sweep fancy-sweep-4.
_RANDOM = re.compile(r"[a-z]+-[a-z]+-(\d+)")
_FEW = 4  # runs of an arm in the mean, below which such words are none


class RunName(NamedTuple):
    """What a run is."""

    arm: str
    seed: str


def run_names(names: Sequence[str]) -> list[RunName]:
    """Arms and seeds of all runs together.

    A name holds its seed as ``seed_3``, ``run3`` or its last number, and the rest of it is the arm. Where that leaves
    two runs alike, or a mere last number leaves many runs alone in their arm, the names are seeds as they stand.

    Args:
        names: one a run, all different; parts may be separated by ``/``.
    """
    for pattern in (_SEED, _RUN, _LAST):
        split = [each for each in (_split(name, pattern) for name in names) if each]
        if len(set(split)) == len(names) and (pattern is not _LAST or _are_arms(names, split)):
            return split
    return _by_folder(names)


def _are_arms(names: Sequence[str], split: Sequence[RunName]) -> bool:
    """Whether what stands before last numbers is what was run, rather than words that differ from run to run.

    Most runs share their arm with others. Two random words do so by chance in a long list, each a few times.
    """
    sizes = Counter(each.arm for each in split)
    alone = sum(size == 1 for size in sizes.values())
    numbers = {match[1] for name in names if (match := _RANDOM.fullmatch(name))}
    random = len(numbers) == len(names) and alone > 0 and len(names) < _FEW * len(sizes)
    return 2 * alone < len(names) and not random


def _split(name: str, pattern: re.Pattern[str]) -> RunName | None:
    matches = list(pattern.finditer(name))
    if not matches:
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
            "their seeds, as in ppo_seed1."
        )
    of_arms = f"arm {runs[0].arm}, " if len({run.arm for run in runs}) > 1 else ""
    return f"Seeds are taken from names: {names[0]} is {of_arms}seed {runs[0].seed}."
