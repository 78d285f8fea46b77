"""The export formats, and what each needs."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from facezoo.errors import BackendUnavailableError, ConfigError, UnknownNameError

PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class Target:
    """One export format.

    Attributes:
        name: on the command line.
        backend: the framework that writes it; weights of the other one are converted first.
        suffix: of the file to open.
        precisions: those it supports.
        needs: further modules, each with the command that installs it.
        meaning: one line for the help.
    """

    name: str
    backend: str
    suffix: str
    precisions: tuple[str, ...]
    needs: tuple[tuple[str, str], ...]
    meaning: str


_ONNX = (("onnx", "pip install 'facezoo[export]'"), ("onnxruntime", "pip install 'facezoo[export]'"))
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("onnx", "torch", ".onnx", PRECISIONS, _ONNX, "ONNX, checked in ONNX Runtime"),
        Target("torchscript", "torch", ".pt", PRECISIONS[:2], (), "TorchScript, for torch.jit.load and libtorch"),
        Target("torch-export", "torch", ".pt2", PRECISIONS[:2], (), "torch.export's graph, for torch.export.load"),
        Target("paddle-inference", "paddle", ".json", PRECISIONS[:1], (), "a program for Paddle Inference"),
        Target("paddle-lite-ready", "paddle", ".pdmodel", PRECISIONS[:1], (), "input of Paddle Lite's converter"),
        Target("openvino", "torch", ".xml", PRECISIONS, (*_ONNX, ("openvino", "pip install openvino")), "OpenVINO IR"),
    )
}


def find_target(name: str, precision: str = "float32") -> Target:
    """The target of that name, if everything it needs is installed.

    Raises:
        UnknownNameError: no such target or precision.
        ConfigError: the target does not support that precision.
        BackendUnavailableError: a module it needs is not installed.
    """
    if name not in TARGETS:
        raise UnknownNameError("export target", name, TARGETS)
    target = TARGETS[name]
    if precision not in PRECISIONS:
        raise UnknownNameError("precision", precision, PRECISIONS)
    if precision not in target.precisions:
        able = ", ".join(other.name for other in TARGETS.values() if precision in other.precisions)
        raise ConfigError(f"{name} does not support {precision}; expected one of {able} for {precision}")
    for module, command in ((target.backend, f"pip install 'facezoo[{target.backend}]'"), *target.needs):
        if importlib.util.find_spec(module) is None:
            raise BackendUnavailableError(f"export to {name} needs {module}, which is not installed: {command}")
    return target
