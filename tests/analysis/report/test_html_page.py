"""report.html as a person uses it, in headless Chromium: pointer, keyboard, phone, dark and light."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.report.build import write_report
from momentum_jax.analysis.report.html_page import four_digits
from momentum_jax.run_directory import load_run
from tests.analysis.conftest import simulator
from tests.analysis.report import browser

SEEDS = 5
LIT = "[...document.querySelectorAll('#curves .seed.lit')].map(p => p.dataset.key)"
KEPT = "[...document.querySelectorAll('#seeds tr[aria-selected=true]')].map(r => r.dataset.key)"
COLUMN = "[...document.querySelectorAll('#seeds tbody tr')].map(r => r.cells[%d].textContent)"


@pytest.fixture(scope="module")
def chromium():
    path = browser.executable()
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    pytest.importorskip("websockets", reason="websockets is not installed, so Chromium cannot be driven")
    opened = browser.Browser(path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run with its report, which the tests only read."""
    path = simulator(tmp_path_factory.mktemp("runs"))(num_seeds=SEEDS, failed={(1, 4): 50_000})
    write_report(path)
    return path


@pytest.fixture(scope="module")
def text(run_dir) -> str:
    return (run_dir / "report" / "report.html").read_text()


@pytest.fixture
def page(run_dir, chromium):
    """The browser with the report open; what goes wrong in the page fails the test."""
    chromium.open(run_dir / "report" / "report.html")
    chromium.errors.clear()
    yield chromium
    assert chromium.errors == []


def test_the_page_is_one_file_that_asks_for_no_other(text):
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text
    assert "{{" not in text and len(text) < 2_000_000


def test_the_data_in_the_page_are_the_runs(run_dir, text):
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    curves = derive_curves(load_run(run_dir))
    shown = np.array(data["curves"]["hold_pct"], float)
    np.testing.assert_allclose(shown, curves["hold_pct"].transpose("arm", "seed", "checkpoint"), atol=0.051)
    assert data["dips"][0]["rows"][1][4]["failed"] == 50_000 and data["dips"][0]["rows"][0][0]["failed"] is None
    assert {name for metric in data["metrics"] for name in metric["kinds"].values()} == set(data["curves"])


@given(arrays(np.float64, (2, 5)))
@example(np.array([[0.0, -0.0, np.nan, np.inf, -np.inf], [0.00012345, -9999.5, 1e300, 5e-324, 2.5]]))
def test_numbers_have_the_four_digits_that_a_text_would_give_them(values):
    digits = [[float(f"{value:.4g}") for value in row] for row in values.tolist()]
    expected = [[value if np.isfinite(value) else None for value in row] for row in digits]
    found = four_digits(values)
    assert found == expected
    assert all(isinstance(value, int) for row in found for value in row if value is not None and value == int(value))


@given(st.integers(-99_999, 99_999), st.integers(-25, 25), st.integers(-2, 2))
@example(99_969, -22, 0)
def test_ties_of_the_fourth_digit_fall_as_those_of_a_text(whole, power, ulps):
    value = float(f"{whole}e{power}")
    for _ in range(abs(ulps)):
        value = float(np.nextafter(value, np.copysign(np.inf, ulps)))
    assert four_digits(np.array([value])) == [float(f"{value:.4g}")]


def test_names_cannot_break_out_of_the_page(simulate, one_figure):
    run_dir = simulate(arms=("a",), num_seeds=2, steps=(0, 1_000))
    path = run_dir / "config.json"
    path.write_text(path.read_text().replace('"simulated"', '"</script><b>{{data}}"'))
    text = write_report(run_dir).with_suffix(".html").read_text()
    assert "<b>" not in text and text.count("</script>") == 2 and "&lt;b&gt;{{data}}" in text


def test_the_network_is_not_touched(page):
    page.requests.clear()
    page.call("Page.reload")
    page.ask("new Promise(resolve => setTimeout(resolve, 300))")
    assert all(url.startswith(("file:", "data:")) for url in page.requests)


def test_pointing_at_a_curve_shows_its_seed_and_dip(page):
    page.point("#curves", 0.5, 0.4)
    shown = page.ask("document.querySelector('#tip').innerText")
    assert re.match(r"(tune2|tune3), seed \d\nstep [\d ]+: [\d.]+ %\ndip of [\d.]+ points \(\w+\): onset", shown)
    assert len(page.ask(LIT)) == 1
    page.point("h1")
    assert page.ask("document.querySelector('#tip').hidden") and page.ask(LIT) == []


