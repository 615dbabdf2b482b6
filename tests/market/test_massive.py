"""The Massive source against a local server that speaks the documented protocol, faults included."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.market.errors import DataError
from momentum_jax.market.sessions import close_minutes
from momentum_jax.market.vendors.massive import KEY_VARIABLE, Massive
from momentum_jax.market.vendors.protocol import Pace
from momentum_jax.market.vendors.vendor_source import VendorSource
from tests.market_rows import minute_stamps

pytest.importorskip("massive", reason="the optional extra massive is not installed")

KEY = "very-secret-key-123"
NOW = datetime(2024, 6, 1, 16, tzinfo=UTC)
PATH = re.compile(r"/v2/aggs/ticker/([^/]+)/range/1/minute/(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)\?(.*)")


def month_of_bars(first: str, last: str) -> list[dict[str, float]]:
    stamps = minute_stamps(first, last)
    prices = 500 + (stamps.asi8 // (60 * 10**9)) % 1_440 / 100  # the minute of the day decides
    return [
        {"o": price, "h": price + 1, "l": price - 1, "c": price, "v": 10, "t": stamp.value // 10**6}
        for stamp, price in zip(stamps, prices, strict=True)
    ]


def page(rows: list[dict[str, float]], **changes: object) -> bytes:
    answer = {"status": "OK", "adjusted": True, "queryCount": len(rows), "resultsCount": len(rows), "request_id": "1"}
    return json.dumps(answer | {"results": rows} | changes).encode()


def good(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    match = PATH.fullmatch(path)
    assert match and headers["authorization"] == f"Bearer {KEY}" and KEY not in path
    return 200, page(month_of_bars(match[2], match[3]))


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, KEY)


def source(service, tmp_path: Path, pace: Pace | None = None) -> VendorSource:
    return VendorSource(Massive(pace or Pace(0), service.url, retries=1), str(tmp_path), now=lambda: NOW)


def refusal(service, tmp_path, end="2024-02-29") -> str:
    with pytest.raises(DataError) as caught:
        source(service, tmp_path).bars("SPY", "2024-02-01", end)
    message = str(caught.value)
    assert "\n" not in message and KEY not in message
    return message


def test_months_are_asked_for_one_by_one_and_joined(serve, tmp_path):
    service = serve(good)
    bars = source(service, tmp_path).bars("SPY", "2024-02-20", "2024-04-02")
    asked = [PATH.fullmatch(path).groups()[:3] for path, _ in service.requests]
    months = [("2024-02-20", "2024-02-29"), ("2024-03-01", "2024-03-31"), ("2024-04-01", "2024-04-02")]
    # The last request looks whether prices were restated while the others were answered.
    assert asked == [("SPY", *month) for month in [*months, ("2024-02-29", "2024-02-29")]]
    assert all("sort=asc" in path and "limit=50000" in path and "adjusted=true" in path for path, _ in service.requests)
    assert (str(bars.index[0]), str(bars.index[-1])) == ("2024-02-20 09:30:00-05:00", "2024-04-02 15:59:00-04:00")
    assert len(bars) == 390 * len(close_minutes(pd.Timestamp("2024-02-20"), pd.Timestamp("2024-04-02")))
    np.testing.assert_allclose(bars["high"] - bars["low"], 2)


def test_pages_are_followed(serve, tmp_path):
    rows = month_of_bars("2024-02-01", "2024-02-29")
    service = serve(
        lambda path, headers: (
            (200, page(rows[30:]))
            if "cursor=2" in path
            else (200, page(rows[:30], next_url="https://api.massive.com/v2/aggs/next?cursor=2"))
        )
    )
    naps: list[float] = []
    bars = source(service, tmp_path, Pace(12.0, naps.append)).bars("SPY", "2024-02-01", "2024-02-29")
    assert len(bars) == len(rows) and len(service.requests) == 2
    assert naps == [pytest.approx(12.0, abs=1.0)]  # the next page is a request like any other


def test_an_index_has_a_prefix_and_no_volume(serve, tmp_path):
    rows = [
        {name: value for name, value in row.items() if name != "v"} for row in month_of_bars("2024-02-01", "2024-02-29")
    ]
    service = serve(lambda path, headers: (200, page(rows)))
    bars = source(service, tmp_path).bars("SPX", "2024-02-01", "2024-02-29")
    assert "/I:SPX/" in service.requests[0][0] or "/I%3ASPX/" in service.requests[0][0]
    assert (bars["volume"] == 0).all()


def test_share_classes_are_written_as_the_service_writes_them(serve, tmp_path):
    service = serve(good)
    source(service, tmp_path).bars("brk-b", "2024-02-01", "2024-02-01")
    assert PATH.fullmatch(service.requests[0][0])[1] == "BRK.B"


def test_months_keep_their_distance(serve, tmp_path):
    naps: list[float] = []
    source(serve(good), tmp_path, Pace(12.0, naps.append)).bars("SPY", "2024-02-01", "2024-04-30")
    # What a request took is not slept once more; a busy machine may take seconds for it.
    assert len(naps) == 3 and all(6.0 < nap <= 12.0 for nap in naps)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b'{"status":"ERROR","error":"Unknown API Key"}', ("401", "key is not accepted", KEY_VARIABLE)),
        (401, f'{{"status":"ERROR","error":"Unknown API Key {KEY}"}}'.encode(), ("401", "Unknown API Key …")),
        (
            403,
            b'{"status":"NOT_AUTHORIZED","message":"not entitled"}',
            ("403", "plan does not include", "not entitled"),
        ),
        (404, b"<html>", ("refused", "check the symbol")),
        (429, b"{}", ("429", "too many requests", "request_seconds", "is kept")),
        (500, b"{}", ("500", "fails", "try again later")),
        (503, b"{}", ("503", "fails", "try again later")),
        (200, b"<html>gateway</html>", ("not JSON", "nothing of it was stored")),
        (200, b"", ("not JSON", "nothing of it was stored")),
        (200, b'{"status":"OK","resultsCount":0}', ("no bars in the answer", "20 sessions", "two years")),
        (200, b'{"status":"OK","resultsCount":5}', ("no results but counts 5", "try again")),
        (200, b'{"status":"ERROR","resultsCount":0}', ("status is 'ERROR'",)),
        (
            200,
            page(month_of_bars("2024-02-01", "2024-02-29"), resultsCount=7_801),
            ("counts 7801 results but holds 7800",),
        ),
        (200, page(month_of_bars("2024-02-01", "2024-02-15")), ("no bars of 9 of 20 sessions", "first 2024-02-16")),
        (200, page(month_of_bars("2024-01-31", "2024-02-29")), ("the answer covers 2024-01-31 to 2024-02-29",)),
        (200, page(month_of_bars("2024-02-01", "2024-02-29")[::-1]), ("not in ascending order",)),
        (200, page([{"o": 1, "h": 1, "l": 1, "t": 1706797800000}]), ("result 1 lacks its time or a price",)),
    ],
)
def test_faults_are_told_apart(serve, tmp_path, status, body, words):
    message = refusal(serve(lambda path, headers: (status, body)), tmp_path)
    for word in ("massive: ", "SPY from 2024-02-01 to 2024-02-29", *words):
        assert word in message
    assert not list(tmp_path.rglob("*.parquet"))


def test_without_a_server_the_network_is_named(serve, tmp_path):
    service = serve(good)
    service.close()
    assert "cannot be reached" in refusal(service, tmp_path)


def test_without_a_key_nothing_is_asked(serve, tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE)
    service = serve(good)
    assert f"the variable {KEY_VARIABLE} is not set" in refusal(service, tmp_path)
    assert not service.requests


def test_a_broken_download_is_resumed(serve, tmp_path):
    broken = serve(lambda path, headers: (500, b"{}") if "2024-03-01" in path else good(path, headers))
    refusal(broken, tmp_path, end="2024-04-30")
    service = serve(good)
    source(service, tmp_path).bars("SPY", "2024-02-10", "2024-04-10")
    # One session of what was stored earlier is compared with what the service states now.
    assert [PATH.fullmatch(path)[2] for path, _ in service.requests] == ["2024-03-01", "2024-04-01", "2024-02-29"]
    again = serve(lambda path, headers: (500, b"{}"))
    assert len(source(again, tmp_path).bars("SPY", "2024-03-05", "2024-03-05")) == 390
    assert not again.requests


def test_the_cache_notices_what_was_changed_and_holds_no_key(serve, tmp_path):
    expected = source(serve(good), tmp_path).bars("SPY", "2024-02-01", "2024-02-29")
    folder = tmp_path / "massive" / "SPY"
    assert sorted(path.name for path in folder.iterdir()) == ["2024-02-01_2024-02-29.parquet", "lock", "manifest.json"]
    assert not any(KEY.encode() in path.read_bytes() for path in folder.iterdir())
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [entry["bars"] for entry in manifest["stretches"]] == [len(expected)]
    stored = folder / "2024-02-01_2024-02-29.parquet"
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    assert "is not what was stored (SHA-256" in refusal(serve(good), tmp_path)
    stored.unlink()
    assert "is in the manifest but missing" in refusal(serve(good), tmp_path)
    (folder / "manifest.json").write_text("{")
    assert "manifest.json: is no manifest" in refusal(serve(good), tmp_path)


def test_it_speaks_the_documented_protocol(shared_data):
    """The server above answers as the vendor's own description says."""
    described = json.loads((shared_data / "massive" / "massive_aggs_openapi_extract.json").read_text())
    endpoint = described["/v2/aggs/ticker/{stocksTicker}/range/{multiplier}/{timespan}/{from}/{to}"]
    example = endpoint["responses"]["200"]["content"]["application/json"]["example"]
    ours = json.loads(page(month_of_bars("2024-02-01", "2024-02-01"), next_url="x"))
    assert set(ours) - {"ticker"} == set(example) - {"ticker"}
    assert set(ours["results"][0]) <= set(example["results"][0])
    assert {parameter["name"] for parameter in endpoint["parameters"] if parameter["in"] == "query"} == {
        "adjusted",
        "sort",
        "limit",
    }
