"""The tables of the study's page, a function each, from one market's condensed runs."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import xarray as xr

from momentum_jax.analysis.claims.claim_numbers import RunNumbers
from momentum_jax.analysis.claims.claim_tables import published_places, verdict_table
from momentum_jax.analysis.claims.published_claims import judge_claims_of
from momentum_jax.analysis.claims.verdicts import Judgement
from momentum_jax.analysis.dips.noise_table import noise_table
from momentum_jax.analysis.pages.blocks import early_prediction, needed_seeds
from momentum_jax.analysis.pages.blocks.claim_verdicts import declared_verdicts
from momentum_jax.analysis.pages.blocks.depth_tables import against_controls
from momentum_jax.analysis.pages.blocks.dose_tables import Doses, Setting, dose_slopes, dose_table, dosed
from momentum_jax.analysis.pages.blocks.event_rates import context_shares, event_rates
from momentum_jax.analysis.pages.blocks.paired_tables import paired_depths, pairs_by_part, undecided_pairs
from momentum_jax.analysis.pages.blocks.published_tables import places_for_reading, places_summary
from momentum_jax.analysis.pages.blocks.stream_tables import shares_by_stream
from momentum_jax.analysis.pages.study_market import Market, Outcome

from .published import PUBLISHED

REFERENCE, TRIM_FIXED = "tune2", "trim_reduces_cost"
MAIN_PARTS = ("reproduction", "main_causes", "controls")
DOSE_PARTS = ("dose", "reproduction", "main_causes")
STREAM_PARTS = ("streams", "random_episodes")
# Parts whose arms differ from tune2's on the same market in one thing.
CAUSE_PARTS = (
    "reproduction",
    "main_causes",
    "controls",
    "dose",
    "switches",
    "rewards",
    "learner",
    "ladders",
    "several_envs",
    "vix_previous",
)
_PUBLISHED_WINDOWS = (0, 5_000, 10_000, 25_000, 50_000, 100_000)
_STRONG_SETUPS = (3, 4)
_SETUP_ARMS = (
    ("reproduction", REFERENCE),
    ("main_causes", TRIM_FIXED),
    ("switches", "put_setup"),
    ("rest", "trim+put_setup"),
    ("main_causes", "mended"),
)
_LANDMARKS, _TROUGH = (2_000, 3_000, 5_000), 10_000
_FULL_CLAIM = "6"


def main_arms(market: Market) -> xr.Dataset | None:
    """The confirmatory arms that share their seeds and their length."""
    return market.joined(MAIN_PARTS)


def reference(market: Market) -> Outcome | None:
    """Tune2 on the confirmatory seeds."""
    return market.outcome(REFERENCE, "reproduction")


def published(market: Market) -> pd.DataFrame:
    """Every published number with its percentile among the seeds, and where one more run would fall."""
    runs = [ds for ds in (market.joined(["reproduction"]), market.joined(["full"])) if ds is not None]
    frames = []
    for ds in runs:
        places = published_places(ds, [PUBLISHED])
        alone = list(ds["arm"].values) == ["full"]
        # Tune2's settings are full's: each is compared with the run of its own name and length.
        frames.append(places[(places["run"] == "full") == alone] if len(places) else places)
    return places_for_reading(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame())


def published_summary(market: Market) -> pd.DataFrame:
    """How many published numbers lie where one more run would, and which do not, as they were published."""
    return places_summary(published(market))


def claims(market: Market) -> pd.DataFrame:
    """The published claims, judged; claim 6 on the full run."""
    judgements: list[Judgement] = []
    for ds, of_full in ((main_arms(market), False), (market.joined(["full"]), True)):
        if ds is not None:
            judged = judge_claims_of(RunNumbers(ds), PUBLISHED)
            judgements += [judgement for judgement in judged if (judgement.claim.name == _FULL_CLAIM) == of_full]
    return verdict_table(sorted(judgements, key=lambda judgement: judgement.claim.name))


def declared(market: Market) -> pd.DataFrame:
    """What the study claimed before it ran, judged; all claims share the level of 5 %."""
    return declared_verdicts(market, MAIN_PARTS)


def causes(market: Market) -> pd.DataFrame:
    """Depth of every arm less tune2's on the same seeds."""
    return paired_depths(market, reference(market), CAUSE_PARTS)


def undecided(market: Market) -> pd.DataFrame:
    """Arms whose difference from tune2 may be 0 and may be more than a point."""
    return undecided_pairs(market, reference(market), CAUSE_PARTS)


def rest(market: Market) -> pd.DataFrame:
    """Depth with the trim fixed and one more switch changed, less that with the trim alone."""
    return paired_depths(market, market.outcome(TRIM_FIXED, "main_causes"), ("rest",))


