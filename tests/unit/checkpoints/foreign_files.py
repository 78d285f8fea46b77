"""Files of published layouts, made from our own networks by the inverse of the importer."""

from __future__ import annotations

import math

import numpy as np

from facezoo import backends
from facezoo.canonical.state import inventory
from facezoo.checkpoints.foreign.base import ANY, Found, Layout

CLASSIFIERS = {"LightCNN9": (79077, True), "LightCNN29": (79077, True), "LightCNN29v2": (80013, False)}


def leaves_without_memory(found: Found, backend: str = "torch"):
    """Names and shapes of the network, without memory for its weights where the backend can."""
    module = backends.load(backend)
    if backend == "torch":
        import torch

        with torch.device("meta"):
            return inventory(module.build_backbone(found.spec()))
    return inventory(module.build_backbone(found.spec()))


def file_shapes(layout: Layout, found: Found) -> tuple[dict[str, tuple[int, ...]], int]:
    """Every key of a published file with its shape, and the number of trainable values in it."""
    shapes, count, spec = {}, 0, found.spec()
    for entry in layout.entries(found, leaves_without_memory(found)):
        shapes[entry.key] = file_shape(layout, entry)
        if not entry.leaf.entry.startswith("running"):
            count += math.prod(shapes[entry.key])
        if found.style == "torch" and entry.leaf.entry == "running_var":
            shapes[entry.key.replace("running_var", "num_batches_tracked")] = ()
    for key, shape in layout.unused(spec, shapes).items():
        if shape == ANY:
            classes, bias = CLASSIFIERS[found.backbone]
            if key.endswith("bias") and not bias:
                continue
            shape = (classes,) if key.endswith("bias") else (classes, 256)
        shapes[key] = shape
        count += 0 if key.endswith(("index", "mask")) else math.prod(shape)
    for first, second in layout.aliases(spec):
        for key in [key for key in shapes if key.startswith(f"{first}.")]:
            shapes[second + key.removeprefix(first)] = shapes[key]
    return shapes, count


def file_shape(layout: Layout, entry) -> tuple[int, ...]:
    """The shape that one of our tensors has in the file."""
    project, leaf = layout.projects[0], entry.leaf
    if project == "arcface_paddle" and leaf.layer == "prelu" and layout.family == "iresnet":
        return (1,)
    if project == "arcface_paddle" and leaf.layer == "linear" and layout.family == "mobilefacenet":
        return (*leaf.shape, 1, 1)
    return leaf.shape[::-1] if entry.transposed else leaf.shape


def file_values(layout: Layout, found: Found, rng: np.random.Generator):
    """Random canonical values, and the tensors of a published file that hold them."""
    ours, theirs = {}, {}
    for entry in layout.entries(found, leaves_without_memory(found)):
        shape = file_shape(layout, entry)
        value = rng.standard_normal(entry.leaf.shape).astype(np.float32)
        if shape == (1,):
            value[:] = value.flat[0]
            theirs[entry.key] = value[:1]
        else:
            theirs[entry.key] = np.ascontiguousarray(value.T if entry.transposed and len(shape) == 2 else value)
            theirs[entry.key] = theirs[entry.key].reshape(shape)
        ours[entry.leaf.name] = value
        if found.style == "torch" and entry.leaf.entry == "running_var":
            theirs[entry.key.replace("running_var", "num_batches_tracked")] = np.zeros((), np.int64)
    for key, shape in layout.unused(found.spec(), theirs).items():
        theirs[key] = np.zeros((3, 256) if shape == ANY else shape, np.float32)
    for first, second in layout.aliases(found.spec()):
        for key in [key for key in theirs if key.startswith(f"{first}.")]:
            theirs[second + key.removeprefix(first)] = theirs[key]
    return ours, theirs
