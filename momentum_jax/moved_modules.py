"""Where something of this package is that a user's file imports from its old place. Standard library alone.

The modules were put into packages after files had been written against the flat package. An old import fails; `advice`
says what to write in its place.
"""

from __future__ import annotations

import ast
import functools
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

_PACKAGE = "momentum_jax"
_FOLDER = Path(__file__).resolve().parent
# What a user's file imports from, before any other module that has the name.
_DOORS = (f"{_PACKAGE}.config", f"{_PACKAGE}.study", f"{_PACKAGE}.run_directory", _PACKAGE)
# Modules that have another name as well as another place; those that kept theirs are found by it.
_RENAMED = {
    "analysis.claims": "analysis.claims.verdicts",
    "analysis.configuration": "analysis.report.arm_settings",
    "analysis.exports": "analysis.export.run_exports",
    "analysis.metrics.curves": "analysis.metrics.derived_curves",
    "analysis.page": "analysis.report.html_page",
    "analysis.quality": "analysis.report.data_warnings",
    "analysis.report": "analysis.report.build",
    "analysis.study.market": "analysis.pages.study_market",
    "analysis.study.page": "analysis.pages.page_writer",
    "analysis.tables": "analysis.report.run_tables",
    "claims": "config.declared_claims",
    "cli": "cli.command_line",
    "cli_flags": "cli.flag_definitions",
    "config": "config.run_config",
    "description": "training.manifest",
    "env.layout": "env.observation_layout",
    "env.market": "env.device_market",
    "env.options": "env.environment_options",
    "kernels": "processes.kernel_choices",
    "leaves": "training.device_arrays",
    "liaison": "processes.distributed_helper",
    "market.heatmap": "market.checks.session_calendar",
    "market.options": "market.market_options",
    "market.report": "market.checks.quality_report",
    "market.tables": "market.files.traced_tables",
    "market.vendor_protocol": "market.vendors.protocol",
    "market.vendors": "market.vendors.vendor_source",
    "ppo.networks": "networks.towers",
    "ppo.optimizer": "ppo.optimizers",
    "ppo.options": "ppo.hyper_parameters",
    "resuming": "training.resume.compatibility",
    "runtime": "processes.backend_startup",
    "slurm": "cli.batch_file",
    "store": "run_directory",
    "store.config": "run_directory.config_json",
    "store.files": "run_directory.atomic_files",
    "store.lock": "run_directory.writer_lock",
    "store.read": "run_directory.reader",
    "store.state": "run_directory.state_folders",
    "store.write": "run_directory.writer",
    "study": "study.declaration",
    "training": "training.loop",
}


def advice(error: BaseException) -> str:
    """What to write in place of an import of this package that failed; empty for any other error.

    Args:
      error: as it was raised; the import is read from the file and line in its traceback.
    """
    if not isinstance(error, ImportError) or not (error.name or "").startswith(_PACKAGE):
        return ""
    statement = _failed_import(error)
    if isinstance(statement, ast.Import):
        found = [(each, _same_module(each.name)) for each in statement.names if each.name not in _modules()]
        return "; ".join(f"write `import {new}{_alias(each, '')}`" for each, new in found if new)
    if isinstance(statement, ast.ImportFrom) and statement.module:
        lines = list(_from_lines(statement.module, statement.names))
        return f"write `{'; '.join(lines)}`" if lines else ""
    return ""


def _failed_import(error: ImportError) -> ast.stmt | None:
    """The statement that was running: the last frame of the traceback that is a file's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_file()]
    tree = ast.parse(Path(frames[-1].filename).read_text(encoding="utf-8")) if frames else ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and node.lineno == frames[-1].lineno:
            return node
    return None


def _from_lines(module: str, names: Sequence[ast.alias]) -> Iterator[str]:
    """The imports that bring the same names; none where one of them is nowhere."""
    whole = _place(module, [each.name for each in names])
    places = {each: whole or _place(module, [each.name]) for each in names}
    renamed = {each: _same_module(f"{module}.{each.name}") for each, place in places.items() if not place}
    if not all(places[each] or renamed[each] for each in names):
        return
    for place in dict.fromkeys(place for place in places.values() if place):
        shown = ", ".join(f"{each.name}{_alias(each, each.name)}" for each in names if places[each] == place)
        yield f"from {place} import {shown}"
    for each, new in renamed.items():
        package, _, name = str(new).rpartition(".")
        yield f"from {package} import {name} as {each.asname or each.name}"


def _alias(name: ast.alias, default: str) -> str:
    return f" as {name.asname}" if name.asname and name.asname != default else ""


def _place(module: str, names: Sequence[str]) -> str | None:
    """The module that defines all the names: what a user's file should import from first, then the moved module."""
    moved = _same_module(module)
    own = [each for each in _modules() if each.startswith(f"{_PACKAGE}.") and set(names) <= _names(each)]
    candidates = [*_DOORS, *([moved] if moved else []), *(own if len(own) == 1 else [])]
    return next((each for each in candidates if set(names) <= _names(each)), None)


def _same_module(module: str) -> str | None:
    """Where a module of the flat package is, by the table or by its name; itself where it did not move."""
    inside = module.removeprefix(f"{_PACKAGE}.")
    if inside in _RENAMED:
        return f"{_PACKAGE}.{_RENAMED[inside]}"
    if module in _modules():
        return module
    alike = [each for each in _modules() if each.rpartition(".")[2] == inside.rpartition(".")[2]]
    return alike[0] if len(alike) == 1 else None


@functools.cache
def _modules() -> dict[str, Path]:
    """The file of each module of this package."""
    found = {}
    for path in sorted(_FOLDER.rglob("*.py")):
        parts = [_PACKAGE, *path.relative_to(_FOLDER).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def _names(module: str) -> set[str]:
    """What a module defines or, as a package's `__init__`, offers; private names and imports of its own left out."""
    tree = ast.parse(_modules()[module].read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
            if "__all__" in found and node.value is not None:
                found |= set(ast.literal_eval(node.value)) if module in _DOORS else set()
    return {name for name in found if not name.startswith("_")}
