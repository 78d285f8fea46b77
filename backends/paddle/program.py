"""Programs of Paddle Inference with oneDNN on the CPU: several times as fast as the dynamic graph."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import paddle
from paddle import inference, nn

PROGRAMS = (".json", ".pdmodel")  # of paddle 3, and of the older format that Paddle Lite reads


def make_program(layer: nn.Layer, shape: list[int | None]) -> Any:
    """A predictor that holds a copy of the layer with its current weights.

    In paddle 3.3, training by static graphs with oneDNN gives wrong gradients and crashes, and ``to_static`` alone
    sometimes gives wrong embeddings or crashes. A program is separate and changes no global flag.

    Args:
        layer: in evaluation mode; ``to_static`` changes its ``forward``, so pass one that is not used elsewhere.
        shape: of its only input, float32; None means any size.
    """
    spec = paddle.static.InputSpec(shape, "float32", "images")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net"
        paddle.jit.save(paddle.jit.to_static(layer, full_graph=True), str(path), input_spec=[spec])
        written = [path.with_suffix(suffix) for suffix in PROGRAMS]
        return open_program(next(path for path in written if path.is_file()))


def open_program(path: Path, fast: bool = True) -> Any:
    """The predictor of a saved program and its parameter file; ``fast`` enables fusions and oneDNN."""
    config = inference.Config(str(path), str(path.with_suffix(".pdiparams")))
    config.disable_gpu()
    config.disable_glog_info()
    if fast:
        config.enable_mkldnn()
    else:
        config.disable_mkldnn()
        config.switch_ir_optim(False)
    config.set_cpu_math_library_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    return inference.create_predictor(config)
