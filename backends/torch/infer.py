"""Inference: embeddings of uint8 crops."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch.device import pick_device
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
    """

    def __init__(
        self,
        module: nn.Module,
        device: str = "auto",
        precision: str = "float32",
        threads: int = 0,
        layout: torch.memory_format = torch.channels_last,
        preprocess: Preprocess | None = None,
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

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB to (N, E) float32, not normalised; on the CPU in parts of ``PART`` images."""
        self.module.eval()
        if self.device.type != "cpu" or len(images) <= PART:
            return self._embed(images)
        return np.concatenate([self._embed(images[start : start + PART]) for start in range(0, len(images), PART)])

    def _embed(self, images: np.ndarray) -> np.ndarray:
        x = to_input(torch.from_numpy(np.ascontiguousarray(images)).to(self.device), self.preprocess)
        with (
            torch.inference_mode(),
            autocast(self.device.type, self.precision),
        ):
            x = x.to(self._dtype).contiguous(memory_format=self.layout)
            return self.module(x).float().cpu().numpy()
