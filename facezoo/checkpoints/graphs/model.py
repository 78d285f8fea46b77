"""An embedding network in an ONNX file, run as it is by ONNX Runtime."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.checkpoints.foreign.projects import PROJECTS
from facezoo.checkpoints.graphs.pixels import BLOCK, before_layers, input_rules
from facezoo.checkpoints.graphs.read import read_graph
from facezoo.checkpoints.graphs.steps import cut
from facezoo.data.tools.network_input import network_input
from facezoo.download.urls import local_path
from facezoo.errors import BackendUnavailableError, CheckpointError, ConfigError, FacezooError
from facezoo.io.json_text import parse_json
from facezoo.specs.preprocess import Preprocess

logger = logging.getLogger(__name__)

NEEDS = "backend 'onnx' needs {}, which is not installed: pip install 'facezoo[export]'"
PART = 16  # crops at once; more cost memory and gain nothing on a CPU
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class OnnxModel:
    """A function from face crops to embeddings, for inference only.

    How crops become the network's input is taken from the first of these that states it: ``NAME.facezoo.json`` beside
    ``NAME.onnx``, with the key "preprocess" as in a weight file, and "preprocess_inside": true if the network takes
    pixels; the same block in the metadata of the file, which facezoo's exports have; the nodes in front of the first
    layer; InsightFace's rules, RGB and (x - 127.5) / 127.5.

    Args:
        path: an ONNX file with one input of images and one output (N, E).
        device: "auto", "cpu", "gpu" or "gpu:N"; a GPU needs onnxruntime-gpu. "auto" is the CPU without it.
        threads: CPU threads; 0 takes all.

    Attributes:
        path: of the file.
        preprocess: from uint8 RGB crops to the network's input; its size is that of the crops.
        embedding_size: E.

    Raises:
        BackendUnavailableError: onnx or onnxruntime is not installed.
        CheckpointError: the file is missing, is no ONNX file that ONNX Runtime runs, or is no embedding network.
        ConfigError: there is no such device.
    """

    def __init__(self, path: str | Path, device: str = "auto", threads: int = 0) -> None:
        for package in ("onnxruntime", "onnx"):
            if importlib.util.find_spec(package) is None:
                raise BackendUnavailableError(NEEDS.format(package))
        self.path = local_path(path)
        self._session = _open(self.path, device, threads)
        self._input, self._output = _ends(self._session, self.path)
        sides = [side if isinstance(side, int) and side > 0 else 0 for side in self._input.shape]
        self._last = sides[1] not in (0, 1, 3) or (sides[3] in (1, 3) and sides[1] not in (1, 3))
        height, width = sides[1:3] if self._last else sides[2:4]
        size = (height or 112, width or 112)
        rules, self._inside = _rules(self.path, size)
        self.preprocess = Preprocess.from_dict({**rules.to_dict(), "size": list(size)})
        self._batch = sides[0]
        self.embedding_size = self._try(size)

    def take(self, preprocess: Preprocess) -> None:
        """Embed by these rules instead of the file's.

        Raises:
            ConfigError: the file scales pixels itself, or takes another size.
        """
        if self._inside:
            raise ConfigError(f"{str(self.path)!r} scales pixels itself; expected no preprocess")
        if preprocess.size != self.preprocess.size:
            raise ConfigError(f"preprocess.size is {preprocess.size}; the file takes {self.preprocess.size}")
        self.preprocess = preprocess

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Embeddings (N, E) float32, not normalised, of uint8 RGB crops (N, H, W, 3)."""
        step = self._batch or PART
        parts = [self._run(images[start : start + step]) for start in range(0, len(images), step)]
        return np.concatenate(parts)

    def _run(self, images: np.ndarray) -> np.ndarray:
        count = len(images)
        if self._batch > count:  # a file with a fixed batch: repeat the first image
            images = np.concatenate([images, np.repeat(images[:1], self._batch - count, axis=0)])
        if self._inside:
            fed = images if self._last else images.transpose(0, 3, 1, 2)
        else:
            fed = network_input(images, self.preprocess)
            fed = fed.transpose(0, 2, 3, 1) if self._last else fed
        fed = np.ascontiguousarray(fed, dtype=TYPES[self._input.type])
        found = np.asarray(self._session.run([self._output], {self._input.name: fed})[0])
        return found.astype(np.float32).reshape(len(images), -1)[:count]

    def _try(self, size: tuple[int, int]) -> int:
        """E, from black images; a file that takes one image at a time, whatever it states, gets one at a time."""
        for count in (2, 1):
            try:
                if not self._batch or count == 1:
                    found = self._run(np.zeros((count, *size, 3), np.uint8))
                    if count == 1 or found.shape == self._run(np.zeros((1, *size, 3), np.uint8)).repeat(2, 0).shape:
                        return int(found.shape[1])
            except Exception as error:  # whatever type it raises
                if count == 1:
                    text = " ".join(str(error).split())[:200]
                    raise CheckpointError(f"{str(self.path)!r} does not run on crops {size}: {text}") from error
            self._batch = self._batch or 1
        raise AssertionError


