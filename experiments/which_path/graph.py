"""The chain from a purchase to P(HOLD | flat) as a graph, each arrow in the style of what its claims came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from momentum_jax.analysis.figures.causal_graph import Finding, Link, Node, plot_causal_graph

NODES = {
    "purchase": Node("purchase\nwhile flat", 0, 2),
    "trim": Node("trim", 1, 2),
    "cost": Node("cost stays:\na false loss", 2, 2),
    "stop": Node("forced stop", 3, 2),
    "reward": Node("reward\nof the stop", 4, 2),
    "path_a": Node("A: gradient of\nflat decisions", 1.5, 1),
    "path_b": Node("B: gradient of\ndecisions in a position", 4, 1),
    "flat": Node("P(HOLD | flat)\nrises", 1.5, 0),
    "position": Node("P(HOLD | position)\nchanges", 4, 0),
}
# Cause, effect, the intervention, and the name of its two claims.
_CHAIN = (
    ("purchase", "trim", "trims masked", "trims"),
    ("trim", "cost", "cost shrinks", "false_cost"),
    ("cost", "stop", "no stop", "stop"),
    ("stop", "reward", "reward × 0", "stop_reward"),
)
_UNTESTED = (("reward", "path_a"), ("reward", "path_b"), ("path_b", "position"))
# Cause, the path's name, words in front, what is taken away, claims on it alone, claims on what is left without it.
_PATHS = (
    ("path_a", "A", "", "A and its bonus", ("A_enough", "A_enough_two_towers"), ("A_necessary",)),
    ("position", "B", "shared network\n", "B", ("B_enough",), ("B_necessary", "B_necessary_two_towers")),
)
_WORDS: dict[Finding, str] = {
    "needed": "no dip",
    "not needed": "more than half stays",
    "a part of it": "a smaller dip stays",
    "undecided": "undecided",
    "not run": "not run",
}


def draw(verdicts: pd.DataFrame, title: str) -> Figure | None:
    """The graph; None without a verdict.

    Args:
        verdicts: columns ``claim`` and ``claim_verdict``, a row or more for each claim.
        title: above the figure.
    """
    if verdicts.empty or "claim_verdict" not in verdicts:
        return None
    found = dict(zip(verdicts["claim"], verdicts["claim_verdict"], strict=True))
    return plot_causal_graph(NODES, links(found), title)


def links(found: Mapping[str, str]) -> list[Link]:
    """The arrows, from the verdict of each claim."""
    chain = []
    for cause, effect, words, claim in _CHAIN:
        finding = _finding(found, f"{claim}_necessary", f"{claim}_not_necessary")
        chain.append(Link(cause, effect, f"{words}:\n{_WORDS[finding]}", finding))
    untested = [Link(*ends, "", "not tested") for ends in _UNTESTED]
    return [*chain, *untested, *(_path(found, *path) for path in _PATHS)]


def _path(
    found: Mapping[str, str],
    cause: str,
    name: str,
    words: str,
    taken: str,
    alone: Sequence[str],
    without: Sequence[str],
) -> Link:
    """The arrow of a path, in the style of what it does alone."""
    enough = _agreed(found, alone, {"supported": "more than half", "not supported": "half or less"})
    removed = _agreed(found, without, {"supported": "no dip", "not supported": "a dip stays"})
    styles: dict[str, Finding] = {
        "more than half": "enough alone",
        "half or less": "not enough alone",
        "not run": "not run",
    }
    label = f"{words}{name} alone: {enough}\nwithout {taken}: {removed}"
    return Link(cause, "flat", label, styles.get(enough, "undecided"))


def _agreed(found: Mapping[str, str], claims: Sequence[str], words: Mapping[str, str]) -> str:
    """What the claims that were judged agree on."""
    verdicts = {found[claim] for claim in claims if claim in found}
    if not verdicts:
        return "not run"
    return words.get(verdicts.pop(), "undecided") if len(verdicts) == 1 else "undecided"


def _finding(found: Mapping[str, str], necessary: str, not_necessary: str) -> Finding:
    if necessary not in found:
        return "not run"
    if found[necessary] == "supported":
        return "needed"
    if found.get(not_necessary) == "supported":
        return "not needed"
    both = (found[necessary], found.get(not_necessary)) == ("not supported", "not supported")
    return "a part of it" if both else "undecided"
