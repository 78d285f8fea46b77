"""From an ONNX file to the tensors of a network of the zoo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.checkpoints.foreign.base import Found
from facezoo.checkpoints.foreign.projects import PROJECTS
from facezoo.checkpoints.graphs.graph import Graph
from facezoo.checkpoints.graphs.iresnet import recognise_iresnet
from facezoo.checkpoints.graphs.mobilefacenet import recognise_mobilefacenet
from facezoo.checkpoints.graphs.pixels import before_layers, input_rules
from facezoo.checkpoints.graphs.read import read_graph
from facezoo.checkpoints.graphs.regions import tidy
from facezoo.checkpoints.graphs.runtime import GraphRun, installed, statistics
from facezoo.checkpoints.graphs.steps import Step, cut
from facezoo.checkpoints.graphs.vit import recognise_vit
from facezoo.checkpoints.graphs.walk import OtherNetworkError, Walk
from facezoo.errors import CheckpointError, UnknownNameError
from facezoo.specs.preprocess import Preprocess

Recognise = Callable[[Walk, list[Step], tuple[int, int]], Found]
NETWORKS: dict[str, tuple[Recognise, float]] = {  # layout -> its recogniser, eps of the zoo's norms
    "onnx_iresnet": (recognise_iresnet, 1e-5),
    "onnx_mobilefacenet": (recognise_mobilefacenet, 1e-5),
    "onnx_vit": (recognise_vit, 2e-5),
}
FIXED = ("onnx_iresnet", "neck.bn_out")  # the one norm whose weight stays at 1 in training


@dataclass(frozen=True)
class FromGraph:
    """The network in an ONNX file.

    Attributes:
        layout: a name of ``NETWORKS``.
        found: the backbone.
        state: canonical name -> float32 array.
        preprocess: from crops to the network's input.
        report: what was done, one line each.
        graph: of the file.
        inside: whether the file scales the pixels itself.
    """

    layout: str
    found: Found
    state: dict[str, np.ndarray]
    preprocess: Preprocess
    report: list[str]
    graph: Graph
    inside: bool

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """Embeddings of uint8 RGB crops by ONNX Runtime, from the file itself."""
        return GraphRun(self.graph, self.preprocess, self.inside).embed(crops)


def read_network(
    path: str | Path, layout: str | None, crops_of: Callable[[tuple[int, int]], np.ndarray], shown: str
) -> FromGraph:
    """Recognise the network of an ONNX file by its topology.

    Args:
        path: the file.
        layout: a name of ``NETWORKS``; None tries all.
        crops_of: from (H, W) to crops uint8 RGB (N, H, W, 3), which give the statistics of folded norms.
        shown: what these crops are, for the report.

    Raises:
        BackendUnavailableError: the package onnx is not installed.
        UnknownNameError: there is no such layout.
        CheckpointError: the file cannot be read, is another network, or holds initializers that the network has not.
    """
    if layout is not None and layout not in NETWORKS:
        raise UnknownNameError("layout of ONNX files", layout, NETWORKS)
    graph = read_graph(path)
    steps = cut(graph, graph.nodes, graph.source, graph.result)
    before = before_layers(steps)
    steps = tidy(graph, steps[len(before) :])
    image = graph.shapes[graph.source]
    size = (image[2], image[3]) if image[1] in (1, 3) else (image[1], image[2])
    report = []
    if steps and steps[-1].kind == "unit":
        graph.used |= steps.pop().sources
        report.append("the file divides the embedding by its norm; this network does not, which changes no cosine")
    name, walk, found = _recognised(graph, steps, size, layout)
    rules, source = input_rules(graph, before, PROJECTS["arcface_torch"].preprocess(size))
    graph.used |= walk.used
    report += _check_used(graph)
    head = [f"layout {name}, recognised by its graph of {len(graph.nodes)} nodes", f"backbone {_words(found)}"]
    head.append(f"preprocessing: {source}")
    with np.errstate(over="ignore"):
        state = {key: np.ascontiguousarray(value, dtype=np.float32) for key, value in walk.state.items()}
    if walk.folded:
        report += _unfold(graph, walk, state, name, rules, bool(before), crops_of(size), shown)
    return FromGraph(name, found, state, rules, head + report, graph, bool(before))


def _recognised(graph: Graph, steps: list[Step], size: tuple[int, int], layout: str | None) -> tuple[str, Walk, Found]:
    """The first network that all steps fit; else the error of the one that fits the most steps."""
    differences: dict[str, tuple[int, str]] = {}
    for name, (recognise, eps) in NETWORKS.items():
        if layout in (None, name):
            walk = Walk(graph, eps)
            try:
                return name, walk, recognise(walk, steps, size)
            except OtherNetworkError as error:
                differences[name] = (len(walk.state), str(error))
    nearest = max(differences, key=lambda name: differences[name][0])
    raise CheckpointError(
        f"{graph.path!r} is no network that can be imported ({', '.join(NETWORKS)}); the nearest is {nearest}: "
        f"{differences[nearest][1]}. As it is, it can embed with --backend onnx"
    )


def _words(found: Found) -> str:
    return f"{found.backbone}({', '.join(f'{key}={value}' for key, value in found.variant.items())})"


def _check_used(graph: Graph) -> list[str]:
    """No initializer may be left over, except counters that no node reads."""
    read = {name for node in graph.nodes for name in node.inputs}
    left = graph.left_over()
    counters = [
        name for name in left
        if name not in read and graph.constants[name].value.size == 1 and graph.constants[name].value.dtype.kind == "i"
    ]  # fmt: skip
    left = [name for name in left if name not in counters]
    if left:
        more = f", and {len(left) - 5} more" if len(left) > 5 else ""
        raise CheckpointError(
            f"{graph.path!r}: {len(left)} initializers belong to no layer of the network: "
            f"{', '.join(name[:80] for name in left[:5])}{more}"
        )
    used = f"used all {len(graph.initializers) - len(counters)} initializers"
    return [used, f"dropped {len(counters)} counters"] if counters else [used]


def _unfold(
    graph: Graph, walk: Walk, state: dict[str, np.ndarray], layout: str, rules: Preprocess, inside: bool,
    crops: np.ndarray, shown: str,
) -> list[str]:  # fmt: skip
    """Give the norms that were folded into layers the statistics of images, so that training begins where it ended.

    A norm whose mean m and variance v are those of its input z, with weight sqrt(v + eps) and bias m, gives z: in
    evaluation exactly, and in training up to the difference between a batch and the images.
    """
    count = f"{len(walk.folded)} norms were folded into the layers before them"
    if not installed():
        return [f"{count}: each became an identity with mean 0 and variance 1, since onnxruntime, which would measure "
                "them, is not installed; before training, import again with it"]  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore"):  # of a damaged file; what is not finite is refused later
        found = statistics(GraphRun(graph, rules, inside, list(dict.fromkeys(walk.folded.values()))), crops)
        for norm, tensor in walk.folded.items():
            mean, variance = found[tensor]
            state[f"{norm}.running_mean"] = (mean - state[f"{norm}.bias"]).astype(np.float32)
            state[f"{norm}.bias"] = mean.astype(np.float32)
            if (layout, norm) != FIXED:
                state[f"{norm}.running_var"] = variance.astype(np.float32)
                exact = state[f"{norm}.running_var"].astype(np.float64) + walk.eps
                state[f"{norm}.weight"] = np.sqrt(exact).astype(np.float32)
    return [f"{count}: each became an identity with the mean and variance of {len(crops)} {shown}"]
