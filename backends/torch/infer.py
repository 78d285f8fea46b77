"""Inference: embeddings of uint8 crops."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch.device import pick_device
from facezoo.backends.torch.fold import folded
from facezoo.backends.torch.pixels import to_input
from facezoo.backends.torch.precision import autocast
from facezoo.backends.torch.program import Program, Watch, make_program, watched_by_hooks
from facezoo.interfaces.backbone import spec_of
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess

logger = logging.getLogger(__name__)

# On a CPU larger batches are slower: each activation is new memory from the system, which costs more than the products.
PART = 16


CLOSE = 1e-3  # largest accepted difference of the program, relative to the largest value
FEW = 16  # images that the module embeds before a program is made


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
        compiled: for a backbone of the zoo, on the CPU in float32: embed by a frozen graph of such a copy, made after a
            few images and again when a weight has changed. Its first embeddings are compared with the module's; where
            they differ, the module is used, and so it is where hooks watch it.
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
        compiled: bool = False,
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
        able = wide and self.device.type == "cpu" and isinstance(getattr(module, "spec", None), BackboneSpec)
        self._watch = Watch(module) if compiled and able and not watched_by_hooks(module) else None
        self._program: Program | None = None
        self._seen = 0
        self._folded: nn.Module | None = None
        self._versions = -1  # of the weights in the copy

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB to (N, E) float32, not normalised; on the CPU in parts of ``PART`` images."""
        self.module.eval()
        if self._folding:
            self._renew()
        if self._watch is not None:
            self._renew_program(images, self._watch)
        if self.device.type != "cpu" or len(images) <= PART:
            return self._embed(images)
        return np.concatenate([self._embed(images[start : start + PART]) for start in range(0, len(images), PART)])

    def _input(self, images: np.ndarray) -> torch.Tensor:
        x = to_input(torch.from_numpy(np.ascontiguousarray(images)).to(self.device), self.preprocess)
        copied = self._program is not None or self._folded is not None
        return x.to(self._dtype).contiguous(memory_format=torch.channels_last if copied else self.layout)

    def _embed(self, images: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), autocast(self.device.type, self.precision):
            run = self._program or self._folded or self.module
            return run(self._input(images)).float().cpu().numpy()

    def _renew(self) -> None:
        """Fold again when a weight has changed."""
        versions = sum(value._version for value in (*self.module.parameters(), *self.module.buffers()))
        if self._folded is None or versions != self._versions:
            copied: Any = folded(self.module)
            self._folded, self._versions = copied.to(memory_format=torch.channels_last), versions

    def forget(self) -> None:
        """Free the copy, whose weights are about to change."""
        self._folded = None

    def _renew_program(self, images: np.ndarray, watch: Watch) -> None:
        """Make the program again when a weight has changed, if it is worth it and gives the module's embeddings."""
        if watch.changed():
            self._program, self._seen = None, 0
        self._seen += len(images)
        if self._program is not None or self._seen <= FEW:
            return
        x = self._input(np.concatenate([images[:1], images[-1:]]))
        with torch.no_grad():
            wanted = self.module(x)
            try:
                program = make_program(self.module, x)
                found = torch.cat([program(x), program(x[:1])])
                apart = float((found - torch.cat([wanted, wanted[:1]])).abs().max())
            except (RuntimeError, TypeError, ValueError, AttributeError):
                apart = float("inf")
        if not apart <= CLOSE * float(wanted.abs().max()):
            logger.warning("torch cannot trace this network; embedding by the module itself")
            self._watch = None
            return
        self._program = program