def _open(path: Path, device: str, threads: int) -> Any:
    import onnxruntime

    if not path.is_file():
        raise CheckpointError(f"no ONNX file {str(path)!r}")
    kind, _, index = device.partition(":")
    able = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if kind not in ("auto", "cpu", "gpu") or (index and not index.isdigit()):
        raise ConfigError(f"device is {device!r}; expected auto, cpu, gpu or gpu:N")
    if kind == "gpu" and not able:
        raise ConfigError(f"device is {device!r}; this onnxruntime has no CUDA: pip install onnxruntime-gpu")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    gpu = [("CUDAExecutionProvider", {"device_id": int(index or 0)})] if able and kind != "cpu" else []
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[*gpu, "CPUExecutionProvider"])
    except Exception as error:  # whatever type it raises
        text = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{str(path)!r} is no ONNX file that ONNX Runtime runs: {text}") from error


def _ends(session: Any, path: Path) -> tuple[Any, str]:
    """The image input and the name of the embedding output."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    images = [item for item in inputs if len(item.shape) == 4 and item.type in TYPES]
    flat = [item for item in outputs if len(item.shape) in (0, 2)]
    if len(inputs) != 1 or len(images) != 1 or len(flat) != 1:
        given = ", ".join(f"{item.name} {item.shape}" for item in (*inputs[:2], *outputs[:4]))
        raise CheckpointError(
            f"{str(path)!r} has {len(inputs)} inputs and {len(outputs)} outputs ({given}); expected one input of "
            "images (N, 3, H, W) and one output (N, E): an embedding network"
        )
    return images[0], flat[0].name


def _rules(path: Path, size: tuple[int, int]) -> tuple[Preprocess, bool]:
    """The preprocessing, and whether the file computes it."""
    published = PROJECTS["arcface_torch"].preprocess(size)
    beside = path.with_name(f"{path.stem}.facezoo.json")
    if beside.is_file():
        return _stated(beside.read_text(encoding="utf-8"), str(beside))
    try:
        graph = read_graph(path)
        if BLOCK in graph.metadata:
            return _stated(graph.metadata[BLOCK], str(path))
        before = before_layers(cut(graph, graph.nodes, graph.source, graph.result))
        return input_rules(graph, before, published)[0], bool(before)
    except CheckpointError as error:
        logger.warning("%s; taking RGB, (x - 127.5) / 127.5; to state other rules, write %s", error, beside.name)
        return published, False


def _stated(text: str, source: str) -> tuple[Preprocess, bool]:
    try:
        block = parse_json(text)
        return Preprocess.from_dict(block["preprocess"]), bool(block.get("preprocess_inside", False))
    except (FacezooError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{source!r} states no preprocessing: {error}; expected the key preprocess with color, mean and std"
        ) from error
