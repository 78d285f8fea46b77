"""ONNX files: running, metadata, and calibrated int8 quantisation."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.export.difference import Run
from facezoo.io.json_text import parse_json

META = "facezoo"
LARGEST_BATCH = 8  # images of one step of the calibration


def open_onnx(path: Path) -> Run:
    """An ONNX file as a function from a batch to its first output, by ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def gather(path: Path) -> list[Path]:
    """The files of a model; the one to open comes first.

    An ONNX file holds at most 2 GB; of a larger model, torch writes each tensor to a separate file. These are joined to
    one file ``path`` + ``.data``, which has to stay beside ``path``.
    """
    import onnx

    model = onnx.load(path, load_external_data=False)
    loose = _outside(model, path.parent)
    if not loose:
        return [path]
    onnx.load_external_data_for_model(model, str(path.parent))
    for part in loose:
        part.unlink()
    data = path.with_name(f"{path.name}.data")
    onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=True, location=data.name)
    return [path, data]


def _outside(model: Any, folder: Path) -> set[Path]:
    """Files that hold tensors of a model."""
    entries = [entry for tensor in model.graph.initializer for entry in tensor.external_data]
    return {folder / entry.value for entry in entries if entry.key == "location"}


def mark(path: Path, meta: dict[str, Any]) -> None:
    """Store ``meta`` in the file, as JSON under one key."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    onnx.helper.set_model_props(model, {META: json.dumps(meta)})
    model.producer_name = "facezoo"
    onnx.save(model, path)


def read_mark(path: Path) -> dict[str, Any]:
    """What :func:`mark` stored; empty for other files."""
    import onnx

    props = {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}
    return parse_json(props.get(META, "{}"))


def equal_batches(images: np.ndarray) -> list[np.ndarray]:
    """The images in batches of one size, since ONNX Runtime's calibration joins the values of all batches.

    >>> [len(batch) for batch in equal_batches(np.zeros((20, 3)))]
    [5, 5, 5, 5]
    """
    size = max(size for size in range(1, LARGEST_BATCH + 1) if len(images) % size == 0)
    return [images[at : at + size] for at in range(0, len(images), size)]


def quantise(files: list[Path], images: np.ndarray) -> list[Path]:
    """Replace a float32 model by its int8 form: weights per channel, activations by their range on ``images``.

    Convolutions and matrix products are quantised; the other layers stay in float32. A ReLU or ReLU6 behind a
    convolution becomes part of its output range, whose 256 steps would otherwise be spent on values that are cut off
    (cosine distance of a trained MobileNet 0.03 instead of 0.2). The range is clipped at the percentile 99.99.
    """
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        """Yields the images once."""

        def __init__(self) -> None:
            self.rest: Iterator[np.ndarray] = iter(equal_batches(images))

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.rest, None)
            return None if batch is None else {"images": batch}

    large = len(files) > 1
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it logs advice that is already followed here
    try:
        with tempfile.TemporaryDirectory(dir=files[0].parent) as folder:
            ready, result = Path(folder) / "ready.onnx", Path(folder) / files[0].name
            quantization.shape_inference.quant_pre_process(
                files[0], ready, skip_symbolic_shape=True, save_as_external_data=large, all_tensors_to_one_file=True,
                external_data_location="ready.data" if large else None,
            )  # fmt: skip
            with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
                quantization.quantize_static(
                    ready, result, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                    op_types_to_quantize=["Conv", "Gemm", "MatMul", "Relu", "Clip"],
                    activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
                    use_external_data_format=large,
                    calibrate_method=quantization.CalibrationMethod.Percentile,
                    extra_options={"CalibPercentile": 99.99},
                )  # fmt: skip
            for path in files:
                path.unlink()
            return [part.replace(files[0].with_name(part.name)) for part in gather(result)]
    finally:
        root.setLevel(level)
