"""facezoo: a face recognition model zoo, native on PyTorch and PaddlePaddle, and comparable.

Importing this package imports neither framework.
"""

from __future__ import annotations

import importlib as _importlib
import logging as _logging
from pathlib import Path as _Path
from typing import Any as _Any

__version__ = "0.2.0"

# a program that uses the library decides what is shown
_logging.getLogger("facezoo").addHandler(_logging.NullHandler())

_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "setup.py").is_file() and (_checkout / "backends").is_dir():
    __path__.append(str(_checkout))  # a plain checkout: finds facezoo.backends and the two data folders

# public name -> the module that defines it; __init__.pyi states the same for type checkers and editors
_LAZY = {
    "list_backbones": "facezoo.zoo.catalog",
    "list_heads": "facezoo.zoo.catalog",
    "create_backbone": "facezoo.zoo.create",
    "create_head": "facezoo.zoo.create",
    "get_state": "facezoo.canonical.state",
    "set_state": "facezoo.canonical.state",
    "save_weights": "facezoo.checkpoints.weights",
    "load_weights": "facezoo.checkpoints.weights",
    "fold_batchnorm": "facezoo.export.fold",
    "import_checkpoint": "facezoo.checkpoints.foreign.importer",
    "train": "facezoo.training.api",
    "load_pretrained": "facezoo.weights.pretrained",
    "Embedder": "facezoo.inference.embedder",
    "Recognizer": "facezoo.recognition.recognizer",
    "Preprocess": "facezoo.specs.preprocess",
    "align_face": "facezoo.align.crop",
    "create_detector": "facezoo.align.create",
}
_SUBMODULES = ("backends", "evaluation", "testing")


def __getattr__(name: str) -> _Any:
    if name in _SUBMODULES:
        return _importlib.import_module(f"facezoo.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module 'facezoo' has no attribute {name!r}")
    value = getattr(_importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
