"""The backbone in training as a static graph: several times as fast on the CPU, with the same numbers."""

from __future__ import annotations

import sys

import paddle
from facezoo.backends.paddle.norm import _BatchNorm, norms
from facezoo.backends.paddle.static import static_graph
from paddle import nn


class _Collecting(nn.Layer):
    """A backbone that also returns the batch statistics of each of its norms."""

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: paddle.Tensor) -> tuple[paddle.Tensor, list[paddle.Tensor]]:
        embeddings = self.network(images)
        return embeddings, [value for pair in _BatchNorm.collector for value in pair]


class CompiledBackbone:
    """``backbone(images)`` in training mode through a static graph with oneDNN.

    There paddle never updates running statistics, so the graph returns each norm's batch statistics and the buffers
    are moved here, by torch's unbiased rule.

    Args:
        backbone: of the zoo; it stays a dynamic layer and shares its parameters.
    """

    def __init__(self, backbone: nn.Layer) -> None:
        self._backbone, self._norms = backbone, norms(backbone)
        self._graph: nn.Layer | None = static_graph(_Collecting(backbone))

    def __call__(self, images: paddle.Tensor) -> paddle.Tensor:
        """Embeddings (N, E) with gradient; moves the running statistics."""
        if self._graph is None:
            return self._backbone(images)
        _BatchNorm.collector = []
        try:
            embeddings, statistics = self._graph(images)
        except ValueError as error:  # paddle 3.3 now and then loses an output of a second graph in one process
            reason = " ".join(str(error).split())[-200:]
            print(f"facezoo: paddle lost its static graph, going on in the dynamic one: {reason}", file=sys.stderr)
            self._graph = None
        finally:
            _BatchNorm.collector = None
        if self._graph is None:
            return self._backbone(images)
        with paddle.no_grad():
            for norm, mean, variance in zip(self._norms, statistics[::2], statistics[1::2], strict=True):
                norm.update(mean, variance)
        return embeddings
