"""An analysis as a person reads it: its page, its pictures, its text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_jax.analysis.curves.page.display_tables import prevalence_table, sensitivity_grid
from momentum_jax.analysis.curves.page.page import explorer_data
from momentum_jax.analysis.curves.page.plain_text import terminal_text
from momentum_jax.dips import CurveSet, DipAnalysis, analyze

STEPS = np.arange(1, 31) * 1_000
ARMS = ("base*line*", "<b>other</b>")
FALLS = (0.0, 30.0, 0.0, 40.0, 0.0, 50.0, 60.0, 35.0)


def values() -> np.ndarray:
    """[arm, seed, K]: exact falls of known depth at step 6 000 in the first arm, of half the depth in the second."""
    rise = 100.0 + STEPS / 10_000
    at = STEPS == 6_000
    return np.array([[rise - part * fall * at for fall in FALLS] for part in (1.0, 0.5)])


@pytest.fixture(scope="module")
def analysis() -> DipAnalysis:
    curves = CurveSet(values=values(), steps=STEPS, arms=ARMS, seeds=tuple("abcdefgh"), value_name="score_x", unit="pt")
    return analyze(curves, good="up", noise="exact", threshold=20, horizon=10_000)


@pytest.fixture(scope="module")
def page(analysis, tmp_path_factory) -> Path:
    return analysis.write_page(tmp_path_factory.mktemp("page"), "tidy CSV", ["Columns: as usual."], "python -m x")


def test_the_page_has_the_answer_its_tables_and_its_figures(analysis, page):
    text = page.read_text(encoding="utf-8")
    assert "base\\*line\\*" in text and "<b>" not in text.replace("\\<b>", "")
    for heading in ("Summary", "Figures", "Dips", "Other choices", "Step by step", "Source"):
        assert f"## {heading}" in text
    assert "- Columns: as usual." in text and "made again by: python -m x" in text
    assert json.loads((page.parent / "analysis.json").read_text())["answer"] == analysis.answer
    found = pd.read_csv(page.parent / "seeds.csv", keep_default_na=False)
    assert found["arm"].tolist() == analysis.seeds["arm"].tolist()
    shown = re.findall(r"!\[.*\]\(figures/(\w+)\.png\)", text)
    assert shown == ["curves", "drawdowns", "recovery", "sensitivity", "difference_prevalence", "difference_depth"]
    assert {path.stem for path in (page.parent / "figures").iterdir()} == set(shown)


def test_the_html_page_holds_everything_and_stays_small(page):
    html = (page.parent / "report.html").read_text(encoding="utf-8")
    assert "<b>other</b>" not in html and html.count("data:image/png;base64,") == 6
    assert len(html) < 600_000
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])
    assert data["arms"] == list(ARMS) and data["steps"] == STEPS.tolist()


def test_the_explorer_shows_every_seed_with_its_dip(analysis):
    data = explorer_data(analysis)
    np.testing.assert_allclose(data["curves"]["score_x"], values(), rtol=1e-3)
    rows = data["dips"][0]["rows"]
    assert [row["class"] for row in rows[0]][:2] == ["none", "recovered"]
    assert [row["depth"] for row in rows[1]] == pytest.approx([fall / 2 for fall in FALLS], abs=0.2)
    assert (rows[0][1]["onset"], rows[0][1]["trough"], rows[0][0]["trough"]) == (5_000, 6_000, None)


def test_many_seeds_are_thinned_in_the_explorer_alone(analysis, monkeypatch):
    monkeypatch.setattr("momentum_jax.analysis.curves.page.page._MOST_VALUES", 100)
    data = explorer_data(analysis)
    assert data["seeds"] == ["a", "f"]
    assert np.shape(data["curves"]["score_x"]) == (2, 2, 30)
    assert data["dips"][0]["rows"][0][1]["depth"] == pytest.approx(50, abs=0.2)


def test_tables_read_as_the_numbers_say(analysis):
    table = prevalence_table(analysis)
    assert table["dips"].tolist() == ["5/8", "2/8"]
    assert table["dip, %"].tolist() == [62.5, 25.0]
    grid = sensitivity_grid(analysis, ARMS[0])
    assert grid["threshold, pt"].tolist() == ["10", "20", "40"]
    assert grid["by 10 000"].tolist() == ["62", "62", "25"]


CLOCKS = {"shares of a run": (np.arange(1, 31) / 30, "by 0.275"), "close together": (1_000 + STEPS / 1e5, "by 1 000")}


@pytest.mark.parametrize("clock", CLOCKS)
def test_steps_may_be_fractions(clock):
    """In a narrow run the grid's columns may even read alike."""
    steps, horizon = CLOCKS[clock]
    result = analyze(values()[0], steps=steps, good="up", noise="exact", threshold=20)
    assert horizon in sensitivity_grid(result, "all").columns
    assert horizon in terminal_text(result, "arrays", [])


def test_the_text_begins_with_the_answer_and_fits_a_terminal(analysis):
    text = terminal_text(analysis, "tidy CSV", ["Columns: as usual."])
    words = " ".join(text.split())
    assert words.startswith(analysis.answer)
    assert "Read from tidy CSV: score_x, 2 arms, 8 seeds, 30 steps from 1 000 to 30 000." in words
    assert "A dip is a fall by at least 20 pt, with its trough by step 10 000; the values are taken as" in words
    assert max(map(len, text.splitlines())) <= 160


def test_the_picture_shows_all_seeds_and_the_share_at_the_threshold(analysis):
    figure = analysis.plot()
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title() for axis in panels[:2]] == ["base*line*, 8 seeds", "<b>other</b>, 8 seeds"]
    drawn = np.array([path.vertices[:, 1] for path in panels[0].collections[0].get_paths()])
    np.testing.assert_array_equal(drawn, values()[0])
    for line, dips in zip(panels[2].lines[::2], (62.5, 25.0), strict=False):
        depth, share = line.get_xdata(), line.get_ydata()
        assert share[depth >= 20].max() == dips
    labels = [text.get_text() for text in panels[2].get_legend().get_texts()]
    assert labels == ["base*line*: 62 % dip", "<b>other</b>: 25 % dip", "threshold 20"]
