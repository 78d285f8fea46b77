"""The zoo's loss heads on PyTorch: one file per loss.

``from facezoo.backends.torch.heads import ArcFace; ArcFace(embedding_size=512, num_classes=1000)``
"""

from __future__ import annotations

import importlib
from typing import Any

from facezoo.zoo.catalog import HEADS


def __getattr__(name: str) -> Any:
    if name in HEADS:
        return getattr(importlib.import_module(f"{__name__}.{HEADS[name].module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(HEADS)
