"""The page of an accelerator: what it says of each part."""

from __future__ import annotations

import json
import re

from benchmarks.accelerator import machine, page, schedule, sections, setting
from tests.benchmarks.accelerator_figures import DEVICE, GOLDEN, MANY, SPEED, letters, result
from tests.conftest import ROOT


def test_the_page_says_of_each_part_what_there_is():
    text = page.measured(result(b=SPEED, f=MANY))
    assert "NVIDIA H100 80GB HBM3, driver 580.159.04, 81559 MiB. jax 0.11.2, jaxlib 0.11.1, Python 3.12.3" in text
    assert "16 CPU cores (Xeon); commit abc1234, 2026-11-26." in text
    # steps/s, launches, GFLOP/s and GB/s with their shares of the card's own rates
    assert "| float32 | 1,024 | 3,302,049 | – | 10,000 | 20 % | 1,500 | 50 % |" in text
    assert "large products 50,000 GFLOP/s in float32 and 400,000 in TF32; a large copy 3,000 GB/s" in text
    assert "tf32 at 1,024 seeds failed: no memory." in text
    assert "Not complete (under way), not measured: float32 at 4,096 seeds." in text  # part b
    assert "Not run: part d needs X." in text
    assert text.count("Not measured: under way.") == 4  # a, c, e, g
    assert "report: **61 s**.\n\n```\nx\n```\n\nAgain, with its programs in the cache: **45 s**.\n\n```\ny\n```" in text
    assert "tiny" not in text and "tiny" in page.measured(result() | {"tiny": True})


def test_parts_that_were_not_asked_for_are_told_from_those_of_an_earlier_run():
    text = page.measured(result(chosen="b", b=SPEED | {"complete": True}, a=GOLDEN))
    assert text.count("Not measured: not asked for.") == 4
    assert re.search(r"\| a \| .* \| an earlier run into the same folder \|", text)


def test_the_projects_page_is_the_one_that_its_json_file_makes():
    """So that whoever measures a card commits both files as they were written."""
    figures = json.loads((ROOT / "docs" / "accelerator.json").read_text())
    assert page.markdown(figures) == page.DOCUMENT.read_text()


def test_the_page_gives_the_limits_in_the_order_in_which_parts_run():
    spoken = []
    for batch in schedule.batches(setting.PARTS):
        assert len({part.seconds for part in batch}) == 1
        beside = " beside each other" if len(batch) > 1 else ""
        names = ", ".join(letters(batch[:-1])) + (" and " if len(batch) > 1 else "") + batch[-1].letter
        spoken.append(f"{names}{beside} {batch[0].seconds} s")
    assert "; ".join(spoken) + "." in " ".join(page.DOCUMENT.read_text().split())


def test_a_card_that_jax_does_not_use_is_named():
    line = "JAX does not use NVIDIA H100 80GB HBM3, 580.159.04, 81559 MiB: pip install 'momentum-jax[cuda]'"
    assert machine.unused_card(DEVICE | {"platform": "cpu"}).startswith(line)
    assert machine.unused_card(DEVICE) == machine.unused_card(DEVICE | {"platform": "cpu", "nvidia-smi": None}) == ""


def test_a_failed_row_is_not_wanted_again():
    assert sections.not_measured(SPEED) == ["float32 at 4,096 seeds"]
    assert sections.not_measured({"wanted": ["float32", "tf32"], "float32": {}}) == ["tf32"]
