"""Nodes that do not depend on the image, computed: constants, shapes, and what exporters write around weights."""

from __future__ import annotations

import numpy as np

from facezoo.checkpoints.graphs.graph import Constant, Node, evaluate
from facezoo.errors import CheckpointError

LARGEST = 2**28  # values of a folded constant; a damaged file could ask for more
SMALL = 4096  # values; larger initializers cannot be shapes
ALIASES = ("Identity", "Cast", "CastLike", "Dropout")  # pass their first input on, up to its type
GROWING = ("Expand", "ConstantOfShape", "Tile", "Range", "Pad")  # their output can be larger than their inputs
FOLDED = {
    "Abs", "Add", "Concat", "Constant", "Div", "Equal", "Flatten", "Floor", "Gather", "Max", "Min", "Mod", "Mul",
    "Neg", "Pow", "Reciprocal", "ReduceProd", "Reshape", "Shape", "Size", "Slice", "Split", "Sqrt", "Squeeze", "Sub",
    "Transpose", "Unsqueeze", "Where", *ALIASES, *GROWING,
}  # fmt: skip


def plain(value: np.ndarray) -> np.ndarray:
    """Floating point of any width as float32."""
    if value.dtype.kind == "f" or value.dtype.name in ("bfloat16",):
        return value.astype(np.float32)
    return value


def known_shapes(
    nodes: list[Node], constants: dict[str, Constant], image: tuple[int, ...], source: str, result: str,
    opsets: dict[str, int],
) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """Shapes of all tensors that can be known."""
    from onnx import TensorProto, helper, numpy_helper, shape_inference

    read = {name for node in nodes for name in node.inputs}
    small = [numpy_helper.from_array(constants[name].value, name) for name in read
             if name in constants and constants[name].value.size <= SMALL]  # fmt: skip
    large = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, constants[name].value.shape)
        for name in read if name in constants and constants[name].value.size > SMALL
    ]  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node(node.op, node.inputs, node.outputs, **node.attributes) for node in nodes], "part",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, image), *large],
        [helper.make_tensor_value_info(result, TensorProto.UNDEFINED, None)], initializer=small,
    )  # fmt: skip
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    inferred = shape_inference.infer_shapes(helper.make_model(graph, opset_imports=imports), data_prop=True)
    found = {source: image, **{name: constant.value.shape for name, constant in constants.items()}}
    for item in (*inferred.graph.value_info, *inferred.graph.output):
        dims = item.type.tensor_type.shape.dim
        if item.type.tensor_type.HasField("shape") and all(side.HasField("dim_value") for side in dims):
            found[item.name] = tuple(side.dim_value for side in dims)
    return found


def fold_once(
    nodes: list[Node], constants: dict[str, Constant], shapes: dict[str, tuple[int, ...]], alias: dict[str, str],
    opsets: dict[str, int], path: str,
) -> list[Node]:  # fmt: skip
    """The nodes that are left when constant ones are computed and those that pass their input on are removed."""
    kept = []
    for old in nodes:
        node = Node(old.op, tuple(alias.get(name, name) for name in old.inputs), old.outputs, old.attributes)
        fixed = node.op == "Shape" and node.inputs[0] in shapes
        if node.op in FOLDED and (fixed or all(name in constants or not name for name in node.inputs)):
            _compute(node, constants, shapes, opsets, path)
        elif node.op in ALIASES:
            _check_dropout(node, constants, path)
            alias[node.outputs[0]] = node.inputs[0]
        else:
            kept.append(node)
    return kept


def _compute(
    node: Node, constants: dict[str, Constant], shapes: dict[str, tuple[int, ...]], opsets: dict[str, int], path: str
) -> None:
    """Add the outputs of a constant node to the constants."""
    if node.op in GROWING and shapes.get(node.outputs[0]) is None:
        numbers = [constants[name].value for name in node.inputs if name and constants[name].value.dtype.kind in "iu"]
        if any(np.prod(np.abs(value.astype(float))) > LARGEST for value in numbers):
            raise CheckpointError(f"{path!r}: {node.op} gives more than {LARGEST:,} values")
    elif int(np.prod(shapes.get(node.outputs[0], ()), dtype=float)) > LARGEST:
        raise CheckpointError(f"{path!r}: {node.op} gives more than {LARGEST:,} values")
    names = [name for name in node.inputs if name]
    feeds = {
        name: constants[name].value if name in constants else np.broadcast_to(np.float32(0), shapes[name])
        for name in names
    }
    values = evaluate([node], feeds, [name for name in node.outputs if name], opsets)
    sources = frozenset().union(*(constants[name].sources for name in names if name in constants))
    for name, value in zip([name for name in node.outputs if name], values, strict=True):
        constants[name] = Constant(plain(np.asarray(value)), sources)


def _check_dropout(node: Node, constants: dict[str, Constant], path: str) -> None:
    mode = constants.get(node.inputs[2]) if node.op == "Dropout" and len(node.inputs) > 2 else None
    if mode is not None and bool(mode.value.any()):
        raise CheckpointError(f"{path!r} was exported in training mode (Dropout); expected evaluation mode")
