"""A graph run by ONNX Runtime: what the imported network is compared with, and the statistics of its norms."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np

from facezoo.checkpoints.graphs.graph import Graph
from facezoo.checkpoints.graphs.read import load_model
from facezoo.data.tools.network_input import network_input
from facezoo.errors import CheckpointError
from facezoo.specs.preprocess import Preprocess


def installed() -> bool:
    """Whether ONNX Runtime is installed."""
    return importlib.util.find_spec("onnxruntime") is not None


class GraphRun:
    """An ONNX file that ONNX Runtime computes on the CPU.

    Args:
        graph: of the file.
        rules: from uint8 RGB crops to what stands behind the graph's own scaling.
        inside: whether the graph holds these rules, so that it takes pixels.
        outputs: names of tensors to return; by default the embedding.

    Raises:
        CheckpointError: ONNX Runtime refuses the file.
    """

    def __init__(self, graph: Graph, rules: Preprocess, inside: bool, outputs: list[str] | None = None) -> None:
        import onnxruntime
        from onnx import ValueInfoProto

        self.graph, self.rules, self.inside = graph, rules, inside
        model = load_model(graph.path)
        given = {item.name for item in model.graph.output}
        self.outputs = [model.graph.output[0].name] if outputs is None else outputs
        for name in set(self.outputs) - given:
            model.graph.output.append(ValueInfoProto(name=name))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # whatever type it raises
            text = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{graph.path!r}: ONNX Runtime refuses it: {text}") from error

    def __call__(self, crops: np.ndarray) -> Iterator[list[np.ndarray]]:
        """The outputs of crops uint8 RGB (N, H, W, 3), in the batches that the file takes: one image if it is open."""
        batch = self.graph.shapes[self.graph.source][0]
        for start in range(0, len(crops), batch):
            images = crops[start : start + batch]
            missing = batch - len(images)
            full = np.concatenate([images, np.repeat(images[:1], missing, axis=0)]) if missing else images
            fed = self._input(full)
            yield [value[: len(images)] for value in self._session.run(self.outputs, {self.graph.source: fed})]

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """Embeddings (N, E) float32."""
        return np.concatenate([found[0] for found in self(crops)]).astype(np.float32)

    def _input(self, crops: np.ndarray) -> np.ndarray:
        if self.inside:
            last = self.graph.shapes[self.graph.source][1] not in (1, 3)
            return (crops if last else crops.transpose(0, 3, 1, 2)).astype(self.graph.dtype)
        return network_input(crops, self.rules).astype(self.graph.dtype)


def statistics(run: GraphRun, crops: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and biased variance of each channel of each output of ``run``, over images and places, in float64."""
    sums: dict[str, list[np.ndarray]] = {}
    for found in run(crops):
        for name, value in zip(run.outputs, found, strict=True):
            rows = np.moveaxis(value, 1, -1).reshape(-1, value.shape[1]).astype(np.float64)
            entry = sums.setdefault(name, [np.zeros(1), np.zeros(value.shape[1]), np.zeros(value.shape[1])])
            entry[0], entry[1], entry[2] = entry[0] + len(rows), entry[1] + rows.sum(0), entry[2] + (rows**2).sum(0)
    means = {name: total / count for name, (count, total, _) in sums.items()}
    return {
        name: (means[name], np.maximum(squares / count - means[name] ** 2, 0.0))
        for name, (count, _, squares) in sums.items()
    }
