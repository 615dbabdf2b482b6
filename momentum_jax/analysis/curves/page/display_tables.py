"""The tables of an analysis as they are read: fewer columns, units in their names, intervals beside their numbers."""

from __future__ import annotations

import pandas as pd

from momentum_jax.analysis.curves.dip_result import DipResult
from momentum_jax.analysis.report.formatting import format_ranges, format_steps, in_unit, without_few_seeds

# What a table's row calls each compared quantity.
_QUANTITIES = {"depth": "depth", "prevalence_pct": "seeds that dip, %", "forgetting": "forgetting"}
_QUESTIONS = {
    "prevalence_pct within": "share of seeds that dip, known to ± percentage points",
    "prevalence_pct differs by": "shares of two arms that differ by percentage points",
    "depth within": "mean depth, known to ±",
    "depth differs by": "mean depths of two arms that differ by",
}


def difference_unit(result: DipResult) -> str:
    """Unit of a difference of two values; empty of pure numbers."""
    return "points" if result.curves.unit == "%" else result.curves.unit


def prevalence_table(result: DipResult) -> pd.DataFrame:
    """How many seeds of each arm dip, and how deep."""
    population = result.population
    depth = in_unit("depth", difference_unit(result))
    columns = {
        "arm": population["arm"],
        "dips": _of(population["dips"], population["judged"]),
        **_with_ends(population, "prevalence_pct", "dip, %"),
        **_with_ends(population, "depth_mean", f"mean {depth}"),
        **_with_ends(population, "depth_median", "median depth"),
        **_with_ends(population, "depth_worst_10_pct", "worst 10 %"),
        "deepest": population["depth_max"],
    }
    return _one_arm(result, pd.DataFrame(columns))


def course_table(result: DipResult) -> pd.DataFrame:
    """When the dips of each arm come and go, and whether chance explains them."""
    population = result.population
    columns = {
        "arm": population["arm"],
        "median trough_step": population["trough_step_median"],
        **_with_ends(population, "recovered_pct", "recovered by the end, %"),
        "median recovery steps": population["recovery_steps_median"],
        **_with_ends(population, "forgetting_mean", in_unit("mean forgetting", difference_unit(result))),
    }
    if result.choices.noise != "exact":
        columns |= {
            "falls beyond noise": _of(population["exceed_noise"], population["judged"]),
            "chance of so many, p_value": population["p_chance"],
        }
    return _one_arm(result, pd.DataFrame(columns))


def comparison_display(result: DipResult) -> pd.DataFrame:
    """Arm less reference; empty of one arm."""
    table = result.comparison
    if table.empty:
        return table
    seeds = table["paired"].map({True: "the same", False: "others"})
    # Depths and shares have units of their own, so each row is written by itself.
    ends = without_few_seeds(table)[["difference", "difference_low", "difference_high"]]
    differences = [format_ranges(*(pd.Series([value]) for value in row))[0] for row in ends.to_numpy(float)]
    shown = table.assign(quantity=table["quantity"].map(_QUANTITIES), seeds_are=seeds)
    shown["difference [low, high]"] = differences
    names = ["arm", "minus", "quantity", "seeds_are", "pairs", "difference [low, high]", "p_value", "p_holm"]
    return shown[names]


def sensitivity_grid(result: DipResult, arm: str) -> pd.DataFrame:
    """Share of an arm's seeds that dip, in per cent: rows thresholds, columns horizons, at the chosen baseline."""
    table = result.sensitivity
    rows = table[(table["arm"] == arm) & (table["baseline_step"] == result.choices.baseline.step)]
    grid = rows.pivot_table(index="threshold", columns="horizon_step", values="prevalence_pct", sort=True)
    grid.columns = pd.Index([f"by {format_steps(step)}" for step in map(float, grid.columns)])
    grid = grid.map("{:.0f}".format, na_action="ignore")
    grid.insert(0, in_unit("threshold", difference_unit(result)), [f"{value:.4g}" for value in grid.index])
    return grid.reset_index(drop=True)


def sample_size_display(result: DipResult, arm: str) -> pd.DataFrame:
    """Seeds that a new study needs, by question, if they are like those of an arm."""
    table = result.sample_size[result.sample_size["arm"] == arm].reset_index(drop=True)
    needed = ["more than 4 096" if pd.isna(number) else f"{number:.0f}" for number in table["seeds_needed"]]
    return pd.DataFrame(
        {
            "question": table["question"].map(_QUESTIONS),
            "margin": [f"{margin:.3g}" for margin in table["margin"]],
            "seeds needed": needed,
        }
    )


def by_step_display(result: DipResult, arm: str) -> pd.DataFrame:
    """The seeds of an arm at every step: median and its band, mean, inter-percentile range."""
    rows = result.by_step[result.by_step["arm"] == arm]
    names = ["step", "seeds", "median", "median_low", "median_high", "mean", "range_50", "range_90"]
    return rows[[name for name in names if name in rows]].reset_index(drop=True)


def _with_ends(table: pd.DataFrame, name: str, label: str) -> dict[str, pd.Series]:
    """A number with the ends of its interval, named as tables join them into one cell."""
    return {label: table[name], f"{label}_low": table[f"{name}_low"], f"{label}_high": table[f"{name}_high"]}


def _of(numbers: pd.Series, totals: pd.Series) -> pd.Series:
    return numbers.astype("Int64").astype("str") + "/" + totals.astype("str")


def _one_arm(result: DipResult, table: pd.DataFrame) -> pd.DataFrame:
    """Without the arm's name where there is one."""
    return table.drop(columns="arm") if len(result.curves.arms) == 1 else table
