"""OpenVINO files, converted from ONNX."""

from __future__ import annotations

from pathlib import Path

from facezoo.export.difference import Run


def convert(onnx_path: Path, stem: Path, *, half: bool) -> list[Path]:
    """Write ``stem.xml`` and ``stem.bin`` from an ONNX file; ``half`` stores the weights in float16."""
    import openvino

    path = stem.with_name(f"{stem.name}.xml")
    openvino.save_model(openvino.convert_model(str(onnx_path)), str(path), compress_to_fp16=half)
    return [path, path.with_suffix(".bin")]


def open_openvino(path: Path) -> Run:
    """An OpenVINO file as a function from a batch to its first output, in float32 on the CPU."""
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: compiled(images)[compiled.output(0)]
