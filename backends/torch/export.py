"""Export from torch to ONNX, TorchScript and torch.export files, and running the latter two."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch.pixels import to_input
from facezoo.errors import ExportError
from facezoo.interfaces.backbone import spec_of

OPSET = 17  # supported by runtimes since 2022
TRACED_BATCH = 2  # a batch of 1 would be traced as a constant
META = "facezoo"  # name of the metadata block inside a file


class Exported(nn.Module):
    """A backbone in evaluation mode for export: float32 output, optionally uint8 pixels as input.

    Args:
        backbone: is changed by ``half``; give a copy.
        pixels: take uint8 RGB (N, H, W, 3) instead of the network's own input (N, C, H, W) float32.
        half: compute in float16.
    """

    def __init__(self, backbone: nn.Module, pixels: bool = False, half: bool = False) -> None:
        super().__init__()
        self.backbone = backbone.half() if half else backbone
        self.pixels, self.half_precision = pixels, half
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = to_input(images, spec_of(self.backbone).preprocess) if self.pixels else images
        return self.backbone(x.half() if self.half_precision else x).float()

    def example(self) -> torch.Tensor:
        """Example images for tracing."""
        spec = spec_of(self.backbone)
        if self.pixels:
            return torch.zeros(TRACED_BATCH, *spec.input_size, 3, dtype=torch.uint8)
        return torch.zeros(TRACED_BATCH, spec.in_channels, *spec.input_size)


def save(network: Exported, stem: Path, form: str, meta: dict[str, Any]) -> list[Path]:
    """Write ``network`` and return the files; the first is the one to open.

    Args:
        network: the module to write.
        stem: the files' path without suffixes.
        form: "onnx", "torchscript" or "torch-export".
        meta: plain types, kept inside the file.

    Raises:
        ExportError: torch cannot write this network in that format.
    """
    try:
        with _quiet(), torch.no_grad():
            return {"onnx": _onnx, "torchscript": _torchscript, "torch-export": _torch_export}[form](
                network, stem, json.dumps(meta)
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise ExportError(f"torch cannot write it as {form}: {str(error).splitlines()[0]}") from error


def open_saved(path: Path, form: str) -> Callable[[np.ndarray], np.ndarray]:
    """A written "torchscript" or "torch-export" file as a function from a batch to embeddings."""
    with _quiet():
        module = torch.jit.load(str(path)) if form == "torchscript" else torch.export.load(path).module()

    def run(images: np.ndarray) -> np.ndarray:
        with _quiet(), torch.inference_mode():
            return module(torch.from_numpy(images)).numpy()

    return run


def embed(backbone: nn.Module, images: np.ndarray) -> np.ndarray:
    """Embeddings (N, E) of uint8 RGB crops (N, H, W, 3) by the backbone itself, the reference for exported files."""
    device = next(backbone.parameters()).device
    with torch.inference_mode():
        x = to_input(torch.from_numpy(images).to(device), spec_of(backbone).preprocess)
        return backbone.eval()(x).float().cpu().numpy()


def save_state(backbone: nn.Module, path: Path, precision: str) -> None:
    """The state dictionary with torch's names, "float32", "float16" or "bfloat16", for ``torch.load``."""
    torch.save({name: _cast(value, precision) for name, value in backbone.state_dict().items()}, path)


def _cast(value: torch.Tensor, precision: str) -> torch.Tensor:
    return value.to(getattr(torch, precision)) if value.is_floating_point() else value


def _onnx(network: Exported, stem: Path, meta: str) -> list[Path]:
    path = stem.with_name(f"{stem.name}.onnx")
    batch = {"images": {0: "batch"}, "embeddings": {0: "batch"}}
    torch.onnx.export(
        network, (network.example(),), str(path), input_names=["images"], output_names=["embeddings"],
        dynamic_axes=batch, opset_version=OPSET, dynamo=False,
    )  # fmt: skip
    return [path]


def _torchscript(network: Exported, stem: Path, meta: str) -> list[Path]:
    path = stem.with_name(f"{stem.name}.pt")
    traced = torch.jit.trace(network, network.example(), check_trace=False)
    torch.jit.save(traced, str(path), _extra_files={META: meta})
    return [path]


def _torch_export(network: Exported, stem: Path, meta: str) -> list[Path]:
    path = stem.with_name(f"{stem.name}.pt2")
    shapes = ({0: torch.export.Dim("batch", min=1, max=2**16)},)
    program = torch.export.export(network, (network.example(),), dynamic_shapes=shapes)
    torch.export.save(program, path, extra_files={META: meta})
    return [path]


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore warnings that torch's exporters print about themselves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        yield
