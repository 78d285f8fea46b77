"""Static graphs with oneDNN for embedding, made once and kept; in training their gradients are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
from paddle import nn

_KEPT: list[Any] = []  # when one graph is freed, the next that paddle 3.3 builds crashes the process


def static_graph(layer: nn.Layer, input_spec: Sequence[Any] | None = None) -> nn.Layer:
    """The layer as a static graph with oneDNN; it stays in memory, with its parameters, as long as the process."""
    paddle.set_flags({"FLAGS_use_mkldnn": True})  # has an effect in static graphs only
    graph = paddle.jit.to_static(layer, input_spec=input_spec, full_graph=True)
    _KEPT.append(graph)
    return graph
