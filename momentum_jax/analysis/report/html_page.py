"""report.html: one file with its style, script, data and figures inside."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import xarray as xr

from momentum_jax.analysis.metrics.derived_curves import derive_curves, healthy
from momentum_jax.analysis.metrics.metric_curves import dip_curves, primary_curve
from momentum_jax.analysis.report.document import Image, Section
from momentum_jax.analysis.report.formatting import format_steps
from momentum_jax.analysis.report.rendering import render
from momentum_jax.analysis.report.run_tables import dip_labels
from momentum_jax.analysis.report.sections import SUMMARY
from momentum_jax.diagnostics.variables import HEALTH_METRICS
from momentum_jax.run_directory import diagnostics_of

_LEARNER = (*HEALTH_METRICS, "reward_sum", "episode_return")
_COLORS = 64
_WIDEST = 1_400
_LARGEST = 20  # powers of ten up to 22 are exact
_POWERS = np.array([10.0**power for power in range(_LARGEST + 1)])


def to_page(title: str, ds: xr.Dataset, dips: pd.DataFrame, sections: Sequence[Section], figures: Path) -> str:
    """The page of a run as text.

    Args:
        title: heading and window title.
        ds: a loaded run, or several joined.
        dips: its dips, as `dip_table` returns them.
        sections: the report; the curves come after its summary.
        figures: folder with the PNG of every figure that the sections show.
    """
    return page_text(title, sections, figures, page_data(ds, dips))


def page_text(title: str, sections: Sequence[Section], figures: Path, data: Mapping[str, Any]) -> str:
    """A page with its curves to explore after the summary.

    Args:
        title: heading and window title.
        sections: one of them is called `SUMMARY`.
        figures: folder with the PNG of every figure that the sections show.
        data: as `page_data` returns it.
    """
    leading = 1 + next(place for place, section in enumerate(sections) if section.title == SUMMARY)
    return render(
        "report.html.j2",
        title=title,
        above=sections[:leading],
        below=sections[leading:],
        image_source=_image_source(sections, figures),
        data=data,
    )


def plain_page(title: str, sections: Sequence[Section], figures: Path) -> str:
    """A page without curves to explore and without any script.

    Args:
        title: heading and window title.
        sections: in their order.
        figures: folder with the PNG of every figure that the sections show.
    """
    return render(
        "plain.html.j2",
        title=title,
        sections=sections,
        image_source=_image_source(sections, figures),
    )


def page_data(ds: xr.Dataset, dips: pd.DataFrame) -> dict[str, Any]:
    """What the page's script draws, plain enough for JSON; null where there is no value.

    Returns:
        ``steps`` ``[K]``, ``arms``, ``seeds``; ``metrics`` with the curves that show them, the primary one first;
        ``curves`` by name ``[arm][seed][K]``; ``dips`` per metric and baseline ``[arm][seed]``; ``primary``: the name
        of the primary curve.
    """
    curves, diagnostics = derive_curves(ds), diagnostics_of(ds)
    metrics = sorted(diagnostics.metrics, key=lambda metric: metric.name != diagnostics.primary)
    chosen = [
        {"label": metric.long_name or metric.label, "unit": _unit(metric.unit), "kinds": metric.curves}
        for metric in metrics
    ]
    names = [name for name in _LEARNER if name not in curves]
    learner = [
        {"label": ds[name].attrs["long_name"], "unit": _unit(ds[name].attrs["units"]), "kinds": {"windowed": name}}
        for name in names
    ]
    drawn: dict[str, list[Any]] = {}
    for metric in metrics:
        rounded = _percent if metric.is_percentage else _digits
        drawn |= {name: rounded(curves[name]) for name in metric.curves.values()}
    alive = healthy(ds)
    drawn |= {name: _digits(ds[name].where(alive)) for name in names}
    return {
        "steps": ds["env_steps"].values.tolist(),
        "arms": ds["arm"].values.tolist(),
        "seeds": ds["seed"].values.tolist(),
        "metrics": chosen + learner,
        "curves": drawn,
        "dips": _dips(ds, dips),
        "primary": primary_curve(diagnostics).name,
    }


def _unit(units: str) -> str:
    return "" if units == "1" else units


def _percent(curve: xr.DataArray) -> list[Any]:
    values = curve.transpose("arm", "seed", "checkpoint").values
    return _nested(np.round(values, 1))


def _digits(variable: xr.DataArray) -> list[Any]:
    return four_digits(variable.transpose("arm", "seed", "checkpoint").values.astype(float))


def four_digits(values: np.ndarray) -> list[Any]:
    """Nested lists of the numbers with the four digits that a picture can show; None where there is none."""
    return _nested(_four_digits(values))


def _four_digits(values: np.ndarray) -> np.ndarray:
    """What ``float(f"{value:.4g}")`` makes of each value, without a text for nearly all of them."""
    counts = np.isfinite(values) & (values != 0)
    size = np.where(counts, np.abs(values), 1.0)
    place = np.clip(3 - np.floor(np.log10(size)), -_LARGEST, _LARGEST).astype(np.int64)
    # Powers of ten this small are exact, so that a whole number times or by one of them is the nearest to the text's.
    times, by = _POWERS[np.maximum(place, 0)], _POWERS[np.maximum(-place, 0)]
    scaled = size * times / by
    whole = np.rint(scaled)
    # Near a tie `scaled` is not exact enough to say which way the value is rounded.
    unsure = counts & ((scaled < 1_000) | (whole >= 10_000) | (np.abs(np.abs(scaled - whole) - 0.5) < 1e-6))
    digits = np.where(counts, np.copysign(np.where(unsure, 0.0, whole) * by / times, values), values)
    digits[unsure] = [float(f"{value:.4g}") for value in values[unsure].tolist()]
    return digits


def _nested(values: np.ndarray) -> list[Any]:
    """Nested lists with None for NaN and infinity, and whole numbers without a decimal point."""
    finite = np.isfinite(values)
    whole = finite & (np.trunc(values) == values)
    plain = values.astype(object)
    plain[~finite] = None
    plain[whole] = [int(value) for value in values[whole].tolist()]  # of any size, unlike int64
    return plain.tolist()


def _dips(ds: xr.Dataset, dips: pd.DataFrame) -> list[dict[str, Any]]:
    entries = []
    labels = dip_labels(ds)
    for curve in dip_curves(diagnostics_of(ds)):
        of_metric = dips[dips["metric"] == curve.name]
        digits = {"depth": 2, "area": 1} if curve.metric.is_percentage else {}
        for baseline in of_metric["baseline"].unique().tolist():
            by_arm = dict(list(of_metric[of_metric["baseline"] == baseline].groupby("arm")))
            start = "the start" if baseline == 0 else f"step {format_steps(baseline)}"
            entries.append(
                {
                    "curve": curve.name,
                    "baseline": baseline,
                    "label": f"{labels[curve.name]}, from {start}",
                    "unit": curve.points,
                    "rows": [[_dip(row, digits) for row in by_arm[arm].to_dict("records")] for arm in ds["arm"].values],
                }
            )
    return entries


def _dip(row: dict[Any, Any], digits: Mapping[str, int]) -> dict[str, Any]:
    """A seed's dip; `digits` after the point of its depth and area, without any four that count."""

    def known(name: str, scale: float = 1) -> float | None:
        if pd.isna(row[name]):
            return None
        value = float(row[name]) * scale
        if name.endswith("step"):
            return round(value, 1)
        return round(value, digits[name]) if name in digits else float(f"{value:.4g}")

    return {
        "class": row["class"],
        "depth": known("depth"),
        "onset": known("onset_step"),
        "trough": known("trough_step"),
        "recovery": known("recovery_step"),
        "area": known("area", 1e-3),
        "failed": int(row["failed_step"]) if row["failed_step"] >= 0 else None,
    }


def _image_source(sections: Sequence[Section], figures: Path) -> Callable[[str], str]:
    """The data URI of every figure of the sections, by its name; made side by side, as most of the time is in C."""
    names = [block.name for section in sections for block in section.blocks if isinstance(block, Image)]
    with ThreadPoolExecutor() as pool:
        sources = pool.map(_data_uri, [figures / f"{name}.png" for name in names])
        return dict(zip(names, sources, strict=True)).__getitem__


def _data_uri(path: Path) -> str:
    """A PNG as a data URI, narrowed and reduced to 64 colours: line drawings lose nothing that is seen."""
    with PIL.Image.open(path) as opened:
        image = opened.convert("RGB")
    image.thumbnail((_WIDEST, 10 * _WIDEST), PIL.Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.quantize(_COLORS).save(buffer, "PNG")  # "optimize" takes five times as long to spare a twentieth
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
