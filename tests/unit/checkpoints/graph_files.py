"""The published graph of HSE's MobileNet as TensorFlow.js stores it, with drawn values."""

from __future__ import annotations

import json

import numpy as np

from facezoo.checkpoints.foreign.hse_mobilenet import graph_name

OUT = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


def hse_arrays(seed=1):
    """The arrays of the safetensors layout, float16."""
    draw = np.random.default_rng(seed)
    shapes, channels = {"conv1.kernel": (3, 3, 3, 32), "conv1.offset": (32,)}, 32
    for number, out in enumerate(OUT, 1):
        shapes |= {f"dw{number}.kernel": (3, 3, channels, 1), f"dw{number}.scale": (channels,)}
        shapes |= {f"dw{number}.offset": (channels,)}
        shapes |= {f"pw{number}.kernel": (1, 1, channels, out), f"pw{number}.offset": (out,)}
        channels = out
    values = {}
    for name, shape in shapes.items():
        fan_in = np.prod(shape[:2]) * (1 if name.startswith("dw") else shape[2]) if len(shape) == 4 else 1
        scale = np.sqrt(2 / fan_in) if len(shape) == 4 else 0.1
        values[name] = (scale * draw.standard_normal(shape) + name.endswith("scale")).astype(np.float16)
    return values


def write_graph(folder, arrays, name="faceres"):
    """NAME.json and NAME.bin in the folder; also what the importer leaves out. Returns the path of the JSON file."""
    half = {"dtype": "float16", "original_dtype": "float32"}
    listed = {graph_name(key): value for key, value in arrays.items()}
    listed["age_pred/kernel"] = np.ones((4, 3), np.float16)
    listed["conv1_relu/Cast"] = np.float16(6.0)
    listed["global_pooling/Mean/reduction_indices"] = np.int32([1, 2])
    weights = [
        {"name": key, "shape": list(np.shape(value)), "dtype": "int32"}
        if value.dtype == np.int32
        else {"name": key, "shape": list(np.shape(value)), "dtype": "float32", "quantization": half}
        for key, value in listed.items()
    ]
    manifest = [{"paths": [f"{name}.bin"], "weights": weights}]
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"format": "graph-model", "weightsManifest": manifest}, indent=2))
    (folder / f"{name}.bin").write_bytes(b"".join(np.ascontiguousarray(value).tobytes() for value in listed.values()))
    return path
