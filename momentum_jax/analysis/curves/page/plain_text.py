"""An analysis as plain text: the answer first, what belongs to it, what was derived, then compact tables."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from momentum_jax.analysis.curves.dip_result import DipResult
from momentum_jax.analysis.curves.page.display_tables import (
    comparison_display,
    course_table,
    prevalence_table,
    sample_size_display,
    sensitivity_grid,
)
from momentum_jax.analysis.report.formatting import format_percent, format_table

_WIDTH = 100


def terminal_text(result: DipResult, source: str, notes: Sequence[str]) -> str:
    """What the command prints.

    Args:
        result: of the analysis.
        source: what the files are.
        notes: what their reader derived.
    """
    return "\n".join(_lines(result, source, notes)).rstrip() + "\n"


def _lines(result: DipResult, source: str, notes: Sequence[str]) -> Iterator[str]:
    yield _filled(result.answer)
    yield ""
    yield from _bullets([*result.details, *what_counts(result), *result.caveats])
    yield ""
    yield from _bullets([what_was_read(result, source), *notes, *derived(result)])
    yield f"\nSeeds ({format_percent(result.choices.level)} intervals)\n"
    yield format_table(prevalence_table(result))
    yield format_table(course_table(result))
    if not result.comparison.empty:
        yield f"Against {result.choices.reference}\n"
        yield format_table(comparison_display(result))
    reference, several = result.choices.reference, len(result.curves.arms) > 1
    of_arm = f" of {reference}" if several else ""
    yield f"Seeds{of_arm} that dip under other choices, %: threshold by horizon\n"
    yield format_table(sensitivity_grid(result, reference))
    seeds = sample_size_display(result, reference)
    if not seeds.empty:
        yield f"Seeds that a new study needs, if they are like these{of_arm}\n"
        yield format_table(seeds)


def _bullets(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield _filled(line, "- ", "  ")


def _filled(text: str, first: str = "", others: str = "") -> str:
    """Lines of the text; a number stays with its digits and its per cent sign."""
    kept = re.sub(r"(?<=\d) (?=[%\d])", "\N{NO-BREAK SPACE}", text)
    lines = textwrap.fill(kept, _WIDTH, initial_indent=first, subsequent_indent=others)
    return lines.replace("\N{NO-BREAK SPACE}", " ")


def what_was_read(result: DipResult, source: str) -> str:
    """One sentence on the curves."""
    curves = result.curves
    arms = f"{len(curves.arms)} arms, " if len(curves.arms) > 1 else ""
    steps = f"{len(curves.steps)} steps from {curves.steps[0]:,.6g} to {curves.steps[-1]:,.6g}".replace(",", " ")
    return f"Read from {source}: {curves.value_name}, {arms}{len(curves.seeds)} seeds, {steps}."


def what_counts(result: DipResult) -> list[str]:
    """What a dip is, in two sentences."""
    choices = result.choices
    noise = {
        "exact": "the values are taken as they are",
        "counts": "the noise of each value follows from its counts",
        "standard_errors": "the noise of each value is its standard error",
        "replicates": "the noise of each value follows from its replicates",
        "estimated": "the noise is estimated from how values differ from the line between their neighbours",
    }[choices.noise]
    by = "within" if choices.horizon.words.startswith("the first") else "by"
    beyond = "" if choices.noise == "exact" or not choices.threshold.value > 0 else ", and by more than its noise makes"
    return [
        f"{choices.good.capitalize()} is good. A dip is a {choices.worse} by {choices.threshold.words}{beyond}, with "
        f"its trough {by} {choices.horizon.words}; {noise}."
    ]


def derived(result: DipResult) -> list[str]:
    """What was derived rather than given, and what had to be taken for granted."""
    return [f"{note[0].upper()}{note[1:]}." for note in result.notes]
