"""Published numbers among the seeds of a study's runs."""

from __future__ import annotations

import pandas as pd

from momentum_jax.analysis.report.formatting import format_steps


def places_for_reading(places: pd.DataFrame) -> pd.DataFrame:
    """Every published number with its percentile among the seeds, and where one more run would fall.

    Args:
        places: as `claim_tables.published_places` returns them, also of several runs; may be empty.
    """
    names = ["run", "env_steps", "counted", "metric", "published", "seeds", "seeds_median", "percentile"]
    ends = {"prediction_low": "one_more_low", "prediction_high": "one_more_high"}
    return places[[*names, *ends]].rename(columns=ends) if len(places) else places


def places_summary(places: pd.DataFrame) -> pd.DataFrame:
    """How many published numbers lie where one more run would, and which do not, as they were published.

    Args:
        places: as `places_for_reading` returns them.
    """
    if places.empty:
        return places
    rows = []
    cumulative = places[places["counted"] == "cumulative"]
    for (run, seeds), of_run in cumulative.groupby(["run", "seeds"], sort=False):
        known = of_run.dropna(subset=["percentile"])
        outside = known[(known["published"] < known["one_more_low"]) | (known["published"] > known["one_more_high"])]
        words = [
            f"{row['metric']} at {format_steps(row['env_steps'])} "
            f"({row['published']:.1f}; {row['one_more_low']:.1f} to {row['one_more_high']:.1f})"
            for row in outside.to_dict("records")
        ]
        counts = {"published_numbers": len(known), "within": len(known) - len(outside)}
        rows.append({"run": run, "seeds": seeds, **counts, "outside": "; ".join(words)})
    return pd.DataFrame(rows)
