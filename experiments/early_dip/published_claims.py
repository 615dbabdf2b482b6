"""The claims made of the published runs, in the form that a run can decide.

All their percentages are cumulative from step 0, so they are judged on cumulative ones. Claim 7 is a
rule and not a number: it is judged by what becomes of the seeds that it would have stopped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from momentum_jax.analysis.claims.published import Rule, TradingClaim
from momentum_jax.analysis.metrics.derived_curves import failed_steps
from momentum_jax.analysis.report.run_tables import table_values
from momentum_jax.config import Claim, Criterion

STOP_RULE = "7"
_CHASE_LIMIT = 5.0
_STOP_STEPS = (10_000, 25_000, 50_000)
_TARGET_STEP = 100_000


def _criterion(metric: str, step: int, **limits: Any) -> Criterion:
    return Criterion(metric=metric, step=step, **({"arm": "tune2"} | limits))


def _targets(step: int, hold: float, buy: float, strong: float) -> tuple[Criterion, ...]:
    return (
        _criterion("hold_pct", step, maximum=hold),
        _criterion("buy_pct", step, minimum=buy),
        _criterion("strong_buy_pct", step, minimum=strong),
    )


def _bands(step: int, *bands: tuple[float, float]) -> tuple[Criterion, ...]:
    return tuple(
        _criterion(metric, step, arm="full", minimum=low, maximum=high)
        for metric, (low, high) in zip(("hold_pct", "buy_pct", "strong_buy_pct"), bands, strict=True)
    )


_RISE: dict[str, Any] = {"quantity": "change", "from_step": 5_000}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        name="1",
        statement="HOLD rises at 10k, then recovers by 25k: a temporary exploration dip",
        criteria=(
            _criterion("hold_pct", 10_000, **_RISE, minimum=0.0),
            _criterion("hold_pct", 25_000, **_RISE, maximum=0.0),
        ),
        note="Judged on the mean change from 5k. That exploration makes it is not decided here: claim 2 and the "
        "experiment trim_trap ask for the cause.",
    ),
    Claim(
        name="2",
        statement="ent_coef 0.10 instead of 0.08 (tune3) would remove the dip",
        criteria=(
            _criterion("hold_pct", 10_000, **_RISE, arm="tune3", maximum=0.0),
            _criterion("hold_pct", 10_000, **_RISE, arm="tune3", versus="tune2", maximum=0.0),
        ),
        note="Removed: in tune3 HOLD rises no more from 5k to 10k, and less than in tune2 on the same seeds.",
    ),
    Claim(
        name="3",
        statement="Targets at 100k: HOLD <= 40, BUY >= 60, strong BUY >= 70",
        criteria=_targets(100_000, 40, 60, 70),
        note="The published tune2, called a success, had strong BUY 68.3: it missed the third target by 1.7 points.",
    ),
    Claim(
        name="4",
        statement="Earlier gates: 10k HOLD <= 55, BUY >= 45, strong >= 50; 25k HOLD <= 40, BUY >= 60, strong >= 70",
        criteria=_targets(10_000, 55, 45, 50) + _targets(25_000, 40, 60, 70),
        note="The published tune2 missed all six.",
    ),
    Claim(
        name="5",
        statement="Trigger balance is healthy: good_buy > missed; chase stays small",
        criteria=(
            _criterion("strong_buy_pct", 100_000, minimum=50.0),
            _criterion("chase_pct", 100_000, maximum=_CHASE_LIMIT),
        ),
        note="good_buy > missed is strong BUY > 50 %. 'Small' was not given a number: read as 5 % of the flat buys.",
    ),
    Claim(
        name="6",
        statement="Expected bands of the full run, HOLD | BUY | strong, at 5k to 500k",
        criteria=(
            *_bands(5_000, (50, 55), (45, 50), (45, 55)),
            *_bands(10_000, (50, 60), (40, 50), (50, 60)),
            *_bands(25_000, (45, 55), (45, 55), (60, 70)),
            *_bands(50_000, (40, 50), (50, 60), (65, 75)),
            *_bands(100_000, (35, 45), (55, 65), (70, 80)),
            *_bands(500_000, (30, 40), (60, 70), (75, 85)),
        ),
        note="Judged on the mean over seeds; an arm with tune2's settings stands for full, whose settings they are.",
    ),
    Claim(
        name=STOP_RULE,
        statement="Stop a run if HOLD > 65 and stays there, strong BUY < 40, or the value loss is NaN or 0",
        unmeasured="the run does not reach 100k with an arm of tune2's settings",
        note="Applied at 10k, 25k and 50k ('stays': at two of them in a row). The rule is right if at most 50 % of the "
        "seeds it stops would have met the HOLD and BUY targets of claim 3.",
    ),
    Claim(
        name="8",
        statement="Offline evaluation: 10-30 trades a day, no loss beyond -15 %, win rate > 50 %, take-profits hit, "
        "all symbols traded",
        unmeasured="a run records training only; trades of an evaluation, take-profits and other symbols are not in it",
    ),
)


def stopped_seeds(ds: xr.Dataset) -> np.ndarray:
    """``[seed]`` bool of a run with one arm: claim 7's rule would have stopped the seed by 50k."""
    table = table_values(ds, _STOP_STEPS).sel(counted="cumulative").isel(arm=0)
    rows = np.flatnonzero(np.isin(table["env_steps"].values, _STOP_STEPS))
    hold = table["hold_pct"].transpose("checkpoint", "seed").values[rows]
    strong = table["strong_buy_pct"].transpose("checkpoint", "seed").values[rows]
    stays = ((hold[1:] > 65) & (hold[:-1] > 65)).any(axis=0)
    loss = ds["value_loss"].isel(arm=0).transpose("checkpoint", "seed").values
    failed = failed_steps(ds).isel(arm=0).values >= 0
    return stays | (strong < 40).any(axis=0) | failed | (loss == 0).any(axis=0)


def meets_targets(ds: xr.Dataset) -> np.ndarray:
    """``[seed]`` bool of a run with one arm: the seed meets the HOLD and BUY targets of claim 3."""
    table = table_values(ds).sel(counted="cumulative").isel(arm=0)
    row = int(np.flatnonzero(table["env_steps"].values == _TARGET_STEP)[0])
    at = table.isel(checkpoint=row)
    return ((at["hold_pct"] <= 40) & (at["call_pct"] + at["put_pct"] >= 60)).values


TRADING = {"8": TradingClaim(arm="tune2", trades_per_day=(10.0, 30.0), win_rate=50.0)}

RULES = {
    STOP_RULE: Rule(
        arm="tune2",
        step=_TARGET_STEP,
        selects=stopped_seeds,
        succeeds=meets_targets,
        maximum=50.0,
        words="of the {selected} of {seeds} seeds it stops, those that meet the HOLD and BUY targets at 100000",
        none_selected="no seed would have been stopped",
    )
}
