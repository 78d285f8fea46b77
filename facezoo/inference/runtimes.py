"""A network of the zoo run by ONNX Runtime or OpenVINO on the CPU, from a file that is exported once."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.download import cache
from facezoo.errors import BackendUnavailableError, ConfigError, UnknownNameError
from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json

logger = logging.getLogger(__name__)

RUNTIMES = ("native", "onnxruntime", "openvino")
INSTALL = {"onnxruntime": "pip install 'facezoo[export]'", "openvino": "pip install 'facezoo[openvino]'"}
PART = 16  # crops at once; more cost memory and gain nothing on a CPU

Run = Callable[[np.ndarray], np.ndarray]


def check_runtime(name: str, device: str = "cpu", precision: str = "float32") -> None:
    """Check that a runtime is known and installed, and computes what is asked for.

    Raises:
        UnknownNameError: there is no such runtime.
        ConfigError: another device than the CPU, or another precision than float32.
        BackendUnavailableError: its package is not installed.
    """
    if name not in RUNTIMES:
        raise UnknownNameError("runtime", name, RUNTIMES)
    if name == "native":
        return
    for what, value, able in (("device", device, ("auto", "cpu")), ("precision", precision, ("float32",))):
        if value not in able:
            raise ConfigError(
                f"{what} is {value!r}; runtime {name} computes on the CPU in float32: expected {able[-1]}"
            )
    if importlib.util.find_spec(name) is None:
        raise BackendUnavailableError(f"runtime {name!r} needs {name}, which is not installed: {INSTALL[name]}")


def open_runtime(name: str, weights: Path, threads: int = 0) -> Run:
    """A weight file as a function from uint8 RGB crops (N, H, W, 3) to raw embeddings (N, E) float32.

    At the first call the network is exported to ONNX, with its preprocessing inside and its batch norms folded, and
    compared with the original: ``W.runtime.onnx`` beside ``W.safetensors``, or in the cache folder where that folder
    cannot be written. The export needs torch; later calls do not.

    Args:
        name: "onnxruntime" or "openvino".
        weights: the weight file.
        threads: CPU threads; 0 takes all.

    Raises:
        BackendUnavailableError: a package is not installed.
        CheckpointError: the weight file cannot be read.
        ExportError: the exported network differs from the original.
    """
    path = exported(weights)
    run = _onnxruntime(path, threads) if name == "onnxruntime" else _openvino(path, threads)

    def embed(images: np.ndarray) -> np.ndarray:
        parts = [np.ascontiguousarray(images[start : start + PART]) for start in range(0, len(images), PART)]
        return np.concatenate([np.asarray(run(part), np.float32) for part in parts])

    return embed


def exported(weights: Path) -> Path:
    """The ONNX file of a weight file; made if there is none, or if the weight file has changed since."""
    from facezoo.export import export_model

    stamp: dict[str, Any] = {
        "path": str(weights.resolve()),
        "size": weights.stat().st_size,
        "mtime_ns": weights.stat().st_mtime_ns,
    }
    beside = weights.with_name(f"{weights.stem}.runtime.onnx")
    key = hashlib.sha256(stamp["path"].encode()).hexdigest()[:16]
    places = (beside, cache.root() / "runtimes" / f"{key}.runtime.onnx")
    for path in places:
        if path.is_file() and _stamp_of(path) == stamp:
            return path
    path = places[0] if os.access(weights.parent, os.W_OK) else places[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    logger.info("exporting %s for the runtime, once: %s", weights, path)
    export_model(weights, path, to="onnx", with_preprocess=True, fold=True)
    record = _record(path)
    block = parse_json(record.read_text(encoding="utf-8"))
    with atomic_write(record) as part:
        part.write_text(json.dumps({**block, "source": stamp}, indent=1) + "\n", encoding="utf-8")
    return path


def _record(path: Path) -> Path:
    """What the export writes beside its file."""
    return path.with_name(f"{path.name.removesuffix('.onnx')}.facezoo.json")


def _stamp_of(path: Path) -> Any:
    try:
        return parse_json(_record(path).read_text(encoding="utf-8")).get("source")
    except (OSError, ValueError, AttributeError):
        return None


def _onnxruntime(path: Path, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def _openvino(path: Path, threads: int) -> Run:
    import openvino

    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda images: compiled(images)[compiled.output(0)]
