"""The house: packages import downwards only, no circles, no JAX where none is needed, sizes that fit in a head.

`PACKAGES` is the one place that has the order; `docs/architecture.md` shows it and is compared with it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks import house
from momentum_jax.env.momentum_diagnostics import ACTIONS
from tests.conftest import ROOT
from tests.project import import_graph

# Lowest first: a package imports itself and what stands above it in this table.
PACKAGES = {
    "version": "the version of this program",
    "moved_modules": "where the modules of the flat package are now",
    "fields": "declared settings: names, defaults, bounds",
    "field_checks": "the values of settings: their types and limits",
    "processes": "the operating system's process: terminal, signals, machine, JAX's start, several processes",
    "lookup": "parts that a setting names: by a short name, or by their place",
    "market": "bars: files, vendors, synthetic; checks, sessions, segments, features",
    "diagnostics": "what an environment says of itself; events, counters, probe states",
    "env": "environments behind one interface, the momentum environment first",
    "networks": "networks of policy and value",
    "ppo": "losses, rollout, optimisers, learner",
    "config": "what a run is, declared",
    "run_directory": "write and read a run directory",
    "session_play": "policies and baselines through whole sessions of the momentum environment",
    "training": "one compiled program; arms × seeds over programs; checkpoints; resuming",
    "backtest": "policies of a finished run on sessions of a data part, beside baselines",
    "study": "the parts of a study as a queue",
    "analysis": "from run directories to dips, claims, figures, reports",
    "cli": "everything that reads a command line",
}
# Programs and the user's own imports; they may import every package, and no package imports them.
ENTRY_POINTS = ("", "__main__", "dips", "evaluate", "policy", "report", "study_page", "market.__main__")
# What computes on JAX's arrays, or exists for them.
JAX = ("jax", "jaxlib", "flax", "optax", "chex", "orbax", "gymnax")
WITHOUT_JAX = ("fields", "field_checks", "market", "config", "run_directory", "analysis")
PACKAGE = "momentum_jax"
FILES = import_graph.modules(ROOT / PACKAGE, PACKAGE)
EDGES = import_graph.graph(FILES)


def within(module: str) -> str:
    """A module's name inside the package; empty for the package itself."""
    return module.removeprefix(PACKAGE).removeprefix(".")


def package_of(module: str) -> str:
    return within(module).split(".")[0]


def is_entry_point(module: str) -> bool:
    return within(module) in ENTRY_POINTS


def test_every_module_is_in_a_room_or_is_a_door():
    assert {within(module) for module in FILES if is_entry_point(module)} == set(ENTRY_POINTS)
    assert {package_of(module) for module in FILES if not is_entry_point(module)} == set(PACKAGES)


def test_the_page_shows_the_rooms_in_their_order():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE) == list(PACKAGES.items())


def test_the_readme_lists_the_rooms_in_their_order():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.search(r"^momentum_jax/ {2,}packages.*\n((?:  .*\n)+)", page, re.MULTILINE)
    names = re.findall(r"^  (\w.*?)(?: {2,}|$)", listed[1], re.MULTILINE)
    all_but_the_smallest = list(PACKAGES)[2:]
    assert [name for line in names for name in re.findall(r"\w+", line)] == all_but_the_smallest


def test_what_the_page_says_where_to_find_is_there():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| `([\w/]+\.py)` \| `(\w+)` \|$", page, re.MULTILINE)
    assert len(rows) >= 20
    for file, name in rows:
        source = (ROOT / PACKAGE / file).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b|^{name}\b.* = ", source, re.MULTILINE), (file, name)


def test_imports_run_downwards_only():
    order = list(PACKAGES)
    upwards = [
        f"{module} imports {other}"
        for module, others in EDGES.items()
        for other in others
        if not is_entry_point(module)
        and (is_entry_point(other) or order.index(package_of(other)) > order.index(package_of(module)))
    ]
    assert not upwards, upwards


def test_no_modules_import_each_other_in_a_circle():
    assert import_graph.circle(EDGES) == []


def imported_roots(module: str, files: dict[str, Path] = FILES) -> set[str]:
    return {name.split(".")[0] for name in import_graph.imports(module, files)}


@pytest.mark.parametrize(
    ("plain", "name", "traced"),
    [
        ("ppo.hyper_parameters", "PPOConfig", "ppo.traced_config"),
        ("env.environment_options", "EnvOptions", "env.traced_options"),
    ],
)
def test_what_computes_takes_options_from_where_they_are_pytrees(plain, name, traced):
    """Else a module works only where another was imported before it."""
    direct = rf"^from {PACKAGE}\.{re.escape(plain)} import (?:\([^)]*|[^\n]*)\b{name}\b"
    takers = {within(module) for module in FILES if re.search(direct, FILES[module].read_text("utf-8"), re.MULTILINE)}
    assert {module for module in takers if imported_roots(f"{PACKAGE}.{module}") & set(JAX)} == {traced}


