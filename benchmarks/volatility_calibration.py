"""Fit implied volatility and half-spreads of same-day options to real quotes, for `docs/realistic.md`.

    python -m benchmarks.volatility_calibration --quotes_folder=../shared/data

The quotes are minutes of SPXW options that expire on the day itself: 2021-01-04, -06 and -08, two strikes each.
The index is what put-call parity says, so that quote and underlying are of one moment. A minute counts where its strike
is at the money, within three quarters of a standard deviation of the move that is left. Quotes stay where they are.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from absl import app, flags
from scipy.optimize import brentq, minimize
from scipy.special import ndtr

from momentum_jax.market.contract_terms import MINUTE, MINUTES_A_SESSION, RISK_FREE_RATE, YEARS_TO_EXPIRY
from momentum_jax.market.volatility_curve import calibrated_volatility, implied_volatility

DAYS = ("2021-01-04", "2021-01-06", "2021-01-08")
AT_THE_MONEY = 0.75  # standard deviations of the move that is left
CLOSE = 16 * 60
BINS = (0, 5, 15, 30, 60, 120, 180, 240, 300, 390)
_QUOTES = flags.DEFINE_string("quotes_folder", "../shared/data", "folder of the quotes and of the daily VIX")
_FIGURES = flags.DEFINE_string("figures_folder", "docs/figures", "where the figure goes")


class Fit(NamedTuple):
    opening_ratio: float  # volatility over VIX with a whole session left
    time_power: float


def quotes(folder: Path) -> pd.DataFrame:
    """Minutes at the money: day, minutes left, VIX, spot, strike, call and put (middle), half-spreads, volatility."""
    vix = pd.read_csv(folder / "vix_daily.csv").rename(columns=str.lower)
    closes = pd.Series(vix["close"].to_numpy(), index=pd.to_datetime(vix["date"]))
    found = pd.concat([_day(folder, day, float(closes[closes.index < day].iloc[-1])) for day in DAYS])
    found = found[found["left"] >= 1].reset_index(drop=True)
    found["volatility"] = [_implied(*row) for row in found[["spot", "strike", "left", "call"]].to_numpy()]
    deviation = found["volatility"] * np.sqrt(found["left"] * MINUTE)
    near = (np.log(found["strike"] / found["spot"]) / deviation).abs() < AT_THE_MONEY
    return found[near].reset_index(drop=True)


def _day(folder: Path, day: str, vix: float) -> pd.DataFrame:
    stamp = day.replace("-", "")
    path = folder / "lean" / "indexoption" / "usa" / "minute" / "spxw" / f"{stamp}_quote_european.zip"
    sides: dict[float, dict[str, pd.DataFrame]] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            match = re.search(rf"_(call|put)_(\d+)_{stamp}\.csv$", name)
            if match:  # it expires on the day itself
                table = pd.read_csv(io.BytesIO(archive.read(name)), header=None)
                quote = pd.DataFrame({"bid": table[4].to_numpy() / 1e4, "ask": table[9].to_numpy() / 1e4})
                quote.index = table[0].to_numpy() // 60_000 + 1  # the minute's end
                sides.setdefault(int(match[2]) / 1e4, {})[match[1]] = quote
    return pd.concat([_strike(strike, both, day, vix) for strike, both in sides.items() if len(both) == 2])


def _strike(strike: float, both: dict[str, pd.DataFrame], day: str, vix: float) -> pd.DataFrame:
    call, put = both["call"].align(both["put"], join="inner", axis=0)
    left = CLOSE - call.index.to_numpy()
    middle = {name: (side["bid"] + side["ask"]).to_numpy() / 2 for name, side in (("call", call), ("put", put))}
    discount = np.exp(-RISK_FREE_RATE * left * MINUTE)
    return pd.DataFrame(
        {
            "day": day,
            "left": left,
            "vix": vix,
            "strike": strike,
            "spot": strike * discount + middle["call"] - middle["put"],
            **middle,
            "call_spread": (call["ask"] - call["bid"]).to_numpy() / 2,
            "put_spread": (put["ask"] - put["bid"]).to_numpy() / 2,
        }
    )


def call_value(spot: np.ndarray, strike: np.ndarray, years: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Black-Scholes."""
    deviation = sigma * np.sqrt(years)
    d1 = (np.log(spot / strike) + RISK_FREE_RATE * years) / deviation + deviation / 2
    return spot * ndtr(d1) - strike * np.exp(-RISK_FREE_RATE * years) * ndtr(d1 - deviation)


def _implied(spot: float, strike: float, left: float, call: float) -> float:
    def off(sigma: float) -> float:
        return float(call_value(spot, strike, left * MINUTE, sigma)) - call

    return float(brentq(off, 1e-4, 9.0)) if off(1e-4) < 0 < off(9.0) else float("nan")


