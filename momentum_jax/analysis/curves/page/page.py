"""The page of an analysis: report.md, report.html, its figures, analysis.json and seeds.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.analysis.curves.dip_result import DipResult
from momentum_jax.analysis.curves.page.display_tables import difference_unit
from momentum_jax.analysis.curves.page.page_sections import page_sections
from momentum_jax.analysis.curves.page.pictures import pictures
from momentum_jax.analysis.figures import save_figure
from momentum_jax.analysis.report.document import Image
from momentum_jax.analysis.report.formatting import format_steps
from momentum_jax.analysis.report.html_page import four_digits, page_text
from momentum_jax.analysis.report.rendering import to_markdown
from momentum_jax.run_directory import write_atomic

_MOST_VALUES = 200_000  # of the curves that the page's script draws


def write_page(
    result: DipResult, folder: str | Path, source: str = "arrays", notes: Sequence[str] = (), command: str = ""
) -> Path:
    """Writes the page; an earlier one is overwritten.

    Files: ``report.md``, ``report.html`` (one file that needs no other), ``figures/*.png, *.svg``, ``analysis.json``
    (`DipResult.to_json`) and ``seeds.csv``; each whole or not at all, report.md last.

    Args:
        result: of the analysis.
        folder: made where it is missing.
        source: what the curves were read from.
        notes: what their reader derived.
        command: that makes the page again.

    Returns:
        The path of report.md.
    """
    target = Path(folder)
    images = []
    for picture in pictures(result):
        save_figure(picture.figure, target / "figures" / picture.name)
        images.append(Image(picture.name, picture.caption))
    write_atomic(target / "analysis.json", result.to_json().encode())
    write_atomic(target / "seeds.csv", result.seeds.to_csv(index=False).encode())
    title = f"Dips of {result.curves.value_name}"
    sections = page_sections(result, images, source, notes, command)
    write_atomic(target / "report.html", page_text(title, sections, target / "figures", explorer_data(result)).encode())
    path = target / "report.md"
    write_atomic(path, to_markdown(title, sections).encode())
    return path


def explorer_data(result: DipResult) -> dict[str, Any]:
    """What the page's script draws, in the form of `html_page.page_data`; many seeds are thinned evenly."""
    curves = result.curves
    every = -(-curves.values.size // _MOST_VALUES)
    chosen = np.arange(0, len(curves.seeds), every)
    name = curves.value_name
    return {
        "steps": [int(step) if step == int(step) else float(step) for step in curves.steps],
        "arms": list(curves.arms),
        "seeds": [curves.seeds[place] for place in chosen],
        "metrics": [{"label": name, "unit": curves.unit, "kinds": {"windowed": name}}],
        "curves": {name: four_digits(curves.values[:, chosen])},
        "dips": [
            {
                "curve": name,
                "baseline": 0,
                "label": f"{name}, from step {format_steps(result.choices.baseline.step)}",
                "unit": difference_unit(result),
                "rows": _dips(result.seeds, curves, [curves.seeds[place] for place in chosen]),
            }
        ],
        "primary": name,
    }


def _dips(seeds: pd.DataFrame, curves: CurveSet, labels: Sequence[str]) -> list[list[dict[str, Any]]]:
    """By arm and seed; a seed that the arm has not run has no dip."""
    rows = {(row["arm"], row["seed"]): row for row in seeds.to_dict("records")}
    return [[_dip(rows.get((arm, seed), {})) for seed in labels] for arm in curves.arms]


def _dip(row: dict[Any, Any]) -> dict[str, Any]:
    def known(column: str, scale: float = 1) -> float | None:
        value = row.get(column)
        return None if value is None or pd.isna(value) else float(f"{float(value) * scale:.4g}")

    is_dip = row.get("is_dip", False) is True  # missing of a seed that is not judged
    steps = {name: known(f"{name}_step") if is_dip else None for name in ("onset", "trough", "recovery")}
    return {
        "class": row.get("class", "none"),
        "depth": known("depth"),
        **steps,
        "area": known("area", 1e-3) if is_dip else None,
        "failed": None,
    }
