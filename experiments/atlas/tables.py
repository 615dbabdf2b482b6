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
from .measures import Arm, Measured, depths_by_noise, final_means, gain_of, greedy_falls, has_own_episodes, measured

Floats = npt.NDArray[np.float64]

_WINDOWS = 4  # between checkpoints, over which the training's reward is averaged
UNKNOWN = Interval(np.nan, np.nan, np.nan, "no control, or no range")


def atlas(market: Market) -> pd.DataFrame:
    """How many seeds dip, how deep, and what the control does; brackets are 95 % intervals over seeds.

    Shares and depths are left out where the population does not get better, for they are of its range.
    """
    return _by_environment(market, _prevalence)


def _prevalence(one: Measured) -> dict[str, Any]:
    learner, control, judged = one.learner, one.control, one.judged
    row: dict[str, Any] = {"learns": _learns(one), "seeds": len(learner.seeds)}
    row |= ends("dips_pct", share_of(learner.dips) if judged else UNKNOWN)
    row |= ends("falls_pct", share_of(learner.falls) if judged else UNKNOWN)
    row |= ends("control_falls_pct", share_of(control.falls) if judged and control else UNKNOWN)
    row |= ends("depth_pct", mean_interval(learner.depth) if judged else UNKNOWN)
    row |= {"depth_by_noise_pct": float(depths_by_noise(one).mean()) if judged else np.nan}
    row |= ends("shifts_pct", share_of(learner.shifts))
    return row | ends("control_shifts_pct", UNKNOWN if control is None else share_of(control.shifts))


def _learns(one: Measured) -> str:
    if not one.entry.learnable:
        return "cannot"
    return "yes" if one.learned else "not in this time"


def differences(market: Market) -> pd.DataFrame:
    """The learner less its control on the seeds that both have; the gain, and falls of the greedy policy."""
    return _by_environment(market, _differences, judged_alone=True)


def _differences(one: Measured) -> dict[str, Any]:
    learner, control = one.learner, one.control
    row = ends("gain_pct", one.gain)
    row |= ends("control_gain_pct", UNKNOWN if control is None else gain_of(control.returns))
    row |= ends("greedy_falls_pct", share_of(greedy_falls(one, learner)))
    row |= ends("control_greedy_falls_pct", UNKNOWN if control is None else share_of(greedy_falls(one, control)))
    row |= {"falls_by_noise_pct": 100 * float((depths_by_noise(one) >= claims.SMALLEST).mean())}
    for number in ("falls", "shifts"):
        row |= ends(f"{number}_less_control", UNKNOWN if control is None else difference(learner, control, number))
    return row | ends("control_dips_pct", UNKNOWN if control is None else share_of(control.dips))


def populations(market: Market) -> pd.DataFrame:
    """The mean over all seeds where it falls early on: evaluated, and the training's own reward per 1 000 steps.

    Where all seeds were evaluated on the same episodes (`settings`), luck in these is common to them and in no interval
    here. The training's own reward knows none of it.
    """
    table = _by_environment(market, _population)
    return table[table["lowest_at_step"] > 0] if len(table) else table


def _population(one: Measured) -> dict[str, Any]:
    rewards, rate = one.learner.rewards, one.learner.reward_rate
    lowest = int(rewards[:, one.early].mean(axis=0).argmin())
    row = {"lowest_at_step": int(one.steps[lowest])} | ends("at_start", mean_interval(rewards[:, 0]))
    row |= ends("lowest", mean_interval(rewards[:, lowest])) | ends("at_end", mean_interval(final_means(rewards)))
    row |= {"error_of_one_seed": float(one.learner.errors_of_rewards[:, 0].mean())}
    first, around = (rate[:, 1 : 1 + _WINDOWS], rate[:, max(lowest - _WINDOWS + 1, 1) : lowest + 1])
    for name, windows in (("training_at_first", first), ("training_at_lowest", around)):
        row |= ends(name, mean_interval(windows.mean(axis=1)) if windows.size else UNKNOWN)
    return row


def when(market: Market) -> pd.DataFrame:
    """When the dips are, and how long: medians over the seeds that dip with their quartiles, percent of the run.

    A quartile is empty where such a dip does not come back within the run.
    """
    table = _by_environment(market, _times, judged_alone=True)
    return table[table["dips"] > 0] if len(table) else table


def _times(one: Measured) -> dict[str, Any]:
    found, dips, end = one.learner.found, one.learner.dips, float(one.steps[-1])
    row: dict[str, Any] = {"steps": int(end), "dips": int(dips.sum())}
    for name, values in (
        ("onset", found.onset_step),
        ("trough", found.trough_step),
        ("duration", np.where(np.isnan(found.duration), np.inf, found.duration)),
    ):
        row |= _quartiles(f"{name}_pct_of_run", 100 * values[dips] / end)
    row |= ends("come_back_pct", share_of(one.learner.comes_back[dips]))
    return row | ends("depth_of_dips_pct", mean_interval(found.depth[dips]))


def _quartiles(name: str, values: Floats) -> dict[str, float]:
    known = values[~np.isnan(values)]
    # A dip that does not come back within the run lasts longer than any number says: such quartiles are left out.
    numbers = np.quantile(known, (0.5, 0.25, 0.75), method="inverted_cdf") if len(known) else np.full(3, np.nan)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    return dict(zip((f"{name}_median", f"{name}_q25", f"{name}_q75"), map(float, numbers), strict=True))


def before_and_after(market: Market) -> pd.DataFrame:
    """Churn around the dips, what they say of the end, and whether they come in two groups."""
    return _by_environment(market, _around, judged_alone=True)


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


def verdicts(market: Market) -> pd.DataFrame:
    """The verdicts of `declared`, a column for each claim."""
    table = declared(market)
    if table.empty:
        return table
    wide = table.pivot(index="environment", columns="claim", values="claim_verdict")
    order = [statement.name for statement in claims.DECLARED]
    return wide.loc[table["environment"].unique(), order].rename_axis(columns=None)


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
            "drawn_for": "each seed" if has_own_episodes(market, entry.part) else "all seeds",
            "cut_off_at": entry.eval_max_steps or "",
            "differs": entry.differs,
        }
        for entry in (*ENTRIES, *ADDED)
        if entry.part in market.parts
    ]
    return pd.DataFrame(rows)


def _by_environment(
    market: Market, numbers: Callable[[Measured], dict[str, Any]], judged_alone: bool = False
) -> pd.DataFrame:
    chosen = [one for one in measured(market) if one.judged or not judged_alone]
    return pd.DataFrame([{"environment": one.entry.part} | numbers(one) for one in chosen])


def share_of(flags: npt.NDArray[np.bool_]) -> Interval:
    """Percent of the seeds, with Wilson's interval."""
    return in_percent(wilson_interval(int(flags.sum()), len(flags)))


def difference(learner: Arm, control: Arm, number: str) -> Interval:
    """Points of a share, learner less control on the seeds that both have, with Newcombe's interval."""
    return in_percent(compare_shares(*judging.paired(learner, control, number)).difference)
