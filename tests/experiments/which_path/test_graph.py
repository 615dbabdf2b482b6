"""The causal graph: each arrow says what the verdicts of its claims allow, and no more."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.text import Text

from experiments.which_path import claims, graph
from experiments.which_path.graph import draw, links

YES, NO, OPEN = "supported", "not supported", "undecided"


def arrow(found: dict[str, str], cause: str, effect: str):
    return next(link for link in links(found) if (link.cause, link.effect) == (cause, effect))


@pytest.mark.parametrize(
    ("necessary", "not_necessary", "finding"),
    [
        (YES, NO, "needed"),
        (NO, YES, "not needed"),
        (NO, NO, "a part of it"),
        (OPEN, NO, "undecided"),
        (NO, OPEN, "undecided"),
        (OPEN, OPEN, "undecided"),
    ],
)
def test_a_link_is_called_what_its_two_claims_came_to(necessary, not_necessary, finding):
    found = {"stop_necessary": necessary, "stop_not_necessary": not_necessary}
    assert arrow(found, "cost", "stop").finding == finding
    assert arrow(found, "purchase", "trim").finding == "not run"


def test_a_path_is_called_enough_only_where_all_its_claims_agree():
    both = {"B_necessary": NO, "B_necessary_two_towers": NO, "B_enough": NO}
    path = arrow(both, "position", "flat")
    assert path.finding == "not enough alone"
    assert path.words == "shared network\nB alone: half or less\nwithout B: a dip stays"
    split = arrow(both | {"B_necessary_two_towers": YES}, "position", "flat")
    assert split.words.endswith("without B: undecided")
    one, other = {"A_enough": YES, "A_enough_two_towers": YES}, {"A_enough": YES, "A_enough_two_towers": NO}
    assert arrow(one, "path_a", "flat").finding == "enough alone"
    assert arrow(other, "path_a", "flat").finding == "undecided"
    assert arrow({"A_necessary": YES}, "path_a", "flat").finding == "not run"


def test_every_claim_that_the_graph_reads_is_declared():
    declared = {claim.name for part in (claims.REPLICATION, claims.LINKS, claims.PATHS) for claim in part}
    read = {f"{link[3]}{end}" for link in graph._CHAIN for end in ("_necessary", "_not_necessary")}
    read |= {name for path in graph._PATHS for names in path[4:] for name in names}
    assert read <= declared


def test_the_figure_has_every_box_and_a_legend_of_what_occurs():
    verdicts = pd.DataFrame(
        {"claim": ["stop_necessary"] * 3 + ["stop_not_necessary"], "claim_verdict": [YES] * 3 + [NO]}
    )
    figure = draw(verdicts, "tiny: the chain")
    words = {text.get_text() for text in figure.findobj(Text)}
    assert {node.label for node in graph.NODES.values()} <= words
    assert "no stop:\nno dip" in words and {"needed", "not run", "not tested"} <= words
    assert "a part of it" not in words
    assert draw(pd.DataFrame(), "") is None
