"""``facezoo --version --verbose``: facezoo, Python, the system, and the packages that results depend on."""

from __future__ import annotations

import platform

from facezoo import __version__
from facezoo.io.machine import versions

PACKAGES = (
    "numpy", "scipy", "pillow", "safetensors", "pydantic", "typer", "rich", "torch", "paddlepaddle",
    "paddlepaddle-gpu", "onnx", "onnxruntime", "faiss-cpu", "ray",
)  # fmt: skip


def versions_of_all() -> dict[str, str]:
    """Name -> version; packages that are not installed are left out. No framework is imported."""
    python = f"{platform.python_version()} ({platform.python_implementation()})"
    return {"facezoo": __version__, "python": python, "system": platform.platform(), **versions(PACKAGES)}


def print_versions() -> None:
    """One line for each, to be copied into a report of a fault."""
    from facezoo.cli.show import print_facts

    print_facts(dict(versions_of_all()))
