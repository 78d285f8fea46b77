"""Programs of Paddle Inference with oneDNN on the CPU: several times as fast as the dynamic graph."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import paddle
from paddle import inference, nn

PROGRAMS = (".json", ".pdmodel")  # of paddle 3, and of the older form that Paddle Lite reads


def make_program(layer: nn.Layer, shape: list[int | None]) -> Any:
    """A predictor that holds a copy of the layer as it is now.

    Training by static graphs with oneDNN is wrong and crashes in paddle 3.3, and so do, now and then, embeddings by
    ``to_static`` alone; a program is local and changes no global flag.

    Args:
        layer: in evaluation mode; ``to_static`` changes its ``forward``, so give one that nothing else uses.
        shape: of its only input, float32; None stands for any size.
    """
    spec = paddle.static.InputSpec(shape, "float32", "images")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net"
        paddle.jit.save(paddle.jit.to_static(layer, full_graph=True), str(path), input_spec=[spec])
        written = [path.with_suffix(suffix) for suffix in PROGRAMS]
        return open_program(next(path for path in written if path.is_file()))


def open_program(path: Path, fast: bool = True) -> Any:
    """The predictor of a saved program, with its parameters beside it; not ``fast`` is without fusions and oneDNN."""
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
