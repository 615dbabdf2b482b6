"""The published runs' numbers, as facts, their settings, and what was claimed of them.

Published percentages are cumulative from step 0. Where all of a run's checkpoints were published with counts, the
windows between them follow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from momentum_jax.analysis.claims.published import Published, PublishedPoint, PublishedRun
from momentum_jax.config import EnvOptions, PPOConfig

from .published_claims import CLAIMS, RULES, TRADING

SYMBOL = "SPY"
_PERCENTAGES = ("hold_pct", "call_pct", "put_pct", "strong_buy_pct")
_COUNTS = ("hold_count", "call_count", "put_count", "strong_count", "good_buy")


class Fact(NamedTuple):
    """One published checkpoint of one run; None where nothing was published."""

    run: str
    env_steps: int
    hold_pct: float | None  # of the decisions taken while flat, like the next two
    call_pct: float | None
    put_pct: float | None
    strong_buy_pct: float | None  # buys, of the flat decisions at a strong setup
    hold_count: int | None = None
    call_count: int | None = None
    put_count: int | None = None
    strong_count: int | None = None  # flat decisions at a strong setup
    good_buy: int | None = None
    missed_opportunity: int | None = None
    bad_chase: int | None = None


FACTS: tuple[Fact, ...] = (
    Fact("tune2", 5_000, 54.9, 24.9, 20.2, 46.6, 1477, 671, 544, 1272, 593, 679, 23),
    Fact("tune2", 10_000, 63.0, 21.5, 15.6, 37.5, 3896, 1327, 962, 3010, 1130, 1880, 44),
    Fact("tune2", 25_000, 52.9, 26.5, 20.6, 49.1, 7566, 3787, 2937, 6758, 3321, 3437, 99),
    Fact("tune2", 50_000, 47.1, 30.6, 22.3, 56.9, 8770, 5693, 4159, 8634, 4912, 3722, 160),
    Fact("tune2", 100_000, 38.2, 40.1, 21.7, 68.3, 9102, 9554, 5166, 12013, 8203, 3810, 330),
    Fact("baseline", 5_000, 55.8, 20.7, 23.4, 45.9),
    Fact("baseline", 10_000, 76.0, 11.5, 12.5, 24.4),
    Fact("baseline", 15_000, 84.1, 7.7, 8.3, 16.3),
    Fact("baseline", 85_000, 87.2, 6.4, 6.3, 14.5),
    Fact("tune1", 5_000, 54.9, 24.1, 21.0, 45.9),
    Fact("tune1", 10_000, 61.4, 22.1, 16.4, 39.2),
    Fact("full", 5_000, 51.1, 23.5, 25.4, 50.6),
    Fact("full", 10_000, 58.2, 20.5, 21.3, 43.9),
    Fact("full", 25_000, 45.5, 27.8, 26.7, 58.6),
    Fact("full", 50_000, 43.7, 29.4, 27.0, 64.6, None, None, None, None, 5232, 2864, 180),
    Fact("full", 500_000, 11.6, None, None, 94.9),
    Fact("v3", 5_000, 20.4, 16.0, 15.9, 32.9, None, None, None, None, 444, 267),
    Fact("v3", 10_000, 24.9, 11.8, 11.0, 23.2, None, None, None, None, 753, 807),
    Fact("v3", 25_000, 25.2, 7.6, 7.6, 15.0, None, None, None, None, 1396, 2348),
    Fact("v3", 50_000, 23.4, 9.8, 10.5, 19.8, None, None, None, None, 3351, 3942),
    Fact("v3", 100_000, 23.1, 11.7, 12.4, 23.6, None, None, None, None, 4335, 4251),
    Fact("v3", 500_000, 23.0, 11.9, 12.5, 23.8, None, None, None, None, 4394, 4251),
)

# What the published runs changed of the defaults, which are tune2's.
SETTINGS: dict[str, dict[str, float]] = {
    "tune2": {},
    "baseline": {
        "call_bonus": 0.05,
        "put_bonus": 0.02,
        "missed_penalty": -0.02,
        "hold_tax": 0.0,
        "chase_penalty": -0.07,
        "ent_coef": 0.02,
    },
    "tune1": {
        "call_bonus": 0.10,
        "put_bonus": 0.08,
        "missed_penalty": -0.05,
        "hold_tax": -0.001,
        "chase_penalty": -0.03,
        "ent_coef": 0.06,
    },
    "tune3": {"ent_coef": 0.10},
    "full": {},
}


def windows(facts: tuple[Fact, ...]) -> Iterator[dict[str, float]]:
    """Percentages of each window, which the cumulative ones hide; empty where a checkpoint has no counts."""
    counts = [tuple(getattr(fact, name) for name in _COUNTS) for fact in facts]
    if any(None in row for row in counts):
        yield from ({} for _ in facts)
        return
    for before, after in pairwise([(0,) * len(_COUNTS), *counts]):
        hold, call, put, strong, good_buy = (late - early for late, early in zip(after, before, strict=True))
        flat = hold + call + put
        shares = (100 * hold / flat, 100 * call / flat, 100 * put / flat, 100 * good_buy / strong)
        yield dict(zip(_PERCENTAGES, shares, strict=True))


def _run(name: str) -> PublishedRun:
    facts = tuple(fact for fact in FACTS if fact.run == name)
    points = [
        PublishedPoint(
            env_steps=fact.env_steps,
            cumulative={key: getattr(fact, key) for key in _PERCENTAGES if getattr(fact, key) is not None},
            windowed=within,
        )
        for fact, within in zip(facts, windows(facts), strict=True)
    ]
    return PublishedRun(name=name, points=tuple(points), settings=SETTINGS.get(name))


RUNS = {name: _run(name) for name in dict.fromkeys([*SETTINGS, *(fact.run for fact in FACTS)])}
PUBLISHED = Published(
    symbol=SYMBOL,
    defaults=dataclasses.asdict(EnvOptions()) | dataclasses.asdict(PPOConfig()),
    runs=tuple(RUNS.values()),
    claims=CLAIMS,
    rules=RULES,
    trading=TRADING,
)
