"""facezoo on PaddlePaddle."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

with warnings.catch_warnings():  # paddle's import notes that a compiler cache is missing; nothing else is hidden
    warnings.filterwarnings("ignore", message="No ccache found")
    import paddle  # noqa: F401

warnings.filterwarnings("ignore", message="When training, we now always track global mean and variance")

from facezoo.backends.paddle import state  # noqa: E402

__all__ = ["build_backbone", "build_head", "state"]


def build_backbone(spec: Any) -> Any:
    """The network of a spec, with the framework's own initial values."""
    return getattr(importlib.import_module(f"facezoo.backends.paddle.backbones.{spec.family}"), spec.network)(spec)


def build_head(margin: Any, embedding_size: int, num_classes: int, criterion: dict[str, Any]) -> Any:
    """The head of a margin, with the framework's own initial values."""
    head = getattr(importlib.import_module(f"facezoo.backends.paddle.heads.{margin.module}"), margin.name)
    return head(embedding_size, num_classes, **margin.hyper(), **criterion)
