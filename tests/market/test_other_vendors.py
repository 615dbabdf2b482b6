"""Alpaca against a local server, Yahoo against a local stand-in for its ticker; both cannot be reached from tests."""

import json
import socket
import sys
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from momentum_jax.market.catalog import open_source
from momentum_jax.market.errors import DataError
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.vendors import vendor_source
from momentum_jax.market.vendors.alpaca import KEY_VARIABLES, Alpaca
from momentum_jax.market.vendors.protocol import Pace
from momentum_jax.market.vendors.vendor_source import VendorSource
from momentum_jax.market.vendors.yahoo import Yahoo
from tests.market_rows import minute_stamps

NOW = datetime(2024, 6, 3, 16, tzinfo=UTC)


def alpaca_page(stamps: pd.DatetimeIndex, token: str | None = None) -> bytes:
    rows = [
        {
            "t": stamp.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "o": 5.0,
            "h": 6.0,
            "l": 4.0,
            "c": 5.5,
            "v": 7,
            "n": 1,
        }
        for stamp in stamps
    ]
    return json.dumps({"bars": {"SPY": rows}, "next_page_token": token}).encode()


class TestAlpaca:
    @pytest.fixture(autouse=True)
    def keys(self, monkeypatch):
        pytest.importorskip("alpaca", reason="the optional extra alpaca is not installed")
        for name in KEY_VARIABLES:
            monkeypatch.setenv(name, "secret-" + name)

    def bars(self, service, tmp_path) -> pd.DataFrame:
        source = VendorSource(Alpaca(Pace(0), service.url), str(tmp_path), now=lambda: NOW)
        return source.bars("SPY", "2024-05-01", "2024-05-31")

    def test_a_month_is_fetched_page_by_page_and_kept(self, serve, tmp_path):
        stamps = minute_stamps("2024-05-01", "2024-05-31")

        def answer(path, headers):
            assert headers["apca-api-key-id"] == "secret-APCA_API_KEY_ID"
            query = parse_qs(urlsplit(path).query)
            assert query["timeframe"] == ["1Min"] and query["adjustment"] == ["split"]
            assert query["start"] == ["2024-05-01T04:00:00+00:00"] and query["end"] == ["2024-06-01T03:59:00+00:00"]
            return 200, alpaca_page(stamps[20:]) if "page_token" in path else alpaca_page(stamps[:20], "more")

        service = serve(answer)
        bars = self.bars(service, tmp_path)
        assert bars.index.equals(stamps) and len(service.requests) == 2
        assert bars.iloc[0].to_list() == [5.0, 6.0, 4.0, 5.5, 7.0]
        self.bars(service, tmp_path)
        assert len(service.requests) == 2

    def test_a_service_that_cannot_be_reached_is_said(self, tmp_path):
        with socket.socket() as taken:  # bound, not listening: nobody answers there
            taken.bind(("127.0.0.1", 0))
            source = VendorSource(Alpaca(Pace(0), f"http://127.0.0.1:{taken.getsockname()[1]}"), str(tmp_path))
            with pytest.raises(DataError, match=r"alpaca: .*cannot be reached"):
                source.bars("SPY", "2024-05-01", "2024-05-31")

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (401, b'{"message":"no"}', ("401", "key is not accepted", "APCA_API_KEY_ID")),
            (403, b'{"message":"no"}', ("403", "plan does not include")),
            (422, b'{"message":"no"}', ("422", "check the symbol")),
            # Its client tries again three times, 3 s apart.
            pytest.param(429, b"{}", ("429", "200 a minute", "request_seconds"), marks=pytest.mark.slow),
            (500, b"oops", ("500", "try again later")),
            (200, b"<html>", ("not JSON",)),
            (200, b'{"bars":{},"next_page_token":null}', ("no bars in the answer", "no index", "200 requests")),
            (200, b'{"bars":{"SPY":[{"t":"2024-05-01T13:30:00Z"}]},"next_page_token":null}', ("bar 1 lacks c, h, l",)),
        ],
    )
    def test_faults_are_told_apart(self, serve, tmp_path, status, body, words):
        with pytest.raises(DataError) as caught:
            self.bars(serve(lambda path, headers: (status, body)), tmp_path)
        for word in ("alpaca: ", "SPY from 2024-05-01 to 2024-05-31", *words):
            assert word in str(caught.value)
        assert "secret" not in str(caught.value)

    def test_without_keys_nothing_is_asked(self, serve, tmp_path, monkeypatch):
        monkeypatch.delenv("APCA_API_SECRET_KEY")
        with pytest.raises(DataError, match="variable APCA_API_SECRET_KEY is not set"):
            self.bars(serve(lambda path, headers: (500, b"")), tmp_path)


