"""ONNX files: running, marking with what they are, and int8 calibrated on images."""

from __future__ import annotations

import contextlib
import io
import json
import logging
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


def quantise(path: Path, batches: list[np.ndarray]) -> None:
    """Replace a float32 file by its int8 form: weights a channel, activations by their range on ``batches``.

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

    ready, result = path.with_suffix(".ready.onnx"), path.with_suffix(".int8.onnx")
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises on the root logger what is done here already
    try:
        quantization.shape_inference.quant_pre_process(path, ready, skip_symbolic_shape=True)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints how it collects
            quantization.quantize_static(
                ready, result, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                op_types_to_quantize=["Conv", "Gemm", "MatMul"], activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.Percentile,
                extra_options={"CalibPercentile": 99.99},
            )  # fmt: skip
        result.replace(path)
    finally:
        root.setLevel(level)
        ready.unlink(missing_ok=True)
        result.unlink(missing_ok=True)
