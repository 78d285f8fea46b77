"""The weights of MTCNN, from the files of the ``mtcnn`` package.

The package is found without being imported, because importing it needs TensorFlow. Its files are joblib
pickles of NumPy arrays in an LZ4 frame, read here by an unpickler that allows three names and refuses all others.
"""

from __future__ import annotations

import importlib.util
import io
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import BackendUnavailableError, CheckpointError, UnsafeFileError

INSTALL = "pip install mtcnn"

# Layers of each network in the order of Keras: (our name, kind). Convolutions and dense layers have a weight and a
# bias, activations one slope per channel.
LAYERS: dict[str, tuple[tuple[str, str], ...]] = {
    "pnet": (
        *(("conv1", "conv"), ("prelu1", "prelu"), ("conv2", "conv"), ("prelu2", "prelu")),
        *(("conv3", "conv"), ("prelu3", "prelu"), ("conv4_1", "conv"), ("conv4_2", "conv")),
    ),
    "rnet": (
        *(("conv1", "conv"), ("prelu1", "prelu"), ("conv2", "conv"), ("prelu2", "prelu")),
        *(("conv3", "conv"), ("prelu3", "prelu"), ("fc4", "flatten"), ("prelu4", "prelu")),
        *(("fc5_1", "dense"), ("fc5_2", "dense")),
    ),
    "onet": (
        *(("conv1", "conv"), ("prelu1", "prelu"), ("conv2", "conv"), ("prelu2", "prelu")),
        *(("conv3", "conv"), ("prelu3", "prelu"), ("conv4", "conv"), ("prelu4", "prelu")),
        *(
            ("fc5", "flatten"),
            ("prelu5", "prelu"),
            ("fc6_1", "dense"),
            ("fc6_2", "dense"),
            ("fc6_3", "dense"),
        ),
    ),
}
_MAX_VALUES = 10_000_000  # limit per array; the largest has 295,000


def load_mtcnn() -> dict[str, dict[str, np.ndarray]]:
    """The states of the three networks, with the names and layouts of torch.

    Returns:
        "pnet", "rnet", "onet" -> {name: float32 array}.

    Raises:
        BackendUnavailableError: the mtcnn package is not installed; the message gives the pip command.
        CheckpointError: the files have another content than expected.
        UnsafeFileError: a file holds something other than arrays.
    """
    folder = _folder()
    return {net: _canonical(net, _read(folder / f"{net}.lz4")) for net in LAYERS}


def _folder() -> Path:
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise BackendUnavailableError(f"the MTCNN detector needs the weight files of the mtcnn package: {INSTALL}")
    folder = Path(spec.submodule_search_locations[0]) / "assets" / "weights"
    if not (folder / "pnet.lz4").is_file():
        raise BackendUnavailableError(f"{folder} does not hold pnet.lz4; expected mtcnn 1.0 or later: {INSTALL} -U")
    return folder


def _read(path: Path) -> list[np.ndarray]:
    try:
        import lz4.frame
    except ImportError as error:
        raise BackendUnavailableError("MTCNN's weight files need lz4: pip install lz4") from error
    try:
        stream = io.BytesIO(lz4.frame.decompress(path.read_bytes()))
        items = _ArraysOnly(stream).load()
        return [item.value for item in items]
    except UnsafeFileError as error:
        raise UnsafeFileError(f"{path}: {error}") from error
    except Exception as error:  # a broken pickle may raise any error
        raise CheckpointError(f"{path} cannot be read as MTCNN weights: {error}") from error


class _ArraysOnly(pickle.Unpickler):
    """Reads the arrays of joblib, whose bytes follow their description in the stream."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self._known = {
            ("joblib.numpy_pickle", "NumpyArrayWrapper"): type("Array", (_Array,), {"stream": stream}),
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._known:
            raise UnsafeFileError(f"refused to load {module}.{name}; expected only arrays")
        return self._known[module, name]


class _Array:
    """Replaces joblib's description of one array."""

    stream: io.BytesIO
    value: np.ndarray

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        shape, dtype = tuple(state["shape"]), np.dtype(state["dtype"])
        count = math.prod(shape)
        if dtype.hasobject or count > _MAX_VALUES:
            raise UnsafeFileError(f"refused an array of {count} {dtype}")
        if state.get("numpy_array_alignment_bytes") is not None:
            self.stream.read(self.stream.read(1)[0])  # a length, then as many padding bytes
        data = np.frombuffer(self.stream.read(count * dtype.itemsize), dtype, count)
        self.value = data.reshape(shape, order=state["order"])


def _canonical(net: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """From the list of Keras to the names and layouts of torch."""
    state: dict[str, np.ndarray] = {}
    rest = iter(arrays)
    channels = 0
    try:
        for layer, kind in LAYERS[net]:
            weight = next(rest)
            if kind == "prelu":
                state[f"{layer}.weight"] = weight.reshape(-1)
                continue
            if kind == "conv":  # (h, w, in, out) -> (out, in, h, w)
                channels = weight.shape[3]
                weight = weight.transpose(3, 2, 0, 1)
            elif kind == "flatten":  # rows in the order (w, h, channel), from the original Caffe networks
                side = math.isqrt(weight.shape[0] // channels)
                weight = weight.reshape(side, side, channels, -1).transpose(3, 2, 1, 0)
                weight = weight.reshape(weight.shape[0], -1)  # (out, channel * h * w)
            else:
                weight = weight.T
            state[f"{layer}.weight"], state[f"{layer}.bias"] = weight, next(rest)
    except (StopIteration, ValueError, IndexError) as error:
        raise CheckpointError(f"{net}.lz4 holds {len(arrays)} arrays that do not fit {net}") from error
    if next(rest, None) is not None:
        raise CheckpointError(f"{net}.lz4 holds {len(arrays)} arrays, more than {net} has")
    return {name: np.array(value, np.float32, order="C") for name, value in state.items()}
