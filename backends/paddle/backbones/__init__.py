"""The zoo's backbones on PaddlePaddle: one file per family, and a constructor for every public name.

``from facezoo.backends.paddle.backbones import IR50; IR50(embedding_size=512)``
"""

from __future__ import annotations

from functools import partial
from typing import Any

from facezoo.zoo.catalog import BACKBONES
from facezoo.zoo.create import create_backbone


def __getattr__(name: str) -> Any:
    if name in BACKBONES:
        return partial(create_backbone, name, backend="paddle")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(BACKBONES)
