"""Fixtures that every test may use."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import numpy as np
import pytest

# test files may share a name (import-mode importlib), so helpers beside them are found by path
HELPERS = [path for path in Path(__file__).parent.rglob("*.py") if not path.name.startswith(("test_", "conftest"))]
sys.path[:0] = sorted({str(path.parent) for path in HELPERS})

BACKENDS = tuple(filter(None, os.environ.get("FACEZOO_TEST_BACKENDS", "").split(","))) or ("torch", "paddle")


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="run the long tests too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--full"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each backend of FACEZOO_TEST_BACKENDS (both when unset); one that cannot be imported fails the test."""
    from facezoo import backends

    backends.load(request.param)
    return request.param


@pytest.fixture(scope="session")
def real_data():
    """The folder named by FACEZOO_TEST_DATA; it contains data/, golden/ and weights/."""
    named = os.environ.get("FACEZOO_TEST_DATA")
    if not named:
        pytest.skip("FACEZOO_TEST_DATA is not set: the folder with data/, golden/ and weights/")
    folder = Path(named)
    if not (folder / "data").is_dir():
        pytest.fail(f"FACEZOO_TEST_DATA is {named!r}; expected a folder with data/ in it")
    return folder


@pytest.fixture
def seed():
    """A fresh seed, printed so that a failure can be repeated with FACEZOO_TEST_SEED."""
    value = int(os.environ.get("FACEZOO_TEST_SEED") or secrets.randbits(32))
    print(f"FACEZOO_TEST_SEED={value}")
    return value


@pytest.fixture
def rng(seed):
    """A generator from the printed seed."""
    return np.random.default_rng(seed)
