"""An ONNX file as a graph of the nodes that depend on the image; everything else is folded into constants."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from facezoo.checkpoints.graphs.fold import fold_once, known_shapes, plain
from facezoo.checkpoints.graphs.graph import Constant, Graph, Node
from facezoo.download.urls import local_path
from facezoo.errors import BackendUnavailableError, CheckpointError

NEEDS = "reading ONNX files needs the package onnx, which is not installed: pip install 'facezoo[export]'"
DEFAULT_SIDE = 112  # pixels, where the file leaves height and width open
ROUNDS = 8  # of folding; each resolves shapes that the next one needs
QUANTISED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger", "MatMulInteger")


def is_onnx(path: str | Path) -> bool:
    """Whether a file is an ONNX model: by its suffix, or by the first field of its protobuf message."""
    path = Path(path)
    if path.suffix.lower() == ".onnx":
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(3)
    return len(head) == 3 and head[0] == 0x08 and 3 <= head[1] <= 0x20 and head[2] in (0x12, 0x1A, 0x3A)


def read_graph(path: str | Path) -> Graph:
    """Read an ONNX file. No code in it runs.

    Raises:
        BackendUnavailableError: the package onnx is not installed.
        CheckpointError: the file is missing, damaged, quantised, in training mode, or has several inputs or outputs.
    """
    if importlib.util.find_spec("onnx") is None:
        raise BackendUnavailableError(NEEDS)
    path = local_path(path)
    if not path.is_file():
        raise CheckpointError(f"no weight file {str(path)!r}")
    try:
        return _folded(load_model(path), str(path))
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail anywhere
        text = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{str(path)!r} cannot be read as ONNX: {type(error).__name__}: {text}") from error


def load_model(path: str | Path) -> Any:
    """The protobuf message of a file, with its local functions written out."""
    import onnx

    model = onnx.load(str(path))
    if len(model.functions):
        from onnx.inliner import inline_local_functions

        model = inline_local_functions(model)
    return model


def _folded(model: Any, path: str) -> Graph:
    from onnx import helper, numpy_helper

    proto = model.graph
    constants = {
        item.name: Constant(plain(numpy_helper.to_array(item)), frozenset([item.name])) for item in proto.initializer
    }
    names = frozenset(constants)
    inputs = [item for item in proto.input if item.name not in names]
    for kind, items in (("inputs", inputs), ("outputs", list(proto.output))):
        if len(items) != 1:
            raise CheckpointError(
                f"{path!r} has {len(items)} {kind} ({', '.join(item.name for item in items[:4])}); "
                f"expected one: an embedding network from images to embeddings"
            )
    opsets = {item.domain: item.version for item in model.opset_import}
    source, result = inputs[0].name, proto.output[0].name
    nodes = [_node(item, path) for item in proto.node]
    shapes = {source: _image_shape(inputs[0], path)}
    alias: dict[str, str] = {}
    for _ in range(ROUNDS):
        before = len(nodes)
        shapes = known_shapes(nodes, constants, shapes[source], source, result, opsets)
        nodes = fold_once(nodes, constants, shapes, alias, opsets, path)
        if len(nodes) == before:
            break
    result = alias.get(result, result)
    live = _live(nodes, constants, result, source, path)
    metadata = {item.key: item.value for item in model.metadata_props}
    dtype = helper.tensor_dtype_to_np_dtype(inputs[0].type.tensor_type.elem_type).name
    return Graph(path, live, constants, shapes, source, result, opsets, dtype, names, metadata)


def _node(item: Any, path: str) -> Node:
    from onnx import helper

    if item.domain not in ("", "ai.onnx"):
        raise CheckpointError(
            f"{path!r} holds the operator {item.domain}.{item.op_type}; expected a float network of standard operators"
        )
    if item.op_type in QUANTISED:
        raise CheckpointError(f"{path!r} is quantised ({item.op_type}); expected float32 or float16 weights")
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in item.attribute}
    return Node(item.op_type, tuple(item.input), tuple(item.output), attributes)


def _image_shape(item: Any, path: str) -> tuple[int, ...]:
    """The shape of the input; an open batch is one image, open sides are 112 pixels, open channels are 3."""
    sides = [side.dim_value for side in item.type.tensor_type.shape.dim]
    if len(sides) != 4:
        raise CheckpointError(f"{path!r}: the input {item.name} has {len(sides)} dimensions; expected 4: images")
    last = sides[3] in (1, 3) and sides[1] not in (1, 3)
    default = (1, DEFAULT_SIDE, DEFAULT_SIDE, 3) if last else (1, 3, DEFAULT_SIDE, DEFAULT_SIDE)
    return tuple(side if side > 0 else known for side, known in zip(sides, default, strict=True))


def _live(nodes: list[Node], constants: dict[str, Constant], result: str, source: str, path: str) -> list[Node]:
    """The nodes that the result depends on; each tensor must be given before it is read."""
    known = {source, "", *constants}
    for node in nodes:
        if missing := [name for name in node.inputs if name not in known]:
            raise CheckpointError(f"{path!r}: {node.op} reads {missing[0]}, which no node before it gives")
        known.update(node.outputs)
    wanted, live = {result}, []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            wanted.update(node.inputs)
            live.append(node)
    if result not in known or source not in wanted:
        raise CheckpointError(f"{path!r}: the output does not depend on the input")
    return live[::-1]
