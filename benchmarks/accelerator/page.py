"""The results as a page in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.accelerator import setting

_COMMAND = "python -m benchmarks.accelerator"


def markdown(result: dict[str, Any]) -> str:
    """Every part under a heading of its own: its figures, or why there are none."""
    device = result["device"]
    lines = [
        "# On an accelerator",
        "",
        f"`{_COMMAND}` on {device.get('nvidia-smi') or device['kind']} (JAX {device['jax']}, Python "
        f"{device['python']}, {device['cores']} CPU cores).",
    ]
    if result["tiny"]:
        lines += ["", "**A tiny size, to show that the program works: none of these figures says anything.**"]
    for part in sorted(setting.PARTS):
        found = result["parts"].get(part.letter) or {}
        lines += ["", f"## {part.letter}. {part.title}", ""]
        note = _note(part.letter, result, found)
        lines += [note, ""] if note else []
        lines += _SECTIONS[part.letter](found) if found else []
    return "\n".join(lines).rstrip() + "\n"


def _note(letter: str, result: dict[str, Any], found: dict[str, Any]) -> str:
    """Why a part has no figures, or not all of them; "" where it has."""
    if letter in result["missing"]:
        return f"Not run: {result['missing'][letter]}."
    ending = result["ended"].get(letter)
    if not found:
        return "Not yet measured." if ending in (None, "done") else f"No figures: {ending}."
    return "" if found.get("complete") else f"Not complete: {ending or 'under way'}."


def _golden(found: dict[str, Any]) -> list[str]:
    return [f"{found['passed']} tests passed, {found['failed']} failed, at full float32 precision on the device."]


def _speed(found: dict[str, Any]) -> list[str]:
    card = found["roof"]
    roof = [
        f"The card itself: large products {card['float32 GFLOP/s']:,.0f} GFLOP/s in float32 and "
        f"{card['tf32 GFLOP/s']:,.0f} in TF32; a large copy {card['copy GB/s']:,.0f} GB/s.",
        "",
    ]
    columns = {
        "precision": str,
        "seeds": _whole,
        "steps/s": _whole,
        "slowest": _whole,
        "GFLOP/s": _whole,
        "GB/s": _whole,
        "launches": _whole,
        "MB of state a seed": _two_digits,
        "MB of temporaries a seed": _two_digits,
        "compile seconds": _two_digits,
        "other seconds before training": _two_digits,
    }
    counted = "GFLOP/s count products; GB/s count weights, moments and gradients (`benchmarks/accelerator/roof.py`)."
    return [*roof, *_table(found["rows"], columns), "", counted]


def _one_file(found: dict[str, Any]) -> list[str]:
    rates = found["steps/s"]
    return [
        f"{found['seeds']} seeds in turns in one process: ours {rates['ours']:,.0f} steps/s, one file of "
        f"`jit(vmap(train))` {rates['one file']:,.0f}: {found['ratio']:.2f} times as fast. HOLD % of the first 5 120 "
        f"steps: {found['HOLD %']['ours']:.1f} and {found['HOLD %']['one file']:.1f}."
    ]


def _equivalence(found: dict[str, Any]) -> list[str]:
    rows = [{"precision": name} | values for name, values in found.items() if isinstance(values, dict)]
    columns = {
        "precision": str,
        "equivalent": _whole,
        "means": _whole,
        "energy p": _two_digits,
        "largest difference": _two_digits,
    }
    return [*_table(rows, columns), "", "Differences are in margins of equivalence (`benchmarks.reference_curves`)."]


def _resuming(found: dict[str, Any]) -> list[str]:
    outcome = "the same bits" if found["same bits"] else f"other bits in {', '.join(found['different files'])}"
    return [
        f"{found['seeds']} seeds × {found['steps']:,} steps, killed (`kill -9`) {found['kills']} times and resumed by "
        f"new processes, the last one with an empty cache of programs: {outcome} as the run that was not killed."
    ]


def _many_seeds(found: dict[str, Any]) -> list[str]:
    what = f"tune2, {found['seeds']:,} seeds × {found['steps']:,} steps, from the command to the report"
    return [f"{what}: **{found['seconds']:.0f} s**.", "", "```", *found["log"], "```"]


def _profile(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['seeds']:,} seeds in float32: {found['launches']:,} launches an update, counted in the program.",
        "",
    ]
    columns: dict[str, Callable[[Any], str]] = {"turns": _whole, "launches a turn": _whole, "launches": _whole}
    lines += _table(found.get("loops", []), columns | {"kinds": str})
    if not found.get("kernels"):
        return [*lines, "", "The profiler saw no kernels of a device."]
    busy, span = found["busy microseconds"], found["span microseconds"]
    lines += [
        "",
        f"The profiler saw {found['number of kernels']:,} kernels, {busy / 1e3:,.1f} ms of {span / 1e3:,.1f} ms "
        f"({1 - busy / span:.0%} gaps):",
        "",
    ]
    rows = [{"kernel": f"`{kernel['name'][:80]}`", **kernel} for kernel in found["kernels"]]
    return lines + _table(rows, {"kernel": str, "count": _whole, "sum": _whole, "mean": _two_digits})


def _table(rows: Iterable[dict[str, Any]], columns: dict[str, Callable[[Any], str]]) -> list[str]:
    """A Markdown table; what a row does not have is a dash."""
    lines = [_row(columns), "|" + "|".join("---" if show is str else "---:" for show in columns.values()) + "|"]
    for row in rows:
        lines.append(_row(show(row[name]) if row.get(name) is not None else "–" for name, show in columns.items()))
    return lines


def _row(cells: Iterable[str] | Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _two_digits(value: float) -> str:
    return f"{value:,.2f}"


_SECTIONS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "a": _golden,
    "b": _speed,
    "c": _one_file,
    "d": _equivalence,
    "e": _resuming,
    "f": _many_seeds,
    "g": _profile,
}
