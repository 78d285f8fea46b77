"""A graph of the nodes that depend on the image, and their computation in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Constant(NamedTuple):
    """A value that does not depend on the image.

    Attributes:
        value: floating point as float32.
        sources: the initializers it was computed from.
    """

    value: np.ndarray
    sources: frozenset[str]


@dataclass(frozen=True)
class Node:
    """One node on the way from the image to the embedding.

    Attributes:
        op: its type, such as "Conv".
        inputs: names of tensors, in order; "" for one that is left out.
        outputs: names of tensors.
        attributes: plain values.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass
class Graph:
    """The network of a file with one image input and one output.

    Attributes:
        path: of the file, for messages.
        nodes: those that depend on the image, each after its inputs.
        constants: everything else that they read.
        shapes: of tensors, for one image, or for the batch that the file fixes.
        source: name of the image tensor.
        result: name of the embedding tensor.
        opsets: domain -> version.
        dtype: of the image tensor: "float32", "float16" or "uint8".
        initializers: all names in the file.
        metadata: the file's own key -> text.
        used: initializers that the recognised network holds.
    """

    path: str
    nodes: list[Node]
    constants: dict[str, Constant]
    shapes: dict[str, tuple[int, ...]]
    source: str
    result: str
    opsets: dict[str, int]
    dtype: str
    initializers: frozenset[str]
    metadata: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def left_over(self) -> list[str]:
        """Initializers that the recognised network does not hold."""
        return sorted(self.initializers - self.used)


def evaluate(nodes: list[Node], feeds: dict[str, np.ndarray], outputs: list[str], opsets: dict[str, int]) -> list[Any]:
    """The values of ``outputs`` after these nodes, by ONNX's reference implementation in NumPy."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    protos = [helper.make_node(node.op, node.inputs, node.outputs, **node.attributes) for node in nodes]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), None)
        for name, value in feeds.items()
    ]
    results = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs]
    graph = helper.make_graph(protos, "part", inputs, results)
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    found = ReferenceEvaluator(helper.make_model(graph, opset_imports=imports)).run(outputs, feeds)
    return list(found)
