"""facezoo: a face recognition model zoo, native on PyTorch and PaddlePaddle, and comparable.

Importing this package imports neither framework.
"""

from __future__ import annotations

from pathlib import Path as _Path

__version__ = "0.1.0"

_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "setup.py").is_file() and (_checkout / "backends").is_dir():
    __path__.append(str(_checkout))  # a plain checkout: finds facezoo.backends and the two data folders
