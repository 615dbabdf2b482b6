"""The order in which `make test` begins with its files."""

from __future__ import annotations

from types import SimpleNamespace

from tests import conftest
from tests.conftest import LONGEST, ROOT


def test_the_longest_files_come_first_and_the_others_keep_their_order():
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []
    names = ["tests/env/test_rules.py", LONGEST[1], "tests/config/test_arms.py", LONGEST[0], LONGEST[1]]
    items = [SimpleNamespace(path=ROOT / name, number=number) for number, name in enumerate(names)]
    conftest.pytest_collection_modifyitems(items)
    assert [item.number for item in items] == [3, 1, 4, 0, 2]
