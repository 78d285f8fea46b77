"""The input rules of a graph: what stands between its input and the first convolution, as a preprocessing."""

from __future__ import annotations

import json

import numpy as np

from facezoo.checkpoints.graphs.graph import Graph
from facezoo.checkpoints.graphs.regions import agree, compute, sources_of
from facezoo.checkpoints.graphs.steps import Step
from facezoo.errors import CheckpointError, FacezooError
from facezoo.io.json_text import parse_json
from facezoo.specs.preprocess import Preprocess

BLOCK = "facezoo"  # key of the metadata of facezoo's own exports
LAST = -1  # place of the channels in an input (N, H, W, C)


def before_layers(steps: list[Step]) -> list[Step]:
    """The steps in front of the first layer with weights that mixes pixels or channels."""
    mixing = {"Conv", "Gemm", "MatMul"}
    place = next((at for at, step in enumerate(steps) if mixing & {node.op for node in step.nodes}), 0)
    return steps[:place]


def input_rules(graph: Graph, before: list[Step], published: Preprocess) -> tuple[Preprocess, str]:
    """The preprocessing for uint8 RGB crops, and where it comes from, in words.

    Args:
        graph: of the file.
        before: the steps in front of the first convolution.
        published: the rules of the project, for a graph without such steps.

    Raises:
        CheckpointError: the steps are no scaling per channel, or the input is no image of 1 or 3 channels.
    """
    if not before:
        try:
            block = parse_json(graph.metadata.get(BLOCK, "{}"))
            if isinstance(block, dict) and "preprocess" in block:
                return Preprocess.from_dict(block["preprocess"]), "stated in the file by facezoo"
        except (FacezooError, json.JSONDecodeError):
            pass
        return published, "not in the file; those that the project publishes"
    nodes = tuple(node for step in before for node in step.nodes)
    graph.used |= sources_of(graph, nodes)
    shape, end = graph.shapes[graph.source], before[-1].result
    image = _probe(graph, nodes, end, np.zeros(shape, np.float32))
    axis = 1 if shape[1] in (1, 3) else LAST
    channels = shape[axis]
    if channels != 3 or image.ndim != 4 or image.shape[1] != 3:
        raise CheckpointError(f"{graph.path!r} takes images {shape}; expected 3 channels")
    offset = image[0, :, 0, 0].astype(np.float64)
    factors = np.zeros((3, 3))  # (channel of the network, channel of the input)
    for place in range(3):
        probe = np.zeros(shape, np.float32)
        probe[(slice(None), place) if axis == 1 else (..., place)] = 255
        factors[:, place] = (_probe(graph, nodes, end, probe)[0, :, 0, 0] - offset) / 255
    order = [int(np.abs(row).argmax()) for row in factors]
    scale = factors[np.arange(3), order]
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    moved = noise if axis == 1 else noise.transpose(0, 3, 1, 2)
    wanted = moved[:, order] * scale[:, None, None] + offset[:, None, None]
    if order not in ([0, 1, 2], [2, 1, 0]) or min(scale) <= 0 or not agree(_probe(graph, nodes, end, noise), wanted):
        raise CheckpointError(
            f"{graph.path!r}: before the first convolution stand {', '.join(node.op for node in nodes[:6])}; expected "
            "a mean and a factor for each channel"
        )
    rules = Preprocess(
        "RGB" if order == [0, 1, 2] else "BGR", published.size, _rounded(-offset / scale), _rounded(1 / scale),
        published.template,
    )  # fmt: skip
    return rules, f"computed from {len(nodes)} nodes of the file"


def _probe(graph: Graph, nodes: tuple, end: str, image: np.ndarray) -> np.ndarray:
    found = compute(graph, nodes, graph.source, end, image)
    if found is None:
        names = ", ".join(node.op for node in nodes[:6])
        raise CheckpointError(f"{graph.path!r}: before the first convolution stand {names}; they cannot be computed")
    return found


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    """Six digits: more are rounding of float32."""
    return tuple(float(f"{value:.6g}") + 0.0 for value in values)
