"""A graph cut into steps that follow one another: layers, residual blocks, and regions of several nodes.

A tensor through which every way from the image to the embedding passes is a cut. What lies between two cuts is one
layer, a residual block (two ways that an addition joins, each cut into steps again), or a region that
:mod:`facezoo.checkpoints.graphs.regions` knows by what it computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from facezoo.checkpoints.graphs.graph import Graph, Node
from facezoo.errors import CheckpointError

RESHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")


@dataclass(frozen=True)
class Step:
    """One step from a tensor to the next.

    Attributes:
        kind: "conv", "norm", "prelu", "linear", "scale", "shift", "layer_norm", "relu6", "reshape", "transpose",
            "residual", or "region" for nodes that are not one of these.
        source: name of the tensor it takes.
        result: name of the tensor it gives.
        values: arrays, by names of the zoo's layers ("weight", "bias", "running_mean", ...).
        settings: plain values, such as "stride".
        sources: initializers that the values come from.
        ways: the two branches of a residual block.
        nodes: all of them.
    """

    kind: str
    source: str
    result: str
    values: dict[str, np.ndarray] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    ways: tuple[tuple[Step, ...], ...] = ()
    nodes: tuple[Node, ...] = ()


def cut(graph: Graph, nodes: list[Node], source: str, result: str) -> list[Step]:
    """The steps of ``nodes``, which lead from ``source`` to ``result``.

    Args:
        graph: of the file.
        nodes: each after its inputs.
        source: the only tensor that they take.
        result: the only tensor of them that is read elsewhere.
    """
    readers: dict[str, int] = {result: 1}
    for node in nodes:
        for name in set(node.inputs) - set(graph.constants) - {""}:
            readers[name] = readers.get(name, 0) + 1
    steps: list[Step] = []
    open_tensors, begin, part = {source}, source, []
    for node in nodes:
        part.append(node)
        for name in set(node.inputs) & open_tensors:
            readers[name] -= 1
        open_tensors = {name for name in (*open_tensors, *node.outputs) if readers.get(name, 0)}
        if len(open_tensors) == 1:
            (end,) = open_tensors
            if end != begin:
                steps.append(_step(graph, part, begin, end))
                begin, part = end, []
    return steps


def _step(graph: Graph, nodes: list[Node], source: str, result: str) -> Step:
    if len(nodes) == 1:
        return _layer(graph, nodes[0], source, result)
    last = nodes[-1]
    if last.op == "Add" and last.outputs[0] == result and not set(last.inputs) & set(graph.constants):
        ways = [_ancestors(nodes[:-1], name, source) for name in last.inputs]
        if not any(node in ways[1] for node in ways[0]) and all(
            way or name == source for way, name in zip(ways, last.inputs, strict=True)
        ):
            branches = tuple(tuple(cut(graph, way, source, name)) for way, name in zip(ways, last.inputs, strict=True))
            return Step("residual", source, result, ways=branches, nodes=tuple(nodes))
    return Step("region", source, result, nodes=tuple(nodes))


def _ancestors(nodes: list[Node], result: str, source: str) -> list[Node]:
    wanted, found = {result} - {source}, []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            wanted |= set(node.inputs) - {source}
            found.append(node)
    return found[::-1]


def _layer(graph: Graph, node: Node, source: str, result: str) -> Step:
    """One node with constant weights; a region if it is no layer that a network of the zoo has."""
    others = [name for name in node.inputs if name and name != source]
    constants = [graph.constants[name] for name in others if name in graph.constants]
    step = Step(node.op, source, result, sources=frozenset().union(*(item.sources for item in constants)))
    arrays = [item.value for item in constants]
    if node.inputs.count(source) != 1 or len(constants) != len(others):
        return replace(step, kind="region", nodes=(node,))
    if node.op in RESHAPES or node.op == "Transpose":
        kind = "transpose" if node.op == "Transpose" else "reshape"
        return replace(step, kind=kind, nodes=(node,), settings={"permutation": node.attributes.get("perm")})
    made = _MAKERS[node.op](node, arrays, node.inputs[0] == source) if node.op in _MAKERS else None
    if made is None:
        return replace(step, kind="region", nodes=(node,))
    kind, values, settings = made
    return replace(step, kind=kind, values=values, settings=settings, nodes=(node,))


Made = tuple[str, dict[str, np.ndarray], dict[str, Any]] | None


def _conv(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    known = node.attributes
    sides = arrays[0].ndim - 2
    padding = known.get("pads", [0] * 2 * sides)
    if known.get("auto_pad", b"NOTSET") != b"NOTSET" or sides != 2 or set(known.get("dilations", [1])) != {1}:
        return None
    values = {"weight": arrays[0]} | ({"bias": arrays[1]} if len(arrays) > 1 else {})
    settings = {
        "kernel": arrays[0].shape[2:], "stride": tuple(known.get("strides", (1, 1))), "padding": tuple(padding),
        "groups": known.get("group", 1),
    }  # fmt: skip
    return "conv", values, settings


def _norm(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    if node.attributes.get("training_mode", 0):
        raise CheckpointError("the file was exported in training mode (BatchNormalization); expected evaluation mode")
    names = ("weight", "bias", "running_mean", "running_var")
    return "norm", dict(zip(names, arrays, strict=True)), {"eps": node.attributes.get("epsilon", 1e-5)}


def _prelu(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    return "prelu", {"weight": arrays[0].reshape(-1)}, {}


def _gemm(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    known = node.attributes
    if known.get("alpha", 1.0) != 1.0 or known.get("beta", 1.0) != 1.0 or known.get("transA", 0) or not first:
        return None
    weight = arrays[0] if known.get("transB", 0) else arrays[0].T
    return "linear", {"weight": weight} | ({"bias": arrays[1].reshape(-1)} if len(arrays) > 1 else {}), {}


def _matmul(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    return ("linear", {"weight": arrays[0].T}, {}) if first and arrays[0].ndim == 2 else None


def _plus(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    if node.op == "Sub" and not first:
        return None
    return "shift", {"value": -arrays[0] if node.op == "Sub" else arrays[0]}, {}


def _times(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    if node.op == "Div" and not first:
        return None
    return "scale", {"value": (1 / arrays[0].astype(np.float64)) if node.op == "Div" else arrays[0]}, {}


def _layer_norm(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    if node.attributes.get("axis", -1) != -1:
        return None
    values = dict(zip(("weight", "bias"), arrays, strict=False))
    return "layer_norm", values, {"eps": node.attributes.get("epsilon", 1e-5)}


def _clip(node: Node, arrays: list[np.ndarray], first: bool) -> Made:
    low, high = ([float(item) for item in arrays] if arrays else
                 [node.attributes.get("min", 1.0), node.attributes.get("max", 0.0)])  # fmt: skip
    return ("relu6", {}, {}) if (low, high) == (0.0, 6.0) else None


_MAKERS = {
    "Conv": _conv, "BatchNormalization": _norm, "PRelu": _prelu, "Gemm": _gemm, "MatMul": _matmul, "Add": _plus,
    "Sub": _plus, "Mul": _times, "Div": _times, "LayerNormalization": _layer_norm, "Clip": _clip,
}  # fmt: skip
