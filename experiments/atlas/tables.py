"""The tables of the atlas, a function each, from the condensed runs; a row for each environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_jax.analysis.inference.intervals import Interval, mean_interval, wilson_interval
from momentum_jax.analysis.inference.level import LEVEL
from momentum_jax.analysis.inference.multiplicity import holm
from momentum_jax.analysis.inference.paired import compare_shares
from momentum_jax.analysis.pages.blocks.depth_tables import ends, in_percent
from momentum_jax.analysis.pages.study_market import Market

from . import around_dips, claims, judging
from .environments import ADDED, ENTRIES
from .measures import Arm, Measured, depths_by_noise, measured

Floats = npt.NDArray[np.float64]


def atlas(market: Market) -> pd.DataFrame:
    """How many seeds dip, how deep, and what the control does; brackets are 95 % intervals over seeds."""
    return _by_environment(market, _prevalence)


def _prevalence(one: Measured) -> dict[str, Any]:
    learner, control = one.learner, one.control
    row: dict[str, Any] = {"seeds": len(learner.seeds)}
    row |= ends("gain_pct", one.gain)
    row |= ends("dips_pct", share_of(learner.dips))
    row |= ends("come_back_pct", share_of(learner.comes_back[learner.dips]))
    row |= ends("depth_pct", mean_interval(learner.depth))
    by_noise = depths_by_noise(one)
    row["depth_by_noise_pct"] = float(by_noise.mean())
    row |= ends("falls_pct", share_of(learner.falls))
    row["falls_by_noise_pct"] = 100 * float((by_noise >= claims.SMALLEST).mean())
    row |= ends("shifts_pct", share_of(learner.shifts))
    if control is not None:
        row |= ends("control_dips_pct", share_of(control.dips))
        row |= ends("control_falls_pct", share_of(control.falls))
        row |= ends("falls_less_control", difference(learner, control, "falls"))
        row |= ends("control_shifts_pct", share_of(control.shifts))
        row |= ends("shifts_less_control", difference(learner, control, "shifts"))
    return row


def when(market: Market) -> pd.DataFrame:
    """When the dips are, and how long: medians over the seeds that dip with their quartiles, percent of the run."""
    return _by_environment(market, _times)


def _times(one: Measured) -> dict[str, Any]:
    found, dips, end = one.learner.found, one.learner.dips, float(one.steps[-1])
    row: dict[str, Any] = {"steps": int(end), "dips": int(dips.sum())}
    for name, values in (
        ("onset", found.onset_step),
        ("trough", found.trough_step),
        ("duration", np.where(np.isnan(found.duration), np.inf, found.duration)),
    ):
        row |= _quartiles(f"{name}_pct_of_run", 100 * values[dips] / end)
    return row | ends("depth_of_dips_pct", mean_interval(found.depth[dips]))


def _quartiles(name: str, values: Floats) -> dict[str, float]:
    known = values[~np.isnan(values)]
    # A dip that does not come back within the run lasts longer than any number says: such quartiles are left out.
    numbers = np.quantile(known, (0.5, 0.25, 0.75), method="inverted_cdf") if len(known) else np.full(3, np.nan)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    return dict(zip((f"{name}_median", f"{name}_q25", f"{name}_q75"), map(float, numbers), strict=True))


def before_and_after(market: Market) -> pd.DataFrame:
    """Churn around the dips, what they say of the end, and whether they come in two groups."""
    return _by_environment(market, _around)


def _around(one: Measured) -> dict[str, Any]:
    churn, end = around_dips.churn(one), around_dips.end(one)
    row: dict[str, Any] = {"dips": int(one.learner.dips.sum())}
    row |= ends("churn_before", churn.before.difference)
    row |= ends("churn_during", churn.during)
    row |= ends("churn_against_own", churn.own)
    row |= ends("depth_and_end", end.correlation)
    row |= ends("end_of_dippers_less_others", end.difference)
    groups, of_noise = around_dips.groups(one), around_dips.groups_by_noise(one)
    return row | {"groups_p": groups.p_value, "groups_p_by_noise": of_noise.p_value}


def declared(market: Market) -> pd.DataFrame:
    """What was claimed of every environment before the first run, judged; Holm's method over the environments."""
    rows = []
    learned = [one for one in measured(market) if one.learned and one.declared]
    for statement in claims.DECLARED:
        tests = [judging.TESTS[statement.name](one) for one in learned]
        p_values = holm([test.p_value for test in tests])
        for one, test, p_value in zip(learned, tests, p_values, strict=True):
            rows.append(
                {
                    "claim": statement.name,
                    "environment": one.entry.part,
                    **ends("number", test.number),
                    "p_value": test.p_value,
                    "holm_p_value": p_value,
                    "claim_verdict": judging.verdict(statement, test, float(p_value), LEVEL),
                }
            )
    return pd.DataFrame(rows)


def settings(market: Market) -> pd.DataFrame:
    """Whose settings each environment has, how long it is trained, and what is not as in the source."""
    rows = [
        {
            "environment": entry.part,
            "name": entry.environment,
            "source": entry.source,
            "steps": entry.timesteps,
            "of_usual_length_pct": round(100 * entry.timesteps / entry.usual_steps, 1),
            "seeds": entry.num_seeds,
            "control_seeds": entry.num_control_seeds,
            "checkpoints": len(entry.checkpoints) + 1,
            "episodes": entry.eval_episodes,
            "cut_off_at": entry.eval_max_steps or "",
            "differs": entry.differs,
        }
        for entry in (*ENTRIES, *ADDED)
        if entry.part in market.parts
    ]
    return pd.DataFrame(rows)


def _by_environment(market: Market, numbers: Callable[[Measured], dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{"environment": one.entry.part} | numbers(one) for one in measured(market)])


def share_of(flags: npt.NDArray[np.bool_]) -> Interval:
    """Percent of the seeds, with Wilson's interval."""
    return in_percent(wilson_interval(int(flags.sum()), len(flags)))


def difference(learner: Arm, control: Arm, number: str) -> Interval:
    """Points of a share, learner less control on the seeds that both have, with Newcombe's interval."""
    return in_percent(compare_shares(*judging.paired(learner, control, number)).difference)
