"""Inference: embeddings of uint8 crops, by a compiled program where that is faster."""

from __future__ import annotations

import logging
import os
from typing import Any

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.pixels import to_input
from facezoo.backends.paddle.precision import autocast, pick_precision
from facezoo.backends.paddle.program import make_program
from facezoo.specs.preprocess import Preprocess

logger = logging.getLogger(__name__)

CLOSE = 1e-3  # largest accepted difference of the program, relative to the largest value
FEW = 16  # images that the module embeds before a program is compiled


class _Evaluated(nn.Layer):
    """Wraps a backbone for compilation, so that the backbone itself keeps its dynamic forward."""

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        return self.network(images)


# On a CPU larger batches are slower: each activation is new memory from the system, which costs more than the products.
PART = 16


class Inference:
    """A backbone as a function from uint8 crops to embeddings, in evaluation mode.

    On the CPU in float32 the backbone runs as a compiled program with oneDNN: the same numbers up to rounding, several
    times as fast. The program is a copy of the module, compiled after a few images and again when a weight has changed.
    Paddle cannot compile every network (interpolation is missing, for example), so the program's first embeddings are
    compared with the module's; where they differ, the module is used.

    Args:
        module: a backbone.
        device: "auto", "cpu", "gpu" or "gpu:N".
        precision: "float32", "bfloat16" or "float16".
        threads: CPU threads. Paddle takes their number from OMP_NUM_THREADS when it is imported; a warning says so
            where this asks for another number.
        compiled: whether to compile the program.
        preprocess: from crops to the module's input; None takes that of a backbone of the zoo.
    """

    def __init__(
        self,
        module: nn.Layer,
        device: str = "auto",
        precision: str = "float32",
        threads: int = 0,
        compiled: bool = True,
        preprocess: Preprocess | None = None,
    ) -> None:
        self.device = pick_device(device)
        paddle.set_device(self.device)
        _check_threads(threads)
        self.module = module
        self.precision, _ = pick_precision(precision, device)
        self.preprocess: Preprocess = module.spec.preprocess if preprocess is None else preprocess
        self._dtype = module.parameters()[0].dtype
        self._compiled = (
            compiled and self.device == "cpu" and self.precision == "float32" and self._dtype == paddle.float32
        )
        self._program: Any = None
        self._weights = np.zeros(0)  # the sum of each weight, to detect changes
        self._seen = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB to (N, E) float32, not normalised; on the CPU in parts of ``PART`` images."""
        self.module.eval()
        if self._compiled:
            with paddle.no_grad():
                self._renew(self._input(images[:PART]), len(images))
        if self.device != "cpu" or len(images) <= PART:
            return self._embed(images)
        return np.concatenate([self._embed(images[start : start + PART]) for start in range(0, len(images), PART)])

    def _input(self, images: np.ndarray) -> paddle.Tensor:
        return to_input(paddle.to_tensor(np.ascontiguousarray(images)), self.preprocess).astype(self._dtype)

    def _embed(self, images: np.ndarray) -> np.ndarray:
        x = self._input(images)
        with paddle.no_grad(), autocast(self.precision):
            y = self.module(x) if self._program is None else _run(self._program, x)
            return y.astype("float32").numpy()

    def _renew(self, x: paddle.Tensor, count: int) -> None:
        """Compile the program again when a weight has changed, if it is worth it and gives the module's embeddings."""
        weights = paddle.stack([value.sum() for value in self.module.state_dict().values()]).numpy()
        if not np.array_equal(weights, self._weights, equal_nan=True):
            self._weights, self._program, self._seen = weights, None, 0
        self._seen += count
        if self._program is not None or self._seen <= FEW:
            return
        wanted = self.module(x[:2]).numpy()
        try:
            self._program = make_program(_Evaluated(self.module), [None, *x.shape[1:]])
            apart = float(np.abs(_run(self._program, x[:2]).numpy() - wanted).max())
        except (NotImplementedError, RuntimeError, ValueError, OSError):
            apart = float("inf")
        if apart > CLOSE * float(np.abs(wanted).max()):
            logger.warning("paddle cannot compile this network; embedding by the slower dynamic graph")
            self._program, self._compiled = None, False


def _run(program: Any, x: paddle.Tensor) -> paddle.Tensor:
    """Run the program; it ignores strides, so views are copied to contiguous memory."""
    return program.run([x.contiguous()])[0]


def _check_threads(threads: int) -> None:
    """Warn where paddle does not use this number of CPU threads; 0 asks for none."""
    now = os.environ.get("OMP_NUM_THREADS", "")
    if threads and str(threads) != now:
        logger.warning(
            "threads is %d, but paddle uses %s, as OMP_NUM_THREADS said when it was imported; "
            "for another number start the command with OMP_NUM_THREADS=%d",
            threads, now or "its own number", threads,
        )  # fmt: skip
