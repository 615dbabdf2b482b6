"""The segment: which bars a run trains on, and when there are none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_jax.market.bars import EXCHANGE_TZ, session_dates
from momentum_jax.market.dataset import MIN_SPLIT_BARS, REGIMES, Segment, load_segment, regime_splits
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig

DAYS = ("2024-02-20", "2024-02-21", "2024-02-22", "2024-02-23")


def flat_days(days=DAYS, minutes=120) -> pd.DataFrame:
    stamps = [pd.date_range(f"{day} 09:30", periods=minutes, freq="min", tz=EXCHANGE_TZ) for day in days]
    index = stamps[0].append(stamps[1:])
    return pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 100.0), index=index)


def vix_of(closes, days=DAYS) -> pd.Series:
    return pd.Series(list(closes), index=pd.DatetimeIndex(days[: len(closes)]).as_unit("ns"), name="vix")


@pytest.fixture
def files(bar_lines, write):
    """Makes a config of four sessions in a CSV whose VIX closes are given."""

    def make(closes, minutes=120, **options) -> MarketConfig:
        bars = write("bars.csv", bar_lines(days=DAYS, minutes=minutes))
        rows = [f"{day},{close}" for day, close in zip(DAYS, closes, strict=False)]
        vix = write("vix.csv", ["DATE,CLOSE", "2024-02-16,14.24", *rows, "2024-02-26,13.74"])
        return MarketConfig(data_source="csv", data_path=str(bars), vix_path=str(vix), **options)

    return make


def dates_of(segment: Segment) -> list[str]:
    return np.unique(segment.bar_time_ns.astype("datetime64[ns]").astype("datetime64[D]")).astype(str).tolist()


# --- real data -------------------------------------------------------------------------------------------


def test_the_real_spy_month_is_the_known_calm_segment(shared_data):
    segment = load_segment(
        MarketConfig(
            data_source="csv",
            data_path=str(shared_data / "spy_1min_2024.csv"),
            vix_path=str(shared_data / "vix_daily.csv"),
            start_date="2024-02-20",
            end_date="2024-03-20",
        )
    )
    assert segment.describe() == {
        "symbol": "SPY",
        "regime": "calm",
        "bars": 8580,
        "sessions": 22,
        "first": "2024-02-20T09:30:00",
        "last": "2024-03-20T15:59:00",
    }
    assert segment.vix_close[-1] == 13.04
    assert str(segment.vix_date_ns[-1].astype("datetime64[ns]"))[:10] == "2024-03-20"
    assert str(segment.vix_date_ns[0].astype("datetime64[ns]"))[:10] == "1990-01-02"


# --- splits ----------------------------------------------------------------------------------------------


def test_regime_bounds_belong_to_the_wilder_side():
    days = tuple(f"2024-04-0{day}" for day in range(1, 9))
    closes = (17.99, 18.0, 24.99, 25.0, 34.99, 35.0, 80.0, 12.0)
    splits = regime_splits(flat_days(days), vix_of(closes, days))
    assert list(splits) == list(REGIMES)
    days_of = {name: [d.day for d in session_dates(part.index).unique()] for name, part in splits.items()}
    assert days_of == {"calm": [1, 8], "normal": [2, 3], "storm": [4, 5], "crash": [6, 7]}


def test_days_without_vix_are_dropped_and_small_splits_skipped():
    splits = regime_splits(flat_days(minutes=60), vix_of((15.0, 40.0, 15.0)))
    assert list(splits) == ["calm"]  # the crash day has 60 bars, the last day no VIX
    assert len(splits["calm"]) == 120


@given(st.lists(st.one_of(st.floats(5, 90), st.none()), min_size=4, max_size=4), st.integers(1, 130))
def test_splits_partition_the_days_that_have_a_vix(closes, minutes):
    bars = flat_days(minutes=minutes)
    vix = vix_of([np.nan if close is None else close for close in closes]).dropna()
    splits = regime_splits(bars, vix)
    seen = pd.concat(list(splits.values())).index if splits else bars.index[:0]
    assert not seen.duplicated().any()
    assert all(len(part) >= MIN_SPLIT_BARS and part.index.is_monotonic_increasing for part in splits.values())
    if minutes >= MIN_SPLIT_BARS:
        assert len(seen) == minutes * len(vix)


# --- loading ---------------------------------------------------------------------------------------------


def test_calm_comes_first_and_its_days_are_glued(files):
    segment = load_segment(files((15, 30, 16, 40)))
    assert segment.regime == "calm"
    assert dates_of(segment) == ["2024-02-20", "2024-02-22"]
    assert segment.bars.shape == (240, 5)


def test_the_next_regime_serves_where_calm_is_too_small(files):
    segment = load_segment(files((15, 40, 30, 30), minutes=60))
    assert segment.regime == "storm"


def test_the_vix_ends_with_the_data_and_keeps_its_past(files):
    segment = load_segment(files((15, 16, 17, 40)))
    np.testing.assert_array_equal(segment.vix_close, [14.24, 15, 16, 17, 40])  # 40: its day is in the data
    shorter = load_segment(files((15, 16, 17, 40), end_date="2024-02-21"))
    np.testing.assert_array_equal(shorter.vix_close, [14.24, 15, 16])


def test_dates_and_the_number_of_days_cut_the_sessions(files):
    assert dates_of(load_segment(files((15,) * 4, start_date="2024-02-22"))) == list(DAYS[2:])
    assert dates_of(load_segment(files((15,) * 4, intraday_days=3))) == list(DAYS[1:])
    both = files((15,) * 4, intraday_days=1, end_date="2024-02-22")
    assert dates_of(load_segment(both)) == ["2024-02-22"]
    assert dates_of(load_segment(files((15,) * 4, intraday_days=99))) == list(DAYS)


def test_bars_outside_the_session_do_not_count(files):
    segment = load_segment(files((15,) * 4, minutes=450))
    assert len(segment.bars) == 4 * 390


def test_parquet_gives_the_same_segment(files, tmp_path):
    config = files((15,) * 4)
    pd.read_csv(config.data_path).to_parquet(tmp_path / "bars.parquet")
    parquet = replace(config, data_source="parquet", data_path=str(tmp_path / "bars.parquet"))
    assert load_segment(parquet).fingerprint == load_segment(config).fingerprint


# --- refusals --------------------------------------------------------------------------------------------


def refusal(config: MarketConfig) -> str:
    with pytest.raises(DataError) as caught:
        load_segment(config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_too_few_bars_in_every_split_are_counted(files):
    message = refusal(files((15, 20, 30, 40), minutes=99))
    for words in (
        "bars.csv",
        "no regime of SPY has 100 regular-session bars",
        "calm 99, normal 99, storm 99, crash 99",
        "widen",
    ):
        assert words in message


def test_dates_without_vix_are_refused(files, write):
    config = files(())
    message = refusal(config)
    for words in ("vix.csv: no VIX for the dates of", "bars.csv", "2024-02-20 to 2024-02-23"):
        assert words in message
    assert "VIX 2024-02-16 to 2024-02-26" in message
    assert "give a VIX file of the same dates" in message


def test_bars_that_miss_the_session_are_refused(files, write):
    config = files((15,) * 4, minutes=90)
    text = Path(config.data_path).read_text(encoding="utf-8")
    write("bars.csv", text.replace(" 09:", " 04:").replace(" 10:", " 05:").splitlines())
    message = refusal(config)
    assert "bars.csv: SPY: no bar starts in a session (09:30 to 16:00 New York time)" in message
    assert "check the time zone" in message


def test_an_unknown_symbol_of_the_embedded_market_is_refused():
    message = refusal(MarketConfig(symbols=("IWM",)))
    for words in ("no symbol 'IWM'", "found SPY, QQQ, SPX", "put one of those first"):
        assert words in message


def test_dates_outside_the_embedded_market_are_refused():
    message = refusal(MarketConfig(start_date="2030-01-01"))
    for words in ("no bars from 2030-01-01", "covers 2024-01-02 to 2024-03-27", "choose start_date"):
        assert words in message


# --- the segment itself ----------------------------------------------------------------------------------


def small_segment(**changes) -> Segment:
    fields = {
        "symbol": "SPY",
        "regime": "calm",
        "bars": np.ones((3, 5)),
        "bar_time_ns": np.arange(3) * 60_000_000_000,
        "vix_date_ns": np.zeros(1, dtype=np.int64),
        "vix_close": np.array([15.0]),
    }
    return Segment(**{**fields, **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"bars": np.full((3, 5), 1.0 + 1e-15)},
        {"bar_time_ns": np.arange(3) * 60_000_000_000 + 1},
        {"vix_date_ns": np.ones(1, dtype=np.int64)},
        {"vix_close": np.array([15.01])},
    ],
)
def test_the_fingerprint_sees_each_array(change):
    assert small_segment(**change).fingerprint != small_segment().fingerprint
    assert len(small_segment().fingerprint) == 64


def test_the_fingerprint_does_not_depend_on_memory_layout():
    values = np.arange(15.0).reshape(3, 5)
    turned = small_segment(bars=np.asfortranarray(values))
    swapped = small_segment(bars=values.astype(">f8"))
    assert turned.fingerprint == swapped.fingerprint == small_segment(bars=values).fingerprint


def test_the_arrays_are_the_segments_own_and_fixed():
    bars = np.ones((3, 5))
    segment = small_segment(bars=bars)
    bars[0, 0] = 2.0
    assert segment.bars[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        segment.bars[0, 0] = 2.0


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit 3 stamps"):
        small_segment(bars=np.ones((4, 5)))
    with pytest.raises(ValueError, match="VIX closes"):
        small_segment(vix_close=np.ones(2))
