"""Inference: embeddings of uint8 crops."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch.device import pick_device
from facezoo.backends.torch.fold import folded
from facezoo.backends.torch.pixels import to_input
from facezoo.backends.torch.precision import autocast
from facezoo.interfaces.backbone import spec_of
from facezoo.specs.preprocess import Preprocess

# On a CPU larger batches are slower: each activation is new memory from the system, which costs more than the products.
PART = 16


class Inference:
    """A backbone as a function from uint8 crops to embeddings, in evaluation mode.

    Args:
        module: a backbone; it is moved to the device.
        device: "auto", "cpu", "gpu" or "gpu:N".
        precision: "float32", "bfloat16" or "float16".
        threads: CPU threads; 0 takes all.
        layout: memory format of the weights; channels-last is the faster one.
        preprocess: from crops to the module's input; None takes that of a backbone of the zoo.
        folding: for a backbone of the zoo in training, on the CPU in float32: embed by a channels-last copy without the
            norms that can be folded, made again when a weight has changed.
    """

    def __init__(
        self,
        module: nn.Module,
        device: str = "auto",
        precision: str = "float32",
        threads: int = 0,
        layout: torch.memory_format = torch.channels_last,
        preprocess: Preprocess | None = None,
        folding: bool = False,
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        self.device = pick_device(device)
        moved: Any = module  # torch's type hints lack the argument memory_format
        self.module: nn.Module = moved.to(self.device, memory_format=layout)
        self.precision = precision
        self._dtype = next(module.parameters()).dtype
        self.layout = layout
        self.preprocess = spec_of(module).preprocess if preprocess is None else preprocess
        wide = precision == "float32" and self._dtype == torch.float32
        self._folding = folding and wide and self.device.type == "cpu"
        self._folded: nn.Module | None = None
        self._versions = -1  # of the weights in the copy

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB to (N, E) float32, not normalised; on the CPU in parts of ``PART`` images."""
        self.module.eval()
        if self._folding:
            self._renew()
        if self.device.type != "cpu" or len(images) <= PART:
            return self._embed(images)
        return np.concatenate([self._embed(images[start : start + PART]) for start in range(0, len(images), PART)])

    def _embed(self, images: np.ndarray) -> np.ndarray:
        x = to_input(torch.from_numpy(np.ascontiguousarray(images)).to(self.device), self.preprocess)
        with (
            torch.inference_mode(),
            autocast(self.device.type, self.precision),
        ):
            layout = self.layout if self._folded is None else torch.channels_last
            x = x.to(self._dtype).contiguous(memory_format=layout)
            return (self.module if self._folded is None else self._folded)(x).float().cpu().numpy()

    def _renew(self) -> None:
        """Fold again when a weight has changed."""
        versions = sum(value._version for value in (*self.module.parameters(), *self.module.buffers()))
        if self._folded is None or versions != self._versions:
            copied: Any = folded(self.module)
            self._folded, self._versions = copied.to(memory_format=torch.channels_last), versions

    def forget(self) -> None:
        """Free the copy, whose weights are about to change."""
        self._folded = None
