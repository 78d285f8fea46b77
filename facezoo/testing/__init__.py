"""The conformance suites of backbones and heads, for those of the zoo and for your own.

``from facezoo.testing import check_backbone, check_head``; each raises AssertionError at its first failure.
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {"check_backbone": "facezoo.testing.backbones", "check_head": "facezoo.testing.heads"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
