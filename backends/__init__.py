"""The only place that loads a framework: ``facezoo.backends.load("torch")``."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Literal

from facezoo.errors import BackendUnavailableError, ConfigError, UnknownNameError

if __name__ != "facezoo.backends":
    raise ImportError(f"import this package as facezoo.backends, not as {__name__}")

INSTALL = {  # backend -> the framework's module, the pip command
    "torch": ("torch", "pip install 'facezoo[torch]'"),
    "paddle": ("paddle", "pip install 'facezoo[paddle]'"),
}

ONNX = "onnx"  # ONNX Runtime: a backend for inference that is no framework, with files of its own
INFERENCE = (*INSTALL, ONNX)
ONLY_INFERENCE = (
    "backend onnx only embeds faces with an ONNX file: verify, embed, identify, gallery and evaluate; for everything "
    "else import the file first (facezoo weights import FILE.onnx --out W.safetensors) and use backend torch or paddle"
)


def load(backend: str) -> ModuleType:
    """The package of one backend, with its framework imported.

    Args:
        backend: "torch" or "paddle".

    Raises:
        ConfigError: "onnx", which has no native code.
        UnknownNameError: there is no such backend.
        BackendUnavailableError: the framework is not installed, or does not import.
    """
    if backend == ONNX:
        raise ConfigError(ONLY_INFERENCE)
    if backend not in INSTALL:
        raise UnknownNameError("backend", backend, INSTALL)
    framework, command = INSTALL[backend]
    if not _installed(framework):
        raise BackendUnavailableError(f"backend {backend!r} needs {framework}, which is not installed: {command}")
    return importlib.import_module(f"facezoo.backends.{backend}")


def module(backend: str, name: str) -> ModuleType:
    """One module of a backend, by the name that both backends give it.

    Neutral code uses native code through this function and :func:`load` only.

    Args:
        backend: "torch" or "paddle".
        name: "detector", "fold", "introspect", ...

    Raises:
        UnknownNameError: there is no such backend.
        BackendUnavailableError: the framework is not installed, or does not import.
    """
    return importlib.import_module(f"{load(backend).__name__}.{name}")


def available() -> list[str]:
    """The backends whose framework is installed."""
    return [name for name, (framework, _) in INSTALL.items() if _installed(framework)]


def _installed(framework: str) -> bool:
    try:
        return importlib.util.find_spec(framework) is not None
    except ModuleNotFoundError:  # from an import hook that refuses it
        return False


def default_backend() -> Literal["torch", "paddle"]:
    """The installed backend; "torch" where both are, or neither."""
    return "paddle" if available() == ["paddle"] else "torch"
