"""A file's hashes are those of its content and of what it imports from beside it."""

from __future__ import annotations

import hashlib

import pytest

from momentum_jax.processes.source_hashes import source_hashes

FILES = {
    "net.py": "import jax\nimport helper\nfrom kit import layers, missing\nimport momentum_jax.env.task\n",
    "helper.py": "def late():\n    import lazily\n    from net import B\n",
    "lazily.py": "A = 1\n",
    "kit/__init__.py": "",
    "kit/layers.py": "from . import parts\nfrom .deep.most import C\nfrom .. import above\n",
    "kit/parts.py": "import nowhere.at_all\n",
    "kit/deep/most.py": "this is no Python\n",
    "kit/unused.py": "",
    "above.py": "",
    "beside.py": "import net\n",
    "momentum_jax/env/task.py": "",
}
USED = ["above.py", "helper.py", "kit/__init__.py", "kit/deep/most.py", "kit/layers.py", "kit/parts.py", "lazily.py"]


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_what_is_imported_from_beside_counts_and_nothing_else(folder):
    found = source_hashes(folder / "net.py")
    assert list(found) == [*USED, "net.py"]
    assert found["lazily.py"] == hashlib.sha256(b"A = 1\n").hexdigest()


def test_the_content_counts_and_not_the_place(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("moved") / "all"
    before = source_hashes(folder / "net.py")
    folder.rename(other)
    assert source_hashes(other / "net.py") == before
    (other / "kit" / "parts.py").write_text("# changed\n")
    changed = source_hashes(other / "net.py")
    assert [name for name in before if before[name] != changed[name]] == ["kit/parts.py"]


def test_the_files_of_the_packages_that_a_module_is_in_count(folder):
    (folder / "kit" / "deep" / "__init__.py").write_text("WIDTH = 64\n")
    module = folder / "kit" / "deep" / "mlp.py"
    module.write_text("from . import WIDTH\n" + "from " + "." * 99 + " import nothing\n")
    assert list(source_hashes(module, folder)) == ["kit/__init__.py", "kit/deep/__init__.py", "kit/deep/mlp.py"]


def test_a_module_of_a_package_is_looked_up_from_above_it(folder):
    (folder / "kit" / "layers.py").write_text("import kit.parts\nfrom kit import unused\n")
    found = source_hashes(folder / "kit" / "layers.py", folder)
    assert list(found) == ["kit/__init__.py", "kit/layers.py", "kit/parts.py", "kit/unused.py"]
