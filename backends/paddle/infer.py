"""Embeddings from a backbone, the fast way."""

from __future__ import annotations

import sys

import numpy as np
import paddle
from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.pixels import to_input
from facezoo.backends.paddle.static import static_graph
from paddle import nn
from paddle.static import InputSpec

CLOSE = 1e-3  # of the largest value: what the static graph may be off


class _Evaluated(nn.Layer):
    """A backbone that a static graph is made of, so that the backbone itself stays dynamic."""

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        return self.network(images)


class Inference:
    """A backbone as a function from uint8 crops to embeddings, in evaluation mode.

    On the CPU in float32 the backbone runs as a static graph with oneDNN: the same numbers to rounding, and several
    times as fast. Paddle cannot make one of every network (interpolation, for one), so the graph's first images are
    compared with the dynamic one's; where it fails, the dynamic graph serves.

    Args:
        module: a backbone.
        device: "auto", "cpu", "gpu" or "gpu:N".
        precision: "float32" or "bfloat16".
        threads: CPU threads; paddle takes them when it is imported, so this is for torch's twin.
        compiled: whether to make the static graph.
    """

    def __init__(
        self,
        module: nn.Layer,
        device: str = "auto",
        precision: str = "float32",
        threads: int = 0,
        compiled: bool = True,
    ) -> None:
        self.device = pick_device(device)
        paddle.set_device(self.device)
        self.module = module
        self.precision = precision
        self._dtype = module.parameters()[0].dtype
        self._graph: nn.Layer | None = None
        self._proven = False
        if compiled and self.device == "cpu" and precision == "float32":
            spec = InputSpec([None, module.spec.in_channels, *module.spec.input_size], "float32")
            self._graph = static_graph(_Evaluated(module), [spec])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB to (N, E) float32, not normalised."""
        self.module.eval()
        x = to_input(paddle.to_tensor(np.ascontiguousarray(images)), self.module.spec.preprocess).astype(self._dtype)
        with paddle.no_grad(), paddle.amp.auto_cast(enable=self.precision == "bfloat16", dtype="bfloat16"):
            if self._graph is not None and not self._proven and len(x):
                self._prove(x[:2])
            run = self.module if self._graph is None else self._graph
            return run(x).astype("float32").numpy()

    def _prove(self, x: paddle.Tensor) -> None:
        """Keep the static graph only if it gives what the module gives."""
        assert self._graph is not None
        self._graph.eval()
        wanted = self.module(x).numpy()
        try:
            apart = float(np.abs(self._graph(x).numpy() - wanted).max())
        except (NotImplementedError, RuntimeError, ValueError, OSError):
            apart = float("inf")
        self._proven = apart <= CLOSE * float(np.abs(wanted).max()) or not np.isfinite(wanted).all()
        if not self._proven:
            print("facezoo: paddle cannot compile this network; embedding by the slower dynamic graph", file=sys.stderr)
            self._graph = None
