"""How symbols are spelled, stored and refused."""

from __future__ import annotations

import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.vendors.symbols import checked_symbol, vendor_symbol


@pytest.mark.parametrize(
    ("written", "meant"),
    [("spy", "SPY"), ("brk-b", "BRK.B"), ("BRK/B", "BRK.B"), ("BRK.B", "BRK.B"), ("^GSPC", "SPX"), ("I:VIX", "VIX")],
)
def test_one_spelling_is_asked_for_and_stored(vendor, bars, tmp_path, written, meant):
    bars("2024-05-13", "2024-05-13", symbol=written)
    assert vendor.asked == [(meant, "2024-05-13", "2024-05-13")]
    assert [path.name for path in (tmp_path / "cache" / "standin").iterdir()] == [meant]


@pytest.mark.parametrize(
    "symbol", ["../../x", "/etc/x", "..", "A/../../B", "a\\b", "S\nPY", "", "X" * 40, "S PY", "$(x)"]
)
def test_no_symbol_leads_out_of_the_cache(vendor, bars, tmp_path, symbol):
    with pytest.raises(DataError, match="is none that a vendor has"):
        bars("2024-05-13", "2024-05-13", symbol=symbol)
    assert not vendor.asked and not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="symbol"):
        MarketConfig(data_source="massive", symbols=(symbol,), start_date="2024-05-13", end_date="2024-05-13")


@pytest.mark.parametrize("symbol", ["EUR/USD", "ES1!", "0050", "NA", "Brk.b"])
def test_files_may_name_instruments_freely(symbol):
    assert MarketConfig(symbols=(symbol,)).symbols == (symbol.upper(),)


def test_symbols_that_differ_in_case_alone_are_one():
    with pytest.raises(DataError, match="name each ticker once"):
        MarketConfig(symbols=("spy", "SPY"))
    assert (checked_symbol("symbols", " spy "), vendor_symbol("qqq")) == ("SPY", "QQQ")
