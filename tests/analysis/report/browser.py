"""Headless Chromium over its DevTools protocol: open a page, press keys, move the pointer, ask the page."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_KEYS = {"ArrowUp": 38, "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Escape": 27, "Tab": 9}
_PATIENCE = 60.0


def executable() -> str | None:
    """Chromium's path, or None where it is absent."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page in one process; every request that leaves the machine's files is recorded."""

    def __init__(self, path: str) -> None:
        from websockets.sync.client import connect

        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run"]
        command = [path, *options, f"--user-data-dir={self.folder.name}", "about:blank"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self._port()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=_PATIENCE) as answer:
            pages = [target for target in json.load(answer) if target["type"] == "page"]
        self.resources = contextlib.ExitStack()
        connection = connect(pages[0]["webSocketDebuggerUrl"], max_size=None, open_timeout=_PATIENCE)
        self.socket = self.resources.enter_context(connection)
        self.number = 0
        self.requests: list[str] = []
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def _port(self) -> str:
        file = Path(self.folder.name) / "DevToolsActivePort"
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if file.exists() and file.read_text():
                return file.read_text().splitlines()[0]
            time.sleep(0.05)
        raise TimeoutError("Chromium did not open its DevTools port")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method of the protocol and waits for its answer."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=_PATIENCE))
            self._record(message)
            if message.get("id") == self.number:
                assert "error" not in message, message["error"]
                return message["result"]

    def _record(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])

    def open(self, path: Path, width: int = 1_280, height: int = 900, scheme: str = "light") -> None:
        """Opens a file at a window size, in a dark or light scheme, and waits until it has loaded."""
        mobile = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + _PATIENCE
        ready = "document.readyState === 'complete' && location.protocol === 'file:'"
        while not self.ask(ready) and time.monotonic() < end:
            time.sleep(0.05)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        """Presses a key as a person would."""
        code = _KEYS[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def point(self, selector: str, x: float = 0.5, y: float = 0.5, click: bool = False) -> None:
        """Moves the pointer to a share of an element's box, and clicks there if asked to."""
        box = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{box}.scrollIntoView({{block: 'nearest'}})")
        left, top, width, height = self.ask(
            f"(() => {{ const b = {box}.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; }})()"
        )
        place = {"x": left + x * width, "y": top + y * height}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **place)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def choose(self, selector: str, label: str) -> None:
        """Chooses an option of a select by its label."""
        script = """((select, label) => {
            select.value = [...select.options].find((option) => option.text === label).value;
            select.dispatchEvent(new Event("change", {bubbles: true}));
        })(document.querySelector(%s), %s)"""
        self.ask(script % (json.dumps(selector), json.dumps(label)))

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Saves what the window shows, or the whole page, as PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Ends the process that this object started."""
        self.resources.close()
        self.process.terminate()
        self.process.wait(timeout=_PATIENCE)
        self.folder.cleanup()
