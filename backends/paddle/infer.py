"""Embeddings from a backbone, the fast way."""

from __future__ import annotations

import numpy as np
import paddle
from facezoo.backends.paddle.device import pick_device
from facezoo.backends.paddle.pixels import to_input
from facezoo.backends.paddle.static import static_graph
from paddle import nn
from paddle.static import InputSpec


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
    times as fast.

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
        self._run: nn.Layer = module
        if compiled and self.device == "cpu" and precision == "float32":
            spec = InputSpec([None, module.spec.in_channels, *module.spec.input_size], "float32")
            self._run = static_graph(_Evaluated(module), [spec])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB to (N, E) float32, not normalised."""
        self._run.eval()
        x = to_input(paddle.to_tensor(np.ascontiguousarray(images)), self.module.spec.preprocess)
        with paddle.no_grad(), paddle.amp.auto_cast(enable=self.precision == "bfloat16", dtype="bfloat16"):
            return self._run(x.astype(self._dtype)).astype("float32").numpy()
