"""Embeddings from a backbone, the fast way."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.pixels import to_input
from facezoo.backends.paddle.program import make_program
from facezoo.specs.preprocess import Preprocess

CLOSE = 1e-3  # of the largest value: what the program may be off
FEW = 16  # images that the module has embedded before a program would be made


class _Evaluated(nn.Layer):
    """A backbone that a program is made of, so that the backbone itself stays dynamic."""

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        return self.network(images)


class Inference:
    """A backbone as a function from uint8 crops to embeddings, in evaluation mode.

    On the CPU in float32 the backbone runs as a program with oneDNN: the same numbers to rounding, and several times as
    fast. The program is a copy, made when more than a few images have come and anew when a weight has changed. Paddle
    cannot make one of every network (interpolation, for one), so its first embeddings are compared with the module's;
    where it fails, the module serves.

    Args:
        module: a backbone.
        device: "auto", "cpu", "gpu" or "gpu:N".
        precision: "float32" or "bfloat16".
        threads: CPU threads; paddle takes them when it is imported, so this is for torch's twin.
        compiled: whether to make the program.
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
        self.module = module
        self.precision = precision
        self.preprocess: Preprocess = module.spec.preprocess if preprocess is None else preprocess
        self._dtype = module.parameters()[0].dtype
        self._compiled = compiled and self.device == "cpu" and precision == "float32" and self._dtype == paddle.float32
        self._program: Any = None
        self._weights = np.zeros(0)  # a sum of each, to see that they have changed
        self._seen = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB to (N, E) float32, not normalised."""
        self.module.eval()
        x = to_input(paddle.to_tensor(np.ascontiguousarray(images)), self.preprocess).astype(self._dtype)
        with paddle.no_grad(), paddle.amp.auto_cast(enable=self.precision == "bfloat16", dtype="bfloat16"):
            if self._compiled:
                self._renew(x)
            y = self.module(x) if self._program is None else _run(self._program, x)
            return y.astype("float32").numpy()

    def _renew(self, x: paddle.Tensor) -> None:
        """Have a program of the weights as they are now, where it pays and gives what the module gives."""
        weights = paddle.stack([value.sum() for value in self.module.state_dict().values()]).numpy()
        if not np.array_equal(weights, self._weights, equal_nan=True):
            self._weights, self._program, self._seen = weights, None, 0
        self._seen += len(x)
        if self._program is not None or self._seen <= FEW:
            return
        wanted = self.module(x[:2]).numpy()
        try:
            self._program = make_program(_Evaluated(self.module), [None, *x.shape[1:]])
            apart = float(np.abs(_run(self._program, x[:2]).numpy() - wanted).max())
        except (NotImplementedError, RuntimeError, ValueError, OSError):
            apart = float("inf")
        if apart > CLOSE * float(np.abs(wanted).max()):
            print("facezoo: paddle cannot compile this network; embedding by the slower dynamic graph", file=sys.stderr)
            self._program, self._compiled = None, False


def _run(program: Any, x: paddle.Tensor) -> paddle.Tensor:
    """A program reads memory as it lies, so views are copied."""
    return program.run([x.contiguous()])[0]
