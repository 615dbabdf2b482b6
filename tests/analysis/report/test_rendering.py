"""One document as Markdown and as HTML, in which no name of a run is markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from momentum_jax.analysis.report.build import write_report
from momentum_jax.analysis.report.document import Bullets, Image, Section, Table, Text, literal, spans
from momentum_jax.analysis.report.rendering import environment, to_markdown

MARKDOWN = """\
# Title

## First

**bold** and *thin*

- a & b
- c

### T

| arm | n |
| --- | ---: |
| \\<b> | 1 |
| x\\|y | 2 |

![Caption](figures/1_x.png)

*Caption* ([SVG](figures/1_x.svg))

## Second

hidden
"""
NAMES = (
    "<script>alert(1)</script>",
    "**a**|*b*",
    """'x' "y" onerror=z""",
    "&lt;i&gt; `c` [d](e) _f_ ~g~",
    "\\*h\\",
    "a\nb",
)
TAGS = "section h2 h3 p strong ul li div table thead tbody tr th td figure img figcaption"
UNESCAPED = r"(?<!\\)"


class Page(HTMLParser):
    """The tags, attributes and texts of a page as a browser has them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def html_of(section: Section) -> str:
    """A section as the page has it."""
    return str(environment().get_template("blocks.html.j2").module.section(section, lambda name: f"data:{name}"))


def as_read(markdown: str) -> str:
    """A line of Markdown without the backslashes that keep punctuation from being markup."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


def test_one_document_is_written_as_markdown_and_as_html():
    frame = pd.DataFrame({"arm": ["<b>", "x|y"], "n": [1, 2]})
    blocks = [Text("**bold** and *thin*"), Bullets(["a & b", "c"]), Table(frame, "T"), Image("1_x", "Caption")]
    sections = [Section("First", blocks), Section("Second", [Text("hidden")], folded=True)]
    assert to_markdown("Title", sections) == MARKDOWN
    page = "".join(html_of(section) for section in sections)
    assert "<p><strong>bold</strong> and <em>thin</em></p>" in page and "<li>a &amp; b</li><li>c</li>" in page
    assert "&lt;b&gt;" in page and "<b>" not in page and 'src="data:1_x"' in page
    assert page.count("<details>") == page.count("</details>") == page.count("</section>") == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_markup_in_either_form(name):
    frame = pd.DataFrame({"arm": [name, "other"], "n": [1, 2]})
    blocks = [Text(f"**{literal(name)}** of {literal(name)}"), Bullets([literal(name)]), Table(frame, name)]
    section = Section(name, [*blocks, Image("1_x", name)])
    page = Page(html_of(section))
    assert page.tags == set(TAGS.split()) and ("alt", name) in page.attributes
    assert page.texts.count(name) == 6 and f" of {name}" in page.texts  # from the heading to the caption
    lines = to_markdown(name, [section]).splitlines()
    assert not [line for line in lines if re.search(UNESCAPED + "<[a-z/]", line)]
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4 and {len(re.findall(UNESCAPED + r"\|", row)) for row in rows} == {3}
    (bullet,) = (line for line in lines if line.startswith("- "))
    assert as_read(bullet[2:]) == name.replace("\n", " ")
    assert not re.search(UNESCAPED + r"(\\\\)*([*`~]|\]\()", bullet[2:])


def test_marks_are_told_apart_from_what_a_name_has():
    assert spans(f"**{literal('a*b')}** of {literal('**c**')}: *d* and 2 * 3") == [
        ("strong", "a*b"),
        ("plain", " of **c**: "),
        ("emphasis", "d"),
        ("plain", " and 2 "),
        ("plain", "*"),
        ("plain", " 3"),
    ]


def test_runs_in_folders_of_hostile_names_have_a_harmless_report(simulate, one_figure):
    names = ("a**b**|<img src=x onerror=alert(1)>", "c'\"&lt;")
    runs = [simulate(arms=("tune2",), steps=(0, 1_000, 5_000, 10_000), name=name) for name in names]
    path = write_report(runs, runs[0] / "out")
    page = Page(path.with_suffix(".html").read_text())
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert all(value.startswith("data:") for name, value in page.attributes if name == "src" and value)
    for name in names:
        assert f"{name}:tune2" in page.texts  # a table's cell
        assert any(text.startswith(f"{name}:tune2, windowed HOLD") for text in page.texts)
    text = path.read_text()
    assert r"- a\*\*b\*\*|\<img src=x onerror=alert(1)>:tune2, windowed" in text
    assert not re.search(UNESCAPED + "<[a-z/]", text)
