"""Small files of bars and VIX, correct unless a test spoils them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest

from momentum_jax.market.vendors.vendor_source import VendorSource
from tests.market.stand_in_vendor import NOW, StandIn

HEADER = "datetime,open,high,low,close,volume"


def _bar_lines(days: tuple[str, ...], minutes: int) -> list[str]:
    stamps = [stamp for day in days for stamp in pd.date_range(f"{day} 09:30", periods=minutes, freq="min")]
    return [HEADER, *(f"{stamp},100.0,100.5,99.5,100.25,1000" for stamp in stamps)]


@pytest.fixture
def bar_lines() -> Callable[..., list[str]]:
    """Makes the lines of a CSV of flat bars: header first, then `minutes` bars from 09:30 of each day."""
    return lambda days=("2024-02-20",), minutes=120: _bar_lines(tuple(days), minutes)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, list[str]], Path]:
    """Writes lines to a file of the test's own folder and returns its path."""

    def to_file(name: str, lines: list[str]) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return to_file


class Service:
    """A local HTTP server: `answer(path with query, headers) -> (status, body)` makes the answers."""

    def __init__(self, answer: Callable[[str, dict[str, str]], tuple[int, bytes]]):
        self.requests: list[tuple[str, dict[str, str]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.requests.append((self.path, headers))
                status, body = answer(self.path, headers)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Starts services that end with the test."""
    started: list[Service] = []

    def start(answer: Callable[[str, dict[str, str]], tuple[int, bytes]]) -> Service:
        started.append(Service(answer))
        return started[-1]

    yield start
    for service in started:
        service.close()


@pytest.fixture
def vendor() -> StandIn:
    """A vendor that answers whatever it is asked."""
    return StandIn()


@pytest.fixture
def bars(vendor, tmp_path):
    """Bars of SPY through a source of its own each time; `now` and whoever answers may differ."""

    def get(start: str, end: str, now: datetime = NOW, symbol: str = "SPY", answers=None, **options) -> pd.DataFrame:
        return VendorSource(answers or vendor, str(tmp_path / "cache"), now=lambda: now, **options).bars(
            symbol, start, end
        )

    return get