def fitted(table: pd.DataFrame) -> Fit:
    """Least absolute deviations of the logarithm of volatility over VIX from a line in that of the time left."""
    share = np.log(table["left"] / MINUTES_A_SESSION)
    ratio = np.log(table["volatility"] / (table["vix"] / 100))

    def loss(line: np.ndarray) -> float:
        return float(np.abs(ratio - line[0] + line[1] * share).mean())

    line = minimize(loss, np.array([-0.5, 0.2]), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).x
    return Fit(float(np.exp(line[0])), float(line[1]))


def volatility_of(fit: Fit, table: pd.DataFrame) -> np.ndarray:
    share = table["left"].to_numpy() / MINUTES_A_SESSION
    return table["vix"].to_numpy() / 100 * fit.opening_ratio * share**-fit.time_power


def errors(table: pd.DataFrame, sigma: np.ndarray, years: np.ndarray | None = None) -> tuple[float, float]:
    """Median absolute error of the prices of calls, in points of the index and as a share of the premium."""
    left = table["left"].to_numpy() * MINUTE if years is None else years
    off = np.abs(call_value(table["spot"].to_numpy(), table["strike"].to_numpy(), left, sigma) - table["call"])
    return float(off.median()), float((off / table["call"]).median())


def report(table: pd.DataFrame) -> str:
    fit = fitted(table)
    reference = implied_volatility(table["vix"].to_numpy())
    hour = np.full(len(table), YEARS_TO_EXPIRY)
    others = [
        errors(table[table.day == day], volatility_of(fitted(table[table.day != day]), table[table.day == day]))
        for day in DAYS
        if (table.day == day).sum() > 50
    ]
    rows = {
        f"fitted here: {fit.opening_ratio:.3f} VIX (time left)^-{fit.time_power:.3f}": errors(
            table, volatility_of(fit, table)
        ),
        "the constants in code": errors(
            table, calibrated_volatility(table["left"].to_numpy(), table["vix"].to_numpy())
        ),
        "1.3 VIX, time left": errors(table, reference),
        "1.3 VIX, always one hour (the reference)": errors(table, reference, hour),
    }
    lines = ["| volatility | median absolute error, index points | of the premium |", "|---|---|---|"]
    lines += [f"| {name} | {points:.2f} | {share:.1%} |" for name, (points, share) in rows.items()]
    left_out = ", ".join(f"{points:.2f} points ({share:.1%})" for points, share in others)
    return "\n".join(
        [*lines, "", f"Each of the larger days predicted by a fit to the others: {left_out}.", "", _by_time(table)]
    )


def _by_time(table: pd.DataFrame) -> str:
    ratio = table["volatility"] / (table["vix"] / 100)
    curve = calibrated_volatility(table["left"].to_numpy(), np.full(len(table), 100.0))
    relative = (table["call_spread"] / table["call"] + table["put_spread"] / table["put"]) / 2
    points = (table["call_spread"] + table["put_spread"]) / 2
    parts = pd.DataFrame({"ratio": ratio, "curve": curve, "relative": relative, "points": points})
    bins = pd.cut(table["left"], BINS)
    lines = [
        "| minutes left | minutes of quotes | volatility / VIX | curve | half-spread, points | of the premium |",
        "|---|---|---|---|---|---|",
    ]
    for span, part in reversed(list(parts.groupby(bins, observed=True))):
        medians = part.median()
        lines.append(
            f"| {span.left:.0f}-{span.right:.0f} | {len(part)} | {medians['ratio']:.2f} | {medians['curve']:.2f} "
            f"| {medians['points']:.2f} | {medians['relative']:.1%} |"
        )
    lines.append(f"| all | {len(parts)} | {ratio.median():.2f} | | {points.median():.2f} | {relative.median():.1%} |")
    return "\n".join(lines)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Volatility over VIX by the time left: quotes by day, the curve, and the reference's constant."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for day, part in table.groupby("day"):
        axes.plot(part["left"], part["volatility"] / (part["vix"] / 100), ".", markersize=3, label=f"SPXW {day}")
    left = np.arange(1, MINUTES_A_SESSION + 1.0)
    axes.plot(left, calibrated_volatility(left, np.full(len(left), 100.0)), color="black", label="fitted curve")
    axes.axhline(1.3, color="grey", linestyle="--", label="the reference: 1.3 VIX")
    axes.set(xlabel="minutes to the close", ylabel="implied volatility / VIX of the day before", ylim=(0, 2))
    axes.invert_xaxis()
    axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(argv: list[str]) -> None:
    del argv
    table = quotes(Path(_QUOTES.value))
    print(report(table))
    draw(table, Path(_FIGURES.value) / "realistic_volatility.png")


if __name__ == "__main__":
    app.run(main)
