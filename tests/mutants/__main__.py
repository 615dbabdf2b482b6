"""Applies mutations to copies of the project, one each, and runs the tests that have to fail under them.

    make mutants [ARGS="--only losses stop --jobs=2 --time_limit=900"]

Prints each mutation as killed or survived. Ends with 1 if one survived or a named test does not pass without mutation,
with 2 if the table does not fit the code.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tests.mutants import sandbox, table

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; see the module's text for what it returns."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    try:
        mutations = table.load(options.root / "tests" / "mutants")
        for mutation in mutations:
            mutation.check(options.root)
    except table.TableError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    chosen = [one for one in mutations if any(text in f"{one.file} {one.name}" for text in options.only)]
    sandbox.preload()
    deadline = started + options.time_limit
    broken = _without_mutation(options.root, chosen, options.jobs)
    for line in broken:
        print(f"FAILS UNMUTATED  {line}", flush=True)
    killed, survived = _judge_all(options.root, chosen, options.jobs, deadline)
    print(
        f"{killed} killed, {survived} survived of {len(chosen)} mutations; {len(chosen) - killed - survived} not run; "
        f"{len(broken)} tests fail without mutation ({time.monotonic() - started:.0f} s)"
    )
    return 1 if broken or survived else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[""], help="mutations whose file or name contains one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies at work at a time")
    parser.add_argument("--time_limit", type=float, default=float("inf"), help="seconds after which none is started")
    parser.add_argument("--root", type=Path, default=ROOT, help="project to break")
    return parser


def _without_mutation(root: Path, mutations: Sequence[table.Mutation], jobs: int) -> list[str]:
    """Named tests that do not pass as the code stands: their failing would say nothing."""
    tests = sorted({test for mutation in mutations for test in mutation.tests})
    by_file = [tuple(group) for _, group in groupby(tests, lambda test: test.partition("::")[0])]
    tasks = [sandbox.Task(label=None, tests=group, change=lambda copy: None) for group in by_file]
    broken = []
    for task, outcome in sandbox.run(root, tasks, jobs, deadline=float("inf")):
        if outcome.problem:
            broken.append(f"{task.tests[0].partition('::')[0]}: {outcome.problem}")
        broken += [test for test in task.tests if _cases(test, outcome.failed) or not _cases(test, outcome.passed)]
    return broken


def _judge_all(root: Path, mutations: Sequence[table.Mutation], jobs: int, deadline: float) -> tuple[int, int]:
    """Numbers of mutations that were killed and that survived; prints each as it is known."""
    tasks = [
        sandbox.Task(label=mutation, tests=mutation.tests, change=lambda copy, one=mutation: _apply(one, copy))
        for mutation in mutations
    ]
    killed = survived = 0
    for task, outcome in sandbox.run(root, tasks, jobs, deadline):
        unharmed = [test for test in task.tests if not _cases(test, outcome.failed)]
        why = outcome.problem or f"passed: {', '.join(unharmed)}"
        dead = not unharmed and not outcome.problem
        killed, survived = killed + dead, survived + (not dead)
        verdict = "killed  " if dead else "SURVIVED"
        rest = "" if dead else f" ({why})"
        print(f"{verdict}  {task.label.file}: {task.label.name} [{outcome.seconds:.0f} s]{rest}", flush=True)
    return killed, survived


def _apply(mutation: table.Mutation, copy: Path) -> None:
    (copy / mutation.file).write_text(mutation.mutated(copy), encoding="utf-8")


def _cases(test: str, node_ids: frozenset[str]) -> list[str]:
    """The node ids that are the named test or one of its cases."""
    return [node_id for node_id in node_ids if node_id == test or node_id.startswith(f"{test}[")]


if __name__ == "__main__":
    sys.exit(main())
