"""facezoo on PyTorch."""

from __future__ import annotations

import importlib
from typing import Any

from facezoo.backends.torch import state

__all__ = ["build_backbone", "build_engine", "build_head", "build_inference", "draw_seed", "exporter", "state"]


def build_backbone(spec: Any) -> Any:
    """The network of a spec, with the framework's own initial values."""
    return getattr(importlib.import_module(f"facezoo.backends.torch.backbones.{spec.family}"), spec.network)(spec)


def build_head(margin: Any, embedding_size: int, num_classes: int, criterion: dict[str, Any]) -> Any:
    """The head of a margin, with the framework's own initial values."""
    head = getattr(importlib.import_module(f"facezoo.backends.torch.heads.{margin.module}"), margin.name)
    return head(embedding_size, num_classes, **margin.hyper(), **criterion)


def build_engine(settings: Any, backbone: Any, head: Any, rows: Any = None) -> Any:
    """The engine that trains two built modules; see :class:`facezoo.interfaces.engine.Engine`.

    ``rows`` are the classes that the head holds, a ``ClassRows``; None where it is not divided over processes.
    """
    from facezoo.backends.torch.engine import TorchEngine

    return TorchEngine(settings, backbone, head, rows)


def build_inference(
    module: Any, device: str = "auto", precision: str = "float32", threads: int = 0, preprocess: Any = None
) -> Any:
    """A function from (N, H, W, 3) uint8 crops to (N, E) float32 embeddings.

    ``preprocess`` is for modules from outside the zoo; None takes the backbone's own.
    """
    from facezoo.backends.torch.infer import Inference

    return Inference(module, device, precision, threads, preprocess=preprocess, compiled=True)


def exporter() -> Any:
    """The module of the export formats: ``Exported``, ``save``, ``open_saved``."""
    return importlib.import_module("facezoo.backends.torch.export")


def draw_seed() -> int:
    """A seed for initial weights from the framework's random state, which ``torch.manual_seed`` sets."""
    import torch

    return int(torch.randint(2**31 - 1, (), device="cpu"))
