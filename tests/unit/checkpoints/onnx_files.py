"""Small networks as ONNX files, in the forms that other projects publish."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from facezoo.zoo.create import create_backbone

VARIANTS = {
    "IResNet18": {"embedding_size": 16, "input_size": 32},
    "MobileFaceNet": {"embedding_size": 16, "input_size": 32, "blocks": (1, 2, 1, 1), "scale": 2},
    "ViTT": {"embedding_size": 16, "input_size": 32, "patch_size": 15, "heads": 4, "mask_token": False},
}


def network(name, rng, **changes):
    """A backbone on torch in evaluation mode, whose norms and slopes have values of their own."""
    module = create_backbone(name, backend="torch", seed=0, **{**VARIANTS.get(name, {}), **changes})
    for layer in module.modules():
        for entry, low, high in (("running_mean", -0.2, 0.2), ("running_var", 0.5, 1.5)):
            if getattr(layer, entry, None) is not None:
                _fill(getattr(layer, entry), rng, low, high)
        if "Norm" in type(layer).__name__ and layer.weight is not None:
            if layer.weight.requires_grad:
                _fill(layer.weight.data, rng, 0.6, 1.4)
            _fill(layer.bias.data, rng, -0.2, 0.2)
        if type(layer).__name__ == "PReLU":
            _fill(layer.weight.data, rng, 0.1, 0.4)
    return module.eval()


def _fill(tensor, rng, low, high):
    tensor.copy_(torch.from_numpy(rng.uniform(low, high, tuple(tensor.shape)).astype(np.float32)))


def written(module, path, *, new=False, folded=True, opset=17):
    """The module exported by torch: by its new exporter or its old one, with or without folding."""
    images = torch.zeros(2, 3, *module.spec.input_size)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if new:
            torch.onnx.export(
                module, (images,), str(path), dynamo=True, external_data=False, verbose=False,
                dynamic_shapes=({0: torch.export.Dim("batch")},), optimize=folded,
            )  # fmt: skip
        else:
            mode = torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE
            torch.onnx.export(
                module, (images,), str(path), dynamo=False, opset_version=opset, do_constant_folding=folded,
                training=mode, input_names=["images"], dynamic_axes={"images": {0: "batch"}},
            )  # fmt: skip
    return path


def renamed(model, rng):
    """Every tensor named by a number and the initializers in another order, as optimisers leave them."""
    graph, names = model.graph, {}
    kept = {graph.input[0].name, graph.output[0].name, ""}
    numbers = iter(rng.permutation(100_000).tolist())
    for items in (node_side for node in graph.node for node_side in (node.input, node.output)):
        for place, name in enumerate(items):
            if name not in kept:
                items[place] = names.setdefault(name, str(next(numbers)))
    for node in graph.node:
        node.name = ""
    tensors = [graph.initializer[place] for place in rng.permutation(len(graph.initializer))]
    for tensor in tensors:
        tensor.name = names.get(tensor.name, tensor.name)
    replace_all(graph.initializer, tensors)
    del graph.value_info[:]
    return model


def replace_all(field, items):
    items = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(items)


def with_pixels_inside(model, mean=(127.5,), factor=(1 / 128,), flipped=False):
    """Sub and Mul before the network, as in InsightFace's older exports, and a flip of the channels."""
    graph = model.graph
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == graph.input[0].name:
                node.input[place] = "scaled"
    constants = {"mean": _column(mean), "factor": _column(factor), "order": np.array([2, 1, 0])}
    first = helper.make_node("Gather", [graph.input[0].name, "order"], ["colours"], axis=1)
    scaling = [
        helper.make_node("Sub", ["colours" if flipped else graph.input[0].name, "mean"], ["minus"]),
        helper.make_node("Mul", ["minus", "factor"], ["scaled"]),
    ]
    used = constants if flipped else {name: constants[name] for name in ("mean", "factor")}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in used.items())
    replace_all(graph.node, [*([first] if flipped else []), *scaling, *graph.node])
    return model


def _column(values):
    return np.asarray(values, np.float32).reshape(1, -1, 1, 1)


def written_out(model):
    """Each BN as a product and a sum, each PReLU as ReLUs: the layers as operators that some converters prefer."""
    graph = model.graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = []
    for number, node in enumerate(graph.node):
        name = f"part{number}"
        if node.op_type == "BatchNormalization":
            weight, bias, mean, variance = (values[key].astype(np.float64) for key in node.input[1:])
            scale = weight / np.sqrt(variance + node.attribute[0].f)
            shape = (1, -1, 1, 1) if node.input[0] not in flat_tensors(graph) else (1, -1)
            for key, value in (("scale", scale), ("shift", bias - mean * scale)):
                constant = value.astype(np.float32).reshape(shape)
                graph.initializer.append(numpy_helper.from_array(constant, f"{name}.{key}"))
            nodes.append(helper.make_node("Mul", [node.input[0], f"{name}.scale"], [f"{name}.product"]))
            nodes.append(helper.make_node("Add", [f"{name}.product", f"{name}.shift"], list(node.output)))
        elif node.op_type == "PRelu":
            nodes += [
                helper.make_node("Relu", [node.input[0]], [f"{name}.plus"]),
                helper.make_node("Neg", [node.input[0]], [f"{name}.turned"]),
                helper.make_node("Relu", [f"{name}.turned"], [f"{name}.minus"]),
                helper.make_node("Neg", [node.input[1]], [f"{name}.slope"]),
                helper.make_node("Mul", [f"{name}.minus", f"{name}.slope"], [f"{name}.part"]),
                helper.make_node("Add", [f"{name}.plus", f"{name}.part"], list(node.output)),
            ]
        else:
            nodes.append(node)
    replace_all(graph.node, nodes)
    read = {name for node in nodes for name in node.input}
    replace_all(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in read])
    return model


def flat_tensors(graph):
    """Outputs of the linear layers."""
    return {node.output[0] for node in graph.node if node.op_type in ("Gemm", "MatMul")}


def run(path, images):
    """Embeddings of the network's own input by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def saved(model, path):
    onnx.save(model, path)
    return path
