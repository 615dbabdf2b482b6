"""Which module imports which, read from the source: at the top, inside functions, and by a name given as a string."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Graph = Mapping[str, frozenset[str]]


def modules(folder: Path, name: str) -> dict[str, Path]:
    """The file of each module of a package."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [name, *path.relative_to(folder).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(module: str, files: Mapping[str, Path], strings: bool = True) -> frozenset[str]:
    """Full names of what a module imports anywhere, its own package's modules or others.

    Args:
      module: its name.
      files: file of each module of its package.
      strings: whether a string that is the name of one of them counts, in a module that uses `import_module`.
    """
    source = files[module].read_text(encoding="utf-8")
    tree, strings = ast.parse(source), strings and "import_module" in source
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, files[module], node)
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= (names & files.keys()) | ({base} if names - files.keys() else set())
        elif strings and isinstance(node, ast.Constant) and node.value in files:
            found.add(node.value)
    return frozenset(found - {module})


def _absolute(module: str, path: Path, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    parts = package[: len(package) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def graph(files: Mapping[str, Path], strings: bool = True) -> dict[str, frozenset[str]]:
    """What each module imports of its own package."""
    return {module: imports(module, files, strings) & files.keys() for module in files}


def reachable(start: Iterable[str], edges: Graph) -> set[str]:
    """The modules that importing `start` can bring, with the packages that they lie in."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        module = waiting.pop()
        if module not in found and module in edges:
            found.add(module)
            waiting += [*edges[module], *packages(module)]
    return found


def packages(module: str) -> list[str]:
    """The packages around a module, outermost first: all are imported before it."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def circle(edges: Graph) -> list[str]:
    """Modules that import each other in turn, the first again at the end; empty where there is no circle."""
    finished: set[str] = set()
    for start in edges:
        for path in _walks(start, edges, finished):
            if path[-1] in path[:-1]:
                return path[path.index(path[-1]) :]
    return []


def _walks(start: str, edges: Graph, finished: set[str]) -> Iterator[list[str]]:
    """Paths from `start`, depth first, each module's edges once; `finished` are those that lead to no circle."""
    path, branches = [start], [iter(sorted(edges[start]))]
    while path:
        following = next(branches[-1], None)
        if following is None:
            finished.add(path.pop())
            branches.pop()
        elif following in path:
            yield [*path, following]
        elif following not in finished:
            path.append(following)
            branches.append(iter(sorted(edges[following])))
