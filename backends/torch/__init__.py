"""facezoo on PyTorch."""

from __future__ import annotations

import importlib
from typing import Any

from facezoo.backends.torch import state

__all__ = ["build_backbone", "build_head", "state"]


def build_backbone(spec: Any) -> Any:
    """The network of a spec, with the framework's own initial values."""
    return getattr(importlib.import_module(f"facezoo.backends.torch.backbones.{spec.family}"), spec.network)(spec)


def build_head(margin: Any, embedding_size: int, num_classes: int, criterion: dict[str, Any]) -> Any:
    """The head of a margin, with the framework's own initial values."""
    head = getattr(importlib.import_module(f"facezoo.backends.torch.heads.{margin.module}"), margin.name)
    return head(embedding_size, num_classes, **margin.hyper(), **criterion)
