"""facezoo: a face recognition model zoo, native on PyTorch and PaddlePaddle, and comparable.

Importing this package imports neither framework.
"""

from __future__ import annotations

import importlib as _importlib
import logging as _logging
from pathlib import Path as _Path
from typing import TYPE_CHECKING
from typing import Any as _Any

if TYPE_CHECKING:  # for type checkers and editors; at run time each name is imported on first use
    from facezoo import backends as backends
    from facezoo import evaluation as evaluation
    from facezoo import testing as testing
    from facezoo.align.create import create_detector as create_detector
    from facezoo.align.crop import align_face as align_face
    from facezoo.canonical.state import get_state as get_state
    from facezoo.canonical.state import set_state as set_state
    from facezoo.checkpoints.foreign.importer import import_checkpoint as import_checkpoint
    from facezoo.checkpoints.weights import load_weights as load_weights
    from facezoo.checkpoints.weights import save_weights as save_weights
    from facezoo.export.fold import fold_batchnorm as fold_batchnorm
    from facezoo.inference.embedder import Embedder as Embedder
    from facezoo.specs.preprocess import Preprocess as Preprocess
    from facezoo.training.api import train as train
    from facezoo.weights.pretrained import load_pretrained as load_pretrained
    from facezoo.zoo.catalog import list_backbones as list_backbones
    from facezoo.zoo.catalog import list_heads as list_heads
    from facezoo.zoo.create import create_backbone as create_backbone
    from facezoo.zoo.create import create_head as create_head

__version__ = "0.1.0"

_logging.getLogger("facezoo").addHandler(
    _logging.NullHandler()
)  # a program that uses the library decides what is shown

_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "setup.py").is_file() and (_checkout / "backends").is_dir():
    __path__.append(str(_checkout))  # a plain checkout: finds facezoo.backends and the two data folders

# public name -> the module that defines it; the block above names the same
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
