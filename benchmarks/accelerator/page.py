"""The results as `docs/accelerator.md`: what was measured stands between two marks, the rest of the page stays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks.accelerator import sections, setting

DOCUMENT = Path(__file__).parents[2] / "docs" / "accelerator.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


def markdown(result: dict[str, Any]) -> str:
    """The whole page, with the figures of this result in place of those in the project's page."""
    before, rest = DOCUMENT.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    return f"{before}{_BEGIN}\n{measured(result)}\n{_END}{after}"


def measured(result: dict[str, Any]) -> str:
    """Where, then every part under a heading of its own: its figures, or why there are none."""
    lines = [*_where(result), *_overview(result)]
    for part in sorted(setting.PARTS):
        found = result["parts"].get(part.letter) or {}
        lines += ["", f"### {part.letter}. {part.title}", ""]
        note = _note(part.letter, result, found)
        lines += [note, ""] if note else []
        lines += sections.OF_PART[part.letter](found) if found else []
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _where(result: dict[str, Any]) -> list[str]:
    device = result["device"]
    versions = ", ".join(f"{name} {version}" for name, version in device["packages"].items())
    commit = f"commit {device['commit']}" if device.get("commit") else "commit unknown"
    lines = [
        f"Device: {_card(device)}. {versions}, Python {device['python']}; {device['cores']} CPU cores "
        f"({device['processor']}); {commit}, {device['date']}.",
        "",
        f"Bars: {result['bars']}.",
    ]
    if result["tiny"]:
        lines += ["", "**A tiny size, to show that the program works: none of these figures says anything.**"]
    return lines


def _card(device: dict[str, Any]) -> str:
    """Name, driver and memory of each card."""
    if not device.get("nvidia-smi"):
        return f"{device['kind']}, no driver of NVIDIA's"
    cards = [line.split(", ") for line in device["nvidia-smi"].splitlines()]
    return "; ".join(f"{name}, driver {driver}, {memory}" for name, driver, memory in cards)


def _overview(result: dict[str, Any]) -> list[str]:
    """Each part with its limit and what became of it."""
    lines = ["", "| part | question | limit, s | took, s | ended |", "|---|---|---:|---:|---|"]
    for part in setting.PARTS:
        seconds = result["seconds"].get(part.letter)
        took = "–" if seconds is None else f"{seconds}"
        limit, ending = result["limits"][part.letter], _ending(part.letter, result)
        lines.append(f"| {part.letter} | {part.question} | {limit} | {took} | {ending} |")
    return lines


def _ending(letter: str, result: dict[str, Any]) -> str:
    if letter in result["missing"]:
        return "not run: something is missing"
    if letter not in result["chosen"]:
        return "an earlier run into the same folder" if result["parts"].get(letter) else "not asked for"
    return result["ended"].get(letter, "under way")


def _note(letter: str, result: dict[str, Any], found: dict[str, Any]) -> str:
    """Why a part has no figures, or not all of them; "" where it has."""
    if letter in result["missing"]:
        return f"Not run: {result['missing'][letter]}."
    if found.get("complete"):
        return ""
    ending = _ending(letter, result)
    if not found:
        return f"Not measured: {ending}."
    left = sections.not_measured(found)
    return f"Not complete ({ending})" + (f", not measured: {', '.join(left)}." if left else ".")