def test_curves_and_rows_choose_each_other(page):
    page.point("#seeds tbody tr:nth-child(3)", click=True)
    assert page.ask(KEPT) == page.ask(LIT) != []
    page.point("#curves", 0.6, 0.5, click=True)
    page.point("h1")
    assert page.ask(KEPT) == page.ask(LIT) != []
    page.point("#seeds tr[aria-selected=true]", click=True)
    page.point("h1")
    assert page.ask(KEPT) == page.ask(LIT) == []


def test_the_table_sorts_both_ways_with_what_is_absent_last(page):
    page.point("#seeds th:nth-child(4) button", click=True)
    depths = page.ask(COLUMN % 3)
    numbers = [float(text) for text in depths if text != "–"]
    assert numbers == sorted(numbers) and len(depths) == 2 * SEEDS
    page.press("Enter")
    assert page.ask("document.querySelector('#seeds th:nth-child(4)').ariaSort") == "descending"
    again = [float(text) for text in page.ask(COLUMN % 3) if text != "–"]
    assert again == sorted(again, reverse=True)
    assert "failed" in page.ask(COLUMN % 2)


def test_metric_arm_counting_and_steps_can_be_switched(page):
    first = page.ask("document.querySelector('#curves .seed').getAttribute('d')")
    page.ask("document.querySelector('input[value=linear]').click()")
    linear = page.ask("document.querySelector('#curves .seed').getAttribute('d')")
    page.ask("document.querySelector('input[value=windowed]').click()")
    windowed = page.ask("document.querySelector('#curves .seed').getAttribute('d')")
    page.ask("document.querySelector('input[value=cumulative]').click()")
    assert len({first, linear, windowed, page.ask("document.querySelector('#curves .seed').getAttribute('d')")}) == 4
    page.choose("#arm", "tune3")
    assert page.ask("document.querySelectorAll('#curves .seed').length") == SEEDS
    assert set(page.ask(COLUMN % 0)) == {"tune3"}
    page.choose("#metric", "policy entropy over legal actions")
    assert page.ask("document.querySelector('input[value=exact]').disabled")
    assert page.ask("document.querySelector('#curves').ariaLabel").startswith(
        "policy entropy over legal actions, windowed"
    )
    page.choose("#dips", "windowed HOLD %, from step 5 000")


def test_everything_works_from_the_keyboard(page):
    visited = []
    for _ in range(9):
        page.press("Tab")
        visited.append(
            page.ask("document.activeElement.id || document.activeElement.name || document.activeElement.className")
        )
    for expected in ("skip", "metric", "arm", "dips", "kind", "scale", "curves"):
        assert expected in visited
    page.ask("document.querySelector('#curves').focus()")
    page.press("ArrowUp")
    page.press("ArrowLeft", times=3)
    page.press("Enter")
    kept = page.ask(KEPT)
    assert len(kept) == 1 and "seed" in page.ask("document.querySelector('#spoken').textContent")
    page.press("ArrowUp")
    assert page.ask(LIT) != kept
    page.press("Escape")
    assert page.ask(KEPT) == []
    page.ask("document.querySelector('#seeds tbody tr').focus()")
    page.press("ArrowDown")
    page.press("Enter")
    assert page.ask(KEPT) == [page.ask("document.querySelectorAll('#seeds tbody tr')[1].dataset.key")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1_280])
def test_the_page_fits_a_phone_and_a_desk_in_dark_and_light(run_dir, page, width, scheme):
    page.open(run_dir / "report" / "report.html", width=width, scheme=scheme)
    assert page.ask("document.documentElement.scrollWidth") <= width
    ink, paper = (page.ask(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
    assert contrast(ink, paper) >= 7
    panel = page.ask("getComputedStyle(document.querySelector('#curves')).backgroundColor")
    for path in range(2):
        stroke = page.ask(f"getComputedStyle(document.querySelectorAll('#curves .median')[{path}]).stroke")
        assert contrast(stroke, panel) >= 3
    assert (luminance(paper) < 0.1) == (scheme == "dark")


def luminance(color: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, WCAG 2."""
    parts = np.array([int(part) for part in re.findall(r"\d+", color)[:3]]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)
