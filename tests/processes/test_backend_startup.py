"""How JAX is started: whatever the environment of the process says."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import pytest

from momentum_jax.fields import ConfigError
from momentum_jax.processes import backend_startup
from tests.conftest import ROOT


@pytest.fixture
def environment(monkeypatch):
    """Without settings of the cache folder."""
    for name in (backend_startup.CACHE_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_cache_lies_where_the_variable_says_then_in_the_cache_folder_of_the_home(environment, tmp_path):
    environment.setenv("HOME", str(tmp_path))
    assert backend_startup.cache_dir() == tmp_path / ".cache" / "momentum_jax"
    environment.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert backend_startup.cache_dir() == tmp_path / "other" / "momentum_jax"
    environment.setenv(backend_startup.CACHE_VARIABLE, "~/mine")
    assert backend_startup.cache_dir() == tmp_path / "mine"


def _no_user(uid: int) -> None:
    raise KeyError(uid)


def test_without_a_home_folder_the_cache_is_temporary(environment, tmp_path):
    temporary = Path(tempfile.gettempdir()) / f"momentum_jax-{os.getuid()}"
    environment.delenv("HOME")
    environment.setattr(pwd, "getpwuid", _no_user)
    assert backend_startup.cache_dir() == temporary
    (tmp_path / "file").touch()
    environment.setenv("HOME", str(tmp_path / "file"))  # as /nonexistent, but root can make that
    assert backend_startup.cache_dir() == temporary


def test_a_cache_folder_that_cannot_be_made_is_refused(environment, tmp_path):
    (tmp_path / "file").touch()
    environment.setenv(backend_startup.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(ConfigError, match=r"MOMENTUM_JAX_CACHE=.*file/cache: cannot be made \(Not a directory\)"):
        backend_startup.cache_dir()


def test_programs_that_compile_in_no_time_are_kept_too():
    """A launch has a hundred of them."""

    def tiny_program(x):
        return x + 1

    folder = Path(jax.config.jax_compilation_cache_dir)
    for path in folder.glob("jit_tiny_program-*"):
        path.unlink(missing_ok=True)
    jax.jit(tiny_program)(1.0)
    assert list(folder.glob("jit_tiny_program-*"))


COUNT_LAPACK_THREADS = """
import ctypes
import scipy.special
from momentum_jax.processes import backend_startup
from scipy.linalg import cython_lapack
backend_startup.start()
print(getattr(ctypes.CDLL(cython_lapack.__file__), "scipy_openblas_get_num_threads", lambda: "no OpenBLAS")())
"""


@pytest.mark.parametrize(("asked", "threads"), [("", "1"), ("2", "2")])
def test_lapack_has_one_thread_even_where_scipy_was_imported_first_unless_the_user_asks(environment, asked, threads):
    environment.setenv("OPENBLAS_NUM_THREADS", asked)
    command = [sys.executable, "-c", COUNT_LAPACK_THREADS]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    if found == "no OpenBLAS":
        pytest.skip("this SciPy has another LAPACK")
    assert found == threads