@pytest.mark.parametrize("name", WITHOUT_JAX)
def test_a_room_without_jax_reaches_none_by_any_import(name):
    """At the top or inside a function. The package itself offers lazily what may need JAX; that is no import."""
    edges = {module: edges for module, edges in EDGES.items() if module != PACKAGE}
    edges[PACKAGE] = import_graph.graph(FILES, strings=False)[PACKAGE]
    start = [module for module in FILES if package_of(module) == name and not is_entry_point(module)]
    assert len(start) > 0
    for module in import_graph.reachable(start, edges):
        assert not imported_roots(module) & set(JAX), f"{module} is reached from {name}/"


IMPORT_ALL = """
import importlib, pkgutil, sys
names = ["momentum_jax.{package}"]
package = importlib.import_module(names[0])
names += [found.name for found in pkgutil.walk_packages(getattr(package, "__path__", []), names[0] + ".")]
names = [name for name in names if not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names), sorted(set({jax}) & set(sys.modules)))
"""


def test_analysis_is_imported_whole_without_jax():
    program = IMPORT_ALL.format(package="analysis", jax=JAX)
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    expected = sum(package_of(module) == "analysis" for module in FILES)
    assert result.stdout.split(maxsplit=1) == [str(expected), "[]\n"], result.stderr


# The options name networks and optimisers, which may be files of a user's own.
OPTIONS_OF_PPO = {
    "ppo.hyper_parameters",
    "ppo.optimizer_table",
    "fields",
    "field_checks",
    "networks.table",
    "lookup",
    "processes.python_file",
}
OPTIONS_OF_PPO |= {"moved_modules", "ppo.traced_config"}
OPTIONS_OF_ENV = {"env.environment_options", "env.traced_options", "fields", "field_checks"}
OPTIONS_OF_ENV |= {"market.contract_terms"}
OF_RULES = {f"env.{name}" for name in ("rule_interventions", "market_view", "pricing", "positions", "purchases")}
OF_RULES |= {f"env.{name}" for name in ("marks", "black_scholes", "account_value")}


@pytest.mark.parametrize(
    ("module", "own"),
    [
        ("env.rules", OPTIONS_OF_ENV | OF_RULES),
        ("ppo.losses", OPTIONS_OF_PPO),
    ],
)
def test_the_pure_parts_import_jax_and_their_own_options_only(module, own):
    edges = import_graph.graph(FILES, strings=False)
    full = f"{PACKAGE}.{module}"
    packages = {"", *(each for name in (module, *own) for each in map(within, import_graph.packages(name)))}
    reached = import_graph.reachable([full], {name: edges[name] for name in edges if name.count(".")})
    assert {within(each) for each in reached} <= {module, *own} | packages
    for each in reached - {f"{PACKAGE}.{name}" for name in packages}:
        assert imported_roots(each) - sys.stdlib_module_names - {PACKAGE} <= {"jax", "flax"}, each


def test_no_two_files_or_folders_of_one_name():
    """An entry point is named after the package that it opens, and a file may be named after its folder."""
    places = defaultdict(set)
    for module, path in FILES.items():
        folder = path.name == "__init__.py"
        if not is_entry_point(module):
            name = within(module)
            places[name.split(".")[-1]].add(name if folder else name.rpartition(".")[0] or name)
    twice = {
        name: found
        for name, found in places.items()
        if len(found) > 1 and not all(each.split(".")[-1] == name for each in found)
    }
    assert not twice


# The momentum environment's own: what it calls its actions, its metrics, and what it decides by.
WORDS = re.compile(rf"\b({'|'.join(ACTIONS)}|BUY|TRIM|\w*(?:hold_pct|p_hold|setup_score)\w*)\b")
TEMPLATES = [path for kind in ("j2", "js", "css") for path in (ROOT / PACKAGE).rglob(f"*.{kind}")]


def test_no_code_outside_the_environments_names_what_is_the_momentum_environments():
    paths = [path for module, path in FILES.items() if package_of(module) != "env"] + TEMPLATES
    assert len(paths) > 300
    found = {str(path): WORDS.findall(path.read_text(encoding="utf-8")) for path in paths}
    assert not {name: words for name, words in found.items() if words}


STUDIES = re.compile(r"tune[123]|trim_reduces_cost|early_dip|reproduction|which_path")


def test_the_analysis_names_no_study_and_no_arm():
    paths = [path for module, path in FILES.items() if package_of(module) in ("analysis", "study")] + TEMPLATES
    assert not [path for path in paths if STUDIES.search(path.read_text(encoding="utf-8"))]


def exported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" not in FILES
    }


def test_no_package_gives_a_name_that_is_also_its_modules():
    """Whichever is imported last would be what the name means."""
    for package, path in FILES.items():
        if path.name == "__init__.py":
            parts = {module.rpartition(".")[2] for module in FILES if module.rpartition(".")[0] == package}
            assert not parts & exported(path), package


@pytest.mark.parametrize("module", FILES)
def test_every_module_says_what_it_is_for(module):
    assert ast.get_docstring(ast.parse(FILES[module].read_text(encoding="utf-8")))


@pytest.mark.parametrize("folder", house.FOLDERS)
def test_files_functions_and_nesting_fit_in_a_head(folder):
    functions, nesting, files = house.sizes(folder)
    assert not [size for size in functions if size.number > house.MOST_FUNCTION_LINES]
    assert not [size for size in nesting if size.number > house.MOST_NESTING]
    assert not [size for size in files if size.number > house.MOST_FILE_LINES]
