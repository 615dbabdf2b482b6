"""The measurements that hold the architecture: every way to import is seen, circles are found, sizes are counted."""

from __future__ import annotations

from pathlib import Path

from benchmarks import house
from tests.project import import_graph


def package(folder: Path, sources: dict[str, str]) -> dict[str, Path]:
    """Writes the files of a package `p`."""
    for name, source in sources.items():
        path = folder / "p" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return import_graph.modules(folder / "p", "p")


def test_every_way_to_import_is_seen(tmp_path):
    sources = {
        "__init__": "",
        "a": "import p.b\nfrom p import c\nfrom p.d import name",
        "b": "def f():\n    from p.c import x\n    return 'p.d'",
        "c": "import importlib\nTABLE = {'x': 'p.d'}\nimportlib.import_module(TABLE['x'])",
        "d": "try:\n    from . import e\nexcept ImportError: pass\nfrom .r.s import *",
        "e": "",
        "r/__init__": "from .s import y",
        "r/s": "from ..e import z\nimport json",
    }
    files = package(tmp_path, sources)
    edges = import_graph.graph(files)
    assert edges["p.a"] == {"p.b", "p.c", "p.d"}
    assert (edges["p.b"], edges["p.c"], edges["p.d"]) == ({"p.c"}, {"p.d"}, {"p.e", "p.r.s"})
    assert (edges["p.r"], edges["p.r.s"]) == ({"p.r.s"}, {"p.e"})
    assert import_graph.imports("p.r.s", files) == {"p.e", "json"}
    assert import_graph.graph(files, strings=False)["p.c"] == set()
    assert import_graph.reachable(["p.d"], edges) == {"p", "p.d", "p.e", "p.r", "p.r.s"}


def test_a_circle_is_found_wherever_it_begins():
    edges = {"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"e"}, "e": {"b"}}
    found = import_graph.circle({name: frozenset(others) for name, others in edges.items()})
    assert found == ["b", "d", "e", "b"]
    edges["e"] = {"c"}
    assert import_graph.circle({name: frozenset(others) for name, others in edges.items()}) == []


def test_sizes_are_counted(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "one.py").write_text(
        "@cache\ndef f(x):\n    for y in x:\n        if y:\n            pass\n        elif x:\n            with y:\n"
        "                pass\n\n\ndef g():\n    def inner():\n        while 1:\n            pass\n"
    )
    functions, nesting, files = house.sizes("code", tmp_path)
    assert functions[0] == (8, "code/one.py: f") and functions[1] == (4, "code/one.py: g")
    assert [tuple(size) for size in nesting[:2]] == [(3, "code/one.py: f"), (1, "code/one.py: inner")]
    assert files == [(14, "code/one.py")]
