"""A run small enough for a test: MobileFaceNet on a few synthetic faces."""

from __future__ import annotations

import pytest
from tiny_run import TINY

from facezoo.training.config_file import load_config


@pytest.fixture
def tiny():
    """(overrides) -> the configuration of a tiny run."""

    def build(**overrides):
        dotted = {key.replace("__", "."): value for key, value in overrides.items()}
        return load_config(None, {**TINY, **dotted})

    return build
