"""facezoo on PaddlePaddle."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import warnings
from typing import Any

_REMINDERS = ("WARNING: OMP_NUM_THREADS set to", "PLEASE USE OMP_NUM_THREADS WISELY")


def _import_framework() -> None:
    """Import paddle with all cores, and hide two messages: no compiler cache, and the number of threads."""
    if "paddle" not in sys.modules:
        os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))  # paddle reads it once, at import
        # its threads spin for 200 ms after each operation, which slows every other process down
        os.environ.setdefault("KMP_BLOCKTIME", "0")
        os.environ.setdefault("GLOG_minloglevel", "2")  # messages on executors and oneDNN; errors are still printed
    said = io.StringIO()
    with contextlib.redirect_stderr(said), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No ccache found")
        # its own handler of SIGTERM would end the process before a run can save
        importlib.import_module("paddle").disable_signal_handler()
    for line in said.getvalue().splitlines():
        if line.strip() and not line.startswith(_REMINDERS):
            print(line, file=sys.stderr)


_import_framework()
warnings.filterwarnings("ignore", message="When training, we now always track global mean and variance")
warnings.filterwarnings("ignore", message="Tensor do not have 'place' interface for pir graph mode")

from facezoo.backends.paddle import state  # noqa: E402

__all__ = ["build_backbone", "build_engine", "build_head", "build_inference", "draw_seed", "exporter", "state"]


def build_backbone(spec: Any) -> Any:
    """The network of a spec, with the framework's own initial values."""
    return getattr(importlib.import_module(f"facezoo.backends.paddle.backbones.{spec.family}"), spec.network)(spec)


def build_head(margin: Any, embedding_size: int, num_classes: int, criterion: dict[str, Any]) -> Any:
    """The head of a margin, with the framework's own initial values."""
    head = getattr(importlib.import_module(f"facezoo.backends.paddle.heads.{margin.module}"), margin.name)
    return head(embedding_size, num_classes, **margin.hyper(), **criterion)


def build_engine(settings: Any, backbone: Any, head: Any, rows: Any = None) -> Any:
    """The engine that trains two built modules; see :class:`facezoo.interfaces.engine.Engine`.

    ``rows`` are the classes that the head holds, a ``ClassRows``; None where it is not divided over processes.
    """
    from facezoo.backends.paddle.engine import PaddleEngine

    return PaddleEngine(settings, backbone, head, rows)


def build_inference(
    module: Any, device: str = "auto", precision: str = "float32", threads: int = 0, preprocess: Any = None
) -> Any:
    """A function from (N, H, W, 3) uint8 crops to (N, E) float32 embeddings.

    ``preprocess`` is for modules from outside the zoo; None takes the backbone's own.
    """
    from facezoo.backends.paddle.infer import Inference

    return Inference(module, device, precision, threads, preprocess=preprocess)


def exporter() -> Any:
    """The module of the export formats: ``Exported``, ``save``, ``open_saved``."""
    return importlib.import_module("facezoo.backends.paddle.export")


def draw_seed() -> int:
    """A seed for initial weights from the framework's random state, which ``paddle.seed`` sets."""
    import paddle

    return int(paddle.randint(0, 2**31 - 1, [1]).numpy()[0])
