"""ONNX files: running, marking with what they are, and int8 calibrated on images."""

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

META = "facezoo"


def open_onnx(path: Path) -> Run:
    """An ONNX file as a function from a batch to its first output, by ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def gather(path: Path) -> list[Path]:
    """The files that make a model, the one to open first.

    A file of ONNX holds 2 GB at most; past that torch puts each tensor into a file of its own. These become one, with
    ``path``'s name and ``.data``, which has to stay beside it.
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
    """Keep ``meta`` inside the file, as JSON under one key."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    onnx.helper.set_model_props(model, {META: json.dumps(meta)})
    model.producer_name = "facezoo"
    onnx.save(model, path)


def read_mark(path: Path) -> dict[str, Any]:
    """What :func:`mark` kept; empty for files of others."""
    import onnx

    props = {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}
    return json.loads(props.get(META, "{}"))


def quantise(files: list[Path], batches: list[np.ndarray]) -> list[Path]:
    """Replace a float32 model by its int8 form: weights a channel, activations by their range on ``batches``.

    Only convolutions and matrix products are quantised; what lies between them stays in float32. The range leaves out
    the outermost ten-thousandth on each side: on a trained MobileNet that costs a quarter less than the whole range.
    """
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        """Hands the batches out once."""

        def __init__(self) -> None:
            self.rest: Iterator[np.ndarray] = iter(batches)

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.rest, None)
            return None if batch is None else {"images": batch}

    large = len(files) > 1
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises on the root logger what is done here already
    try:
        with tempfile.TemporaryDirectory(dir=files[0].parent) as folder:
            ready, result = Path(folder) / "ready.onnx", Path(folder) / files[0].name
            quantization.shape_inference.quant_pre_process(
                files[0], ready, skip_symbolic_shape=True, save_as_external_data=large, all_tensors_to_one_file=True,
                external_data_location="ready.data" if large else None,
            )  # fmt: skip
            with contextlib.redirect_stdout(io.StringIO()):  # it prints how it collects
                quantization.quantize_static(
                    ready, result, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                    op_types_to_quantize=["Conv", "Gemm", "MatMul"], activation_type=quantization.QuantType.QUInt8,
                    weight_type=quantization.QuantType.QInt8, use_external_data_format=large,
                    calibrate_method=quantization.CalibrationMethod.Percentile,
                    extra_options={"CalibPercentile": 99.99},
                )  # fmt: skip
            for path in files:
                path.unlink()
            return [part.replace(files[0].with_name(part.name)) for part in gather(result)]
    finally:
        root.setLevel(level)
