"""Curves derived from the recorded counts and probabilities, all of them in percent.

A percentage is NaN where its denominator is 0 (no decision of that kind was taken), and from
the step at which a seed failed.
"""

from __future__ import annotations

import json

import xarray as xr

from momentum_jax.diagnostics.variables import DIVERGENCE_LIMIT
from momentum_jax.env.momentum_diagnostics import STRONG_SCORE

_BUYS = ["BUY_CALL", "BUY_PUT"]
TRIGGERS = (
    "good_buy",
    "missed_opportunity",
    "bad_chase",
    "forced_stop",
    "low_advantage",
    "trim",
    "exit",
)

_LONG_NAMES = {
    "hold_pct": ("HOLD", "flat decisions", -1),
    "call_pct": ("BUY_CALL", "flat decisions", 0),
    "put_pct": ("BUY_PUT", "flat decisions", 0),
    "buy_pct": ("BUY", "flat decisions", 1),
    "strong_buy_pct": (f"BUY at setup scores from {STRONG_SCORE}", "flat decisions at strong setups", 1),
    "weak_buy_pct": (f"BUY at setup scores below {STRONG_SCORE}", "flat decisions at weak setups", 0),
}
_PROBE_NAMES = {
    "hold_pct": "p_hold",
    "call_pct": "p_call",
    "put_pct": "p_put",
    "buy_pct": "p_buy",
    "strong_buy_pct": "p_buy_strong",
    "weak_buy_pct": "p_buy_weak",
}


def flat_percentages(flat_count: xr.DataArray) -> xr.Dataset:
    """Shares of actions among decisions taken while flat.

    Args:
        flat_count: ``[..., setup_score, action]`` counts of any window, or expected counts.

    Returns:
        ``hold_pct, call_pct, put_pct, buy_pct, strong_buy_pct, weak_buy_pct``, each ``[...]``
        in percent, NaN where there was no such decision.
    """
    strong = flat_count.sel(setup_score=slice(STRONG_SCORE, None)).sum("setup_score", skipna=False)
    weak = flat_count.sel(setup_score=slice(None, STRONG_SCORE - 1)).sum("setup_score", skipna=False)
    every = strong + weak
    return xr.Dataset(
        {
            "hold_pct": _share(every, ["HOLD"]),
            "call_pct": _share(every, ["BUY_CALL"]),
            "put_pct": _share(every, ["BUY_PUT"]),
            "buy_pct": _share(every, _BUYS),
            "strong_buy_pct": _share(strong, _BUYS),
            "weak_buy_pct": _share(weak, _BUYS),
        }
    )


def _share(by_action: xr.DataArray, actions: list[str]) -> xr.DataArray:
    total = by_action.sum("action", skipna=False)
    chosen = by_action.sel(action=actions).sum("action", skipna=False)
    return 100 * chosen / total.where(total > 0)


def failed_steps(ds: xr.Dataset) -> xr.DataArray:
    """``[arm, seed]`` int64: the env step at which the seed failed, -1 where it did not.

    A run that was recorded before there was a limit has failed at the first checkpoint whose value loss is above it.
    """
    recorded = ds["failed_step"].max("checkpoint").fillna(-1).astype("int64")
    diverged = ds["value_loss"] > divergence_limit(ds)
    step = ds["env_steps"].where(diverged).min("checkpoint")
    return recorded.where((recorded >= 0) | step.isnull(), step.fillna(-1)).astype("int64")


def divergence_limit(ds: xr.Dataset) -> float:
    """Value loss above which a seed of a run counts as diverged."""
    return json.loads(ds.attrs.get("config", "{}")).get("divergence_limit", DIVERGENCE_LIMIT)


def healthy(ds: xr.Dataset) -> xr.DataArray:
    """``[arm, seed, checkpoint]`` bool: the seed had not failed by that checkpoint."""
    failed = failed_steps(ds)
    return (failed < 0) | (ds["env_steps"] < failed)


def healthy_seeds(ds: xr.Dataset) -> int:
    """Seeds that did not fail, in the arm that has most of them."""
    return int((failed_steps(ds) < 0).sum("seed").max())


def derive_curves(ds: xr.Dataset) -> xr.Dataset:
    """Every derived curve of a loaded run.

    Args:
        ds: as `momentum_jax.run_directory.load_run` returns it.

    Returns:
        Dataset over ``[arm, seed, checkpoint]``:

        - ``hold_pct, call_pct, put_pct, buy_pct, strong_buy_pct, weak_buy_pct``: within the
          window that ends at the checkpoint; with ``_cumulative``: since step 0.
        - ``p_hold, p_call, p_put, p_buy, p_buy_strong, p_buy_weak``: exact probabilities in
          percent, over the flat probe states; ``p_hold_half`` has ``[..., probe_half]``.
        - ``<trigger>_cumulative`` for each trigger: count since step 0.
    """
    alive = healthy(ds)
    windowed = _described(flat_percentages(ds["flat_count"]), "windowed")
    cumulative = _described(flat_percentages(ds["flat_count"].cumsum("checkpoint")), "cumulative")
    curves = windowed.assign({f"{name}_cumulative": curve for name, curve in cumulative.items()})
    curves = curves.assign(_probe_curves(ds))
    for name in TRIGGERS:
        total = ds[name].cumsum("checkpoint").astype(float)
        total.attrs = ds[name].attrs | {"kind": "cumulative"}
        curves[f"{name}_cumulative"] = total
    with xr.set_options(keep_attrs=True):
        masked = curves.where(alive)
    return masked.assign_coords({name: ds[name] for name in ("env_steps", "update")})


def _probe_curves(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """Exact shares: probabilities weighted by how many probe states have each score."""
    count = ds["probe_count"]
    # A score without probe states has no probability (NaN) and no weight.
    expected = xr.where(count > 0, ds["p_action"] * count, 0.0)
    overall = _described(flat_percentages(expected.sum("probe_half", skipna=False)), "instant")
    halves = _described(flat_percentages(expected), "instant")
    curves = {probe: overall[name] for name, probe in _PROBE_NAMES.items()}
    return curves | {"p_hold_half": halves["hold_pct"]}


def _described(percentages: xr.Dataset, kind: str) -> xr.Dataset:
    exact = kind == "instant"
    for name, (long_name, denominator, good_direction) in _LONG_NAMES.items():
        percentages[name].attrs = {
            "long_name": f"P({long_name}) on flat probe states" if exact else long_name,
            "units": "%",
            "kind": kind,
            "estimator": "exact" if exact else "sampled",
            "denominator": "probe_count" if exact else denominator,
            "good_direction": good_direction,
        }
    return percentages
