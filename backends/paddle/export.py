"""Export from paddle to programs of Paddle Inference and Paddle Lite, and running them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec

from facezoo.backends.paddle.pixels import to_input
from facezoo.backends.paddle.program import PROGRAMS, open_program
from facezoo.errors import ExportError
from facezoo.interfaces.backbone import spec_of


class Exported(nn.Layer):
    """A backbone in evaluation mode for export: float32 output, optionally uint8 pixels as input.

    Args:
        backbone: what to export.
        pixels: take uint8 RGB (N, H, W, 3) instead of the network's own input (N, C, H, W) float32.
        half: compute in float16; paddle's CPU has no kernels for it.
    """

    def __init__(self, backbone: nn.Layer, pixels: bool = False, half: bool = False) -> None:
        super().__init__()
        if half:
            raise ExportError("paddle exports float32 only: its CPU has no float16 kernels to check with")
        self.backbone = backbone
        self.pixels, self.half_precision = pixels, half
        self.eval()

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = to_input(images, spec_of(self.backbone).preprocess) if self.pixels else images
        return self.backbone(x)

    def example(self) -> InputSpec:
        """Shape and dtype of the input."""
        spec = spec_of(self.backbone)
        if self.pixels:
            return InputSpec([None, *spec.input_size, 3], "uint8", "images")
        return InputSpec([None, spec.in_channels, *spec.input_size], "float32", "images")


def save(network: Exported, stem: Path, form: str, meta: dict[str, Any]) -> list[Path]:
    """Write ``network`` and return the files; the first is the one to open.

    Args:
        network: the module to write.
        stem: the files' path without suffixes.
        form: "paddle-inference", or "paddle-lite-ready": the older program format that Paddle Lite's converter reads.
        meta: not written: paddle's formats have no metadata.

    Raises:
        ExportError: paddle cannot write this network in that format.
    """
    try:
        with _older_program() if form == "paddle-lite-ready" else nullcontext():
            paddle.jit.save(network, str(stem), input_spec=[network.example()])
    except (RuntimeError, ValueError, TypeError) as error:
        raise ExportError(f"paddle cannot write it as {form}: {str(error).strip().splitlines()[-1]}") from error
    stem.with_name(f"{stem.name}.pdiparams.info").unlink(missing_ok=True)  # a pickle, not needed for inference
    names = [f"{stem.name}{suffix}" for suffix in (*PROGRAMS, ".pdiparams")]
    return [stem.with_name(name) for name in names if stem.with_name(name).is_file()]


def open_saved(path: Path, form: str) -> Callable[[np.ndarray], np.ndarray]:
    """A written program as a function from a batch to embeddings, by Paddle Inference."""
    predictor: Any = None

    def run(images: np.ndarray) -> np.ndarray:
        nonlocal predictor
        x = paddle.to_tensor(images)
        try:
            predictor = predictor or open_program(path)
            return predictor.run([x])[0].numpy()
        except (NotImplementedError, ValueError):  # paddle 3.3 with oneDNN lacks interpolation and misreads Swin
            predictor = open_program(path, fast=False)
            return predictor.run([x])[0].numpy()

    return run


def embed(backbone: nn.Layer, images: np.ndarray) -> np.ndarray:
    """Embeddings (N, E) of uint8 RGB crops (N, H, W, 3) by the backbone itself, the reference for exported files."""
    backbone.eval()
    with paddle.no_grad():
        return backbone(to_input(paddle.to_tensor(images), spec_of(backbone).preprocess)).astype("float32").numpy()


def save_state(backbone: nn.Layer, path: Path, precision: str) -> None:
    """The state dictionary with paddle's names, "float32", "float16" or "bfloat16", for ``paddle.load``."""
    state = {name: _cast(value, precision) for name, value in backbone.state_dict().items()}
    written = io.BytesIO()
    paddle.save(state, written)
    path.write_bytes(written.getvalue())


def _cast(value: paddle.Tensor, precision: str) -> paddle.Tensor:
    return value.astype(getattr(paddle, precision)) if value.is_floating_point() else value


@contextmanager
def _older_program() -> Iterator[None]:
    """Trace into the program format from before paddle 3."""
    guard = getattr(getattr(paddle, "pir_utils", None), "OldIrGuard", None)
    with guard() if guard else nullcontext():
        yield