def entropy_doses(market: Market) -> Doses:
    """Depths by trim and entropy bonus."""
    return dosed(
        market,
        ("reproduction", REFERENCE),
        DOSE_PARTS,
        dose=Setting("ppo", "ent_coef"),
        switch=Setting("env", "trim_reduces_cost"),
        lines={False: "trap", True: "fixed"},
    )


def doses(market: Market) -> pd.DataFrame:
    """Depth at each entropy bonus with the trim trap and without it, on the same seeds."""
    return dose_table(entropy_doses(market), "trim", "ent_coef")


def dose_trends(market: Market) -> pd.DataFrame:
    """Change of depth for 0.01 more of the entropy bonus, with the trap, without it, and the difference of the two."""
    return dose_slopes(entropy_doses(market), "trim", "points_per_0.01", units=100)


def elsewhere(market: Market) -> pd.DataFrame:
    """Depth with the trap less that without, on the same seeds, in every part that has both."""
    return pairs_by_part(_trap_pairs(market), "depth_with_trap", "depth_without")


def _trap_pairs(market: Market) -> Iterator[tuple[str, Outcome | None, Outcome | None]]:
    for part in market.parts:
        for with_trap, without in ((REFERENCE, TRIM_FIXED), ("envs_4", "envs_4_trim")):
            place = "main_causes" if part == "reproduction" else part
            yield part, market.outcome(with_trap, part), market.outcome(without, place)


def controls(market: Market) -> pd.DataFrame:
    """Tune2's seeds against what each control arm reaches without a reason in the rewards."""
    found = [outcome for outcome in market.outcomes if outcome.part == "controls"]
    return against_controls(market, reference(market), found)


def mechanism(market: Market) -> pd.DataFrame:
    """What the trap does: trims and forced stops per 100 flat buys, in the windows that were published."""
    events = {"trims_per_100_buys": "trim", "forced_stops_per_100_buys": "forced_stop"}
    arms = (REFERENCE, TRIM_FIXED, "mended")
    return event_rates(main_arms(market), arms, ("BUY_CALL", "BUY_PUT"), events, _PUBLISHED_WINDOWS)


def setups(market: Market) -> pd.DataFrame:
    """How often holding is punished: flat decisions of the first 5 000 steps at a setup that the reward calls strong.

    A HOLD there costs `missed_penalty`. An arm that judges setups otherwise has another reward for holding.
    """
    return context_shares(market, _SETUP_ARMS, _STRONG_SETUPS, _PUBLISHED_WINDOWS[1], "punished_pct")


def noise(market: Market) -> pd.DataFrame:
    """Windowed falls of tune2, with the trap and without it, against what sampling noise makes."""
    ds = main_arms(market)
    if ds is None:
        return pd.DataFrame()
    return noise_table(ds.sel(arm=[arm for arm in (REFERENCE, TRIM_FIXED) if arm in ds["arm"].values]))


def streams(market: Market) -> pd.DataFrame:
    """Shares of the variance of depth by random stream; first-order and total, for each pick-freeze design."""
    return shares_by_stream(market, STREAM_PARTS)


def prediction(market: Market) -> pd.DataFrame:
    """What is known at 2 000 to 5 000 steps about the depth at 10 000, and about the rise that follows."""
    return early_prediction.predictions(predicted_arms(market), _LANDMARKS, _TROUGH, market.horizon)


def features(market: Market) -> pd.DataFrame:
    """Each feature alone: its rank correlation over seeds with the depth at 10 000 steps, a column per landmark."""
    return early_prediction.single_features(predicted_arms(market), _LANDMARKS, _TROUGH, market.horizon)


def predicted_arms(market: Market) -> list[tuple[str, xr.Dataset]]:
    """Tune2, the arm without the trap, and the pick-freeze pairs' tune2."""
    ds, found = main_arms(market), []
    if ds is not None:
        found = [(arm, ds.sel(arm=[arm])) for arm in (REFERENCE, TRIM_FIXED) if arm in ds["arm"].values]
    design, label = market.parts.get("streams"), f"{REFERENCE}, seeds of A and B"
    if design is not None:
        # A and B are tune2 twice with every stream drawn anew: as many independent seeds again.
        found.append((label, early_prediction.pooled(design, ("A", "B"), label)))
    return found


def power(market: Market) -> pd.DataFrame:
    """How many seeds a new study needs to show such a dip, or to tell two arms apart, with 80 % power at 5 %."""
    return needed_seeds.power(market, reference(market), ("tune3", TRIM_FIXED, "permuted_rewards"))
