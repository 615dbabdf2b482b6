"""The sections of an analysis' page, in the report's blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from momentum_jax.analysis.curves.dip_result import DipResult
from momentum_jax.analysis.curves.page.display_tables import (
    by_step_display,
    comparison_display,
    course_table,
    prevalence_table,
    sample_size_display,
    sensitivity_grid,
)
from momentum_jax.analysis.curves.page.plain_text import derived, what_counts, what_was_read
from momentum_jax.analysis.report.document import Bullets, Image, Section, Table, Text, literal
from momentum_jax.analysis.report.formatting import format_percent
from momentum_jax.analysis.report.sections import SUMMARY


def page_sections(
    result: DipResult, images: Sequence[Image], source: str, notes: Sequence[str], command: str
) -> list[Section]:
    """Answer, figures, tables, and how the page was made.

    Args:
        result: of the analysis.
        images: the figures.
        source: what the curves were read from.
        notes: what their reader derived.
        command: that makes the page again; empty where there is none.
    """
    below = [literal(line) for line in (*result.details, *what_counts(result), *result.caveats)]
    return [
        Section(SUMMARY, [Text(f"**{literal(result.answer)}**"), Bullets(below)]),
        Section("Figures", images),
        Section("Dips", [Text(_how_to_read(result)), Table(prevalence_table(result)), Table(course_table(result))]),
        *_comparison(result),
        Section("Other choices", list(_other_choices(result))),
        *_sample_size(result),
        Section("Step by step", list(_by_step(result)), folded=True),
        Section("Source", [Bullets([literal(line) for line in _made_of(result, source, notes, command)])], folded=True),
    ]


def _how_to_read(result: DipResult) -> str:
    sure = format_percent(result.choices.level)
    noise = ""
    if result.choices.noise != "exact":
        noise = (
            f" A {result.choices.worse} is beyond noise where it is larger than noise makes it in "
            f"{format_percent(result.choices.alpha)} of seeds whose curve never turns."
        )
    return (
        f"The seed is the unit. In brackets: {sure} intervals (Wilson of shares, BCa of means, order statistics of "
        f"medians). Depth is the largest {result.choices.worse} by the horizon, of every seed, dip or not; forgetting "
        f"is the largest one within {result.choices.window.words}. The worst 10 % are the deepest tenth of the seeds "
        f"(CVaR).{noise}"
    )


def _comparison(result: DipResult) -> list[Section]:
    if result.comparison.empty:
        return []
    text = (
        "Seeds of the same label are the same seed: where two arms have nearly all of them in common the seeds are "
        "pairs, else the arms are compared as independent samples. p is adjusted over all rows (Holm)."
    )
    return [Section(f"Against {result.choices.reference}", [Text(text), Table(comparison_display(result))])]


def _other_choices(result: DipResult) -> Iterator[Text | Table]:
    yield Text("Share of seeds that dip, in per cent, for other thresholds (rows) and horizons (columns).")
    for arm in result.curves.arms:
        yield Table(sensitivity_grid(result, arm), arm if len(result.curves.arms) > 1 else "")


def _sample_size(result: DipResult) -> list[Section]:
    if result.sample_size.empty:
        return []
    text = (
        f"Seeds of each arm, if they are like these: for an interval of {format_percent(result.choices.level)} as "
        "narrow as the margin, or to find a difference with a chance of 80 %."
    )
    several = len(result.curves.arms) > 1
    known = [arm for arm in result.curves.arms if (result.sample_size["arm"] == arm).any()]
    tables = [Table(sample_size_display(result, arm), arm if several else "") for arm in known]
    return [Section("How many seeds a new study needs", [Text(text), *tables])]


def _by_step(result: DipResult) -> Iterator[Text | Table]:
    yield Text("Median with the band of its whole curve, mean, and inter-percentile ranges over seeds (50 % and 90 %).")
    for arm in result.curves.arms:
        yield Table(by_step_display(result, arm), arm if len(result.curves.arms) > 1 else "")


def _made_of(result: DipResult, source: str, notes: Sequence[str], command: str) -> Iterator[str]:
    yield what_was_read(result, source)
    yield from notes
    yield from derived(result)
    yield "analysis.json has all numbers, seeds.csv a row for each arm and seed."
    if command:
        yield f"made again by: {command}"
