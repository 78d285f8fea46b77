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

__all__ = ["build_backbone", "build_engine", "build_head", "build_inference", "state"]


def build_backbone(spec: Any) -> Any:
    """The network of a spec, with the framework's own initial values."""
    return getattr(importlib.import_module(f"facezoo.backends.paddle.backbones.{spec.family}"), spec.network)(spec)


def build_head(margin: Any, embedding_size: int, num_classes: int, criterion: dict[str, Any]) -> Any:
    """The head of a margin, with the framework's own initial values."""
    head = getattr(importlib.import_module(f"facezoo.backends.paddle.heads.{margin.module}"), margin.name)
    return head(embedding_size, num_classes, **margin.hyper(), **criterion)


def build_engine(settings: Any) -> Any:
    """The engine of the settings; see :class:`facezoo.interfaces.engine.Engine`."""
    from facezoo.backends.paddle.engine import PaddleEngine

    return PaddleEngine(settings)


def build_inference(module: Any, device: str = "auto", precision: str = "float32", threads: int = 0) -> Any:
    """A function from (N, H, W, 3) uint8 crops to (N, E) float32 embeddings."""
    from facezoo.backends.paddle.infer import Inference

    return Inference(module, device, precision, threads)
