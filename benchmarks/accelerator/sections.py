"""What the page says of each part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

_KERNELS = 12  # lines of the profile's table


def not_measured(found: dict[str, Any]) -> list[str]:
    """What a part wanted and has no figures of, in words."""
    have = [[row["precision"], row["seeds"]] for row in found.get("rows", [])]
    missing = [each for each in found.get("wanted", []) if each not in have and each not in list(found)]
    return [each if isinstance(each, str) else f"{each[0]} at {each[1]:,} seeds" for each in missing]


def _golden(found: dict[str, Any]) -> list[str]:
    return [f"{found['passed']} tests passed, {found['failed']} failed, at full float32 precision on the device."]


def _speed(found: dict[str, Any]) -> list[str]:
    card = found["roof"]
    timed = [_beside_the_roof(row, card) for row in found["rows"] if "steps/s" in row]
    lines = [
        f"The card's own roof, measured: large products {card['float32 GFLOP/s']:,.0f} GFLOP/s in float32 and "
        f"{card['tf32 GFLOP/s']:,.0f} in TF32; a large copy {card['copy GB/s']:,.0f} GB/s, read and written.",
        "",
        *_table(timed, _SPEED_COLUMNS),
        "",
    ]
    lines += [f"{row['precision']} at {row['seeds']:,} seeds failed: {row['failed']}." for row in _failed(found)]
    if timed:
        spread = max((row["fastest"] - row["slowest"]) / row["steps/s"] for row in timed)
        lines += [f"Medians of three timings, which differ by {100 * spread:.1f} % at most.", ""]
    counted = "GFLOP/s count products, GB/s weights, moments and gradients (`benchmarks/accelerator/roof.py`)."
    counted += " Rows are compiled side by side, before any is timed: their seconds of compilation overlap."
    return [*lines, counted]


def _failed(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in found["rows"] if "failed" in row]


def _beside_the_roof(row: dict[str, Any], card: dict[str, float]) -> dict[str, Any]:
    """A row with its shares of the card's rates."""
    products = row["GFLOP/s"] / card[f"{row['precision']} GFLOP/s"]
    return row | {"of products' roof": products, "of copies' roof": row["GB/s"] / card["copy GB/s"]}


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
    different = found["different files"]
    outcome = "the same bits as"
    if not found["same bits"]:
        outcome = f"other bits in {len(different)} files, {different[0]} first, than"
    lines = [
        f"{found['seeds']} seeds × {found['steps']:,} steps, killed (`kill -9`) {found['kills']} times and resumed by "
        f"new processes, the last one with an empty cache of programs: {outcome} the run that was not killed."
    ]
    if "choices kept" in found:
        anew = found["choices made anew"]
        lines += [
            "",
            f"Choices of kernels: {found['choices kept']} kept by the run, {anew} others made by the last process.",
        ]
    return lines


def _many_seeds(found: dict[str, Any]) -> list[str]:
    what = f"tune2, {found['seeds']:,} seeds × {found['steps']:,} steps, from the command to the report"
    lines = [f"{what}: **{found['seconds']:.0f} s**.", "", "```", *found["log"], "```"]
    if "again" in found:
        again = found["again"]
        lines += ["", f"Again, with its programs in the cache: **{again['seconds']:.0f} s**.", ""]
        lines += ["```", *again["log"], "```"]
    return lines


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
        f"The profiler saw {found['number of kernels']:,} kernels, without command buffers: busy for "
        f"{busy / 1e3:,.1f} ms of {span / 1e3:,.1f}. The profiler makes gaps of its own: part b times an update "
        "without it.",
        "",
    ]
    rows = [
        {"kernel": f"`{kernel['name'][:60]}`", "share": kernel["sum"] / busy} | kernel
        for kernel in found["kernels"][:_KERNELS]
    ]
    shown = {"kernel": str, "times": _whole, "each, µs": _one_digit, "share": _percent}
    return lines + _table([row | {"times": row["count"], "each, µs": row["mean"]} for row in rows], shown)


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


def _one_digit(value: float) -> str:
    return f"{value:,.1f}"


def _two_digits(value: float) -> str:
    return f"{value:,.2f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


_SPEED_COLUMNS: dict[str, Callable[[Any], str]] = {
    "precision": str,
    "seeds": _whole,
    "steps/s": _whole,
    "launches": _whole,
    "GFLOP/s": _whole,
    "of products' roof": _percent,
    "GB/s": _whole,
    "of copies' roof": _percent,
    "MB of state a seed": _two_digits,
    "MB of temporaries a seed": _two_digits,
    "compile seconds": _whole,
    "other seconds before training": _whole,
}

OF_PART: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "a": _golden,
    "b": _speed,
    "c": _one_file,
    "d": _equivalence,
    "e": _resuming,
    "f": _many_seeds,
    "g": _profile,
}
