"""Templates: what they put in, and every mistake in one line with its place and the names there are."""

from __future__ import annotations

import pytest

from momentum_jax.analysis.pages.page_templates import Fragments, fill
from momentum_jax.fields import ConfigError

NUMBERS = {"depths": {"depth": {"a": "1.0 [0.5, 1.5]", "gamma_0.50": "2.0"}, "slope_per_0.01": {"a": "3.0"}}}
TABLES = {"depths": "| depth |\n", "causes": None}
FIGURES = {"seeds": "![seeds](x.png)", "dose": None}


def fragments(name: str = "spy", partial: bool = False) -> Fragments:
    return Fragments(market=name, tables=TABLES, figures=FIGURES, numbers=NUMBERS, partial=partial)


def filled(tmp_path, text: str, partial: bool = False) -> str:
    path = tmp_path / "README.template.md"
    path.write_text(text)
    markets = {name: fragments(name, partial) for name in ("spy", "my-bars")}
    absent = Fragments(
        market="", tables=dict.fromkeys(TABLES), figures=dict.fromkeys(FIGURES), numbers={}, partial=partial
    )
    return fill(path, markets, absent)


def test_tables_figures_and_numbers_are_put_in_and_the_rest_stays(tmp_path):
    text = 'A & <b>: {{ spy.number("depths.depth.a") }}.\n\n{{ spy.table("depths") }}\n{{ spy.figure("seeds") }}\n'
    assert filled(tmp_path, text) == "A & <b>: 1.0 [0.5, 1.5].\n\n| depth |\n\n![seeds](x.png)\n"


def test_points_may_stand_in_names_of_columns_and_rows(tmp_path):
    text = '{{ spy.number("depths.depth.gamma_0.50") }} {{ spy.number("depths.slope_per_0.01.a") }}'
    assert filled(tmp_path, text) == "2.0 3.0"


def test_a_market_may_have_any_name(tmp_path):
    assert filled(tmp_path, '{{ market("my-bars").number("depths.depth.a") }}').startswith("1.0")


def test_what_was_not_run_is_said_so(tmp_path):
    text = '{{ spy.table("causes") }}{{ spy.figure("dose") }}{{ spy.number("causes.difference.a") }}'
    assert filled(tmp_path, text) == "*not run*" * 3


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('{{ spy.table("cause") }}', ["table 'cause' is unknown: choose one of depths, causes; did you mean causes?"]),
        ('{{ spy.figure("seed") }}', ["figure 'seed' is unknown: choose one of seeds, dose; did you mean seeds?"]),
        ('{{ spy.number("depth.a") }}', ["table 'depth' is unknown", "depths, causes"]),
        ('{{ spy.number("depths.dept.a") }}', ["tables/spy/depths.csv has no column 'dept'", "depth", "--partial"]),
        ('{{ spy.number("depths.depth.b") }}', ["no row 'b': choose one of a, gamma_0.50", "--partial"]),
        ('{{ spi.table("depths") }}', ["'spi' is no market of data/: there are spy, my-bars", "--partial"]),
        ('{{ market("spi").table("depths") }}', ["'spi' is no market of data/: there are spy, my-bars", "--partial"]),
        ('{{ spy.tabel("depths") }}', ["has no 'tabel': choose one of table, figure, number"]),
        ("{{spy/table/depths}}", ["'table' is no market", '{{ my-bars.table("NAME") }}']),
        ("{{ spy.table() }}", ["TypeError", "missing 1 required positional argument"]),
        ("{{ spy.table('depths' }}", ["unexpected '}', expected ')'"]),
        ("{% if spy %}", ["Unexpected end of template"]),
        ("{{ 1 / 0 }}", ["ZeroDivisionError: division by zero"]),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path, mark, words):
    with pytest.raises(ConfigError) as caught:
        filled(tmp_path, f"First line.\nSecond line.\n{mark}\n")
    message = str(caught.value)
    assert message.startswith("README.template.md, line ") and "\n" not in message
    assert int(message.split("line ")[1].split(":")[0]) == 3
    assert all(word in message for word in words), message


def test_a_page_of_which_parts_are_missing_may_be_asked_for(tmp_path):
    text = '{{ spy.number("depths.depth.b") }} {{ qqq.table("depths") }} {{ market("x y").figure("seeds") }}'
    assert filled(tmp_path, text, partial=True) == "*not run* *not run* *not run*"
    for mark in ('{{ qqq.table("depth") }}', '{{ spy.table("depth") }}'):
        with pytest.raises(ConfigError, match="did you mean depths"):
            filled(tmp_path, mark, partial=True)


def test_a_template_may_include_another_and_the_place_is_in_it(tmp_path):
    (tmp_path / "part.md").write_text('{{ spy.number("depths.depth.a") }}')
    assert filled(tmp_path, '{% include "part.md" %}').startswith("1.0")
    with pytest.raises(ConfigError, match=r"line 1: TemplateNotFound: 'gone\.md' not found"):
        filled(tmp_path, '{% include "gone.md" %}')