class Ticker:
    """Stands in for yfinance.Ticker."""

    def __init__(self, name: str):
        self.name = name
        asked.append(name)

    def history(self, *, start, end, **options):
        assert options["interval"] == "1m" and options["raise_errors"] and not options["prepost"]
        assert (end - start).days <= 8
        stamps = minute_stamps(str(start), str(end - pd.Timedelta(days=1)))
        columns = {"Open": 5.0, "High": 6.0, "Low": 4.0, "Close": 5.5, "Volume": 7}
        return pd.DataFrame(columns, index=stamps.rename("Datetime"))


asked: list[str] = []


class TestYahoo:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("yfinance", reason="the optional extra yfinance is not installed")
        asked.clear()

    def source(self, tmp_path, ticker=Ticker) -> VendorSource:
        return VendorSource(Yahoo(Pace(0), ticker, NOW.date), str(tmp_path), now=lambda: NOW)

    def test_weeks_are_fetched_and_kept(self, tmp_path):
        bars = self.source(tmp_path).bars("SPX", "2024-05-14", "2024-05-31")
        assert bars.index.equals(minute_stamps("2024-05-14", "2024-05-31"))
        assert set(asked) == {"^GSPC"} and len(asked) in (3, 4)
        count = len(asked)
        self.source(tmp_path).bars("SPX", "2024-05-20", "2024-05-24")
        assert len(asked) == count

    @pytest.mark.parametrize(
        ("symbol", "ticker"),
        [
            ("brk.b", "BRK-B"),
            ("BRK/B", "BRK-B"),
            ("VIX", "^VIX"),
            ("^GSPC", "^GSPC"),
            ("SPY", "SPY"),
            ("BAC-PD", "BAC-PD"),
        ],
    )
    def test_symbols_are_written_as_yahoo_writes_them(self, tmp_path, symbol, ticker):
        self.source(tmp_path).bars(symbol, "2024-05-20", "2024-05-20")
        assert asked == [ticker]

    def test_dates_in_reach_are_served_though_their_week_begins_earlier(self, tmp_path):
        bars = self.source(tmp_path).bars("SPY", "2024-05-06", "2024-05-07")
        assert len(bars) == 2 * 390

    def test_its_reach_is_said(self, tmp_path):
        with pytest.raises(DataError, match=r"last 30 days only.*2024-05-05 or later"):
            self.source(tmp_path).bars("SPY", "2024-03-04", "2024-03-08")

    def test_its_refusals_are_told_apart(self, tmp_path):
        from yfinance import exceptions

        for error, words in (
            (exceptions.YFRateLimitError(), "too many requests: raise request_seconds"),
            (exceptions.YFPricesMissingError("SPY", "(1m)"), "no bars .*last 30 days"),
            (OSError("down"), "failed .OSError.: try again"),
        ):

            def history(self, _error=error, **options):
                raise _error

            with pytest.raises(DataError, match=words):
                self.source(tmp_path, type("T", (Ticker,), {"history": history})).bars(
                    "SPY", "2024-05-20", "2024-05-24"
                )


@pytest.mark.parametrize("name", ["massive", "alpaca", "yfinance"])
def test_a_vendor_is_chosen_by_name_and_needs_dates(name, tmp_path):
    with pytest.raises(DataError, match=f"{name}.*give start_date and end_date"):
        MarketConfig(data_source=name, vix_path="vix.csv")
    config = MarketConfig(data_source=name, start_date="2024-05-01", end_date="2024-05-02", cache_path=str(tmp_path))
    assert isinstance(open_source(config), VendorSource)


@pytest.mark.parametrize(
    ("name", "given", "seconds"),
    [
        ("massive", None, 12.0),
        ("alpaca", None, 0.3),
        ("yfinance", None, 1.0),
        ("massive", 0.5, 0.5),
        ("yfinance", 0, 0),
    ],
)
def test_each_vendor_has_a_pace_of_its_own(name, given, seconds, monkeypatch):
    paces: list[float] = []
    monkeypatch.setattr(vendor_source, "Pace", paces.append)
    open_source(MarketConfig(data_source=name, start_date="2024-05-01", end_date="2024-05-02", request_seconds=given))
    assert paces == [seconds]


@pytest.mark.parametrize(("name", "package"), [("massive", "massive"), ("alpaca", "alpaca"), ("yfinance", "yfinance")])
def test_a_vendor_without_its_package_says_what_to_install(name, package, tmp_path, monkeypatch):
    for variable in ("MASSIVE_API_KEY", *KEY_VARIABLES):
        monkeypatch.setenv(variable, "secret")
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    days = [str(date.today() - timedelta(days=back)) for back in (9, 2)]
    config = MarketConfig(
        data_source=name, start_date=days[0], end_date=days[1], cache_path=str(tmp_path), request_seconds=0
    )
    with pytest.raises(DataError, match=rf"{name}' but .* is not installed: pip install 'momentum_jax\[{name}\]'"):
        open_source(config).bars("SPY", *days)
