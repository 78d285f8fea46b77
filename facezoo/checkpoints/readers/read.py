"""One function for all formats; the format is recognised by the first bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from facezoo.checkpoints.readers.npz import read_npz
from facezoo.checkpoints.readers.paddle_pickle import read_paddle
from facezoo.checkpoints.readers.safetensors_file import is_safetensors, read_safetensors
from facezoo.checkpoints.readers.tensorflow_js import is_tensorflow_js, read_tensorflow_js
from facezoo.checkpoints.readers.torch_legacy import MAGIC, read_torch_legacy
from facezoo.checkpoints.readers.torch_zip import read_torch_zip
from facezoo.download.urls import local_path
from facezoo.errors import CheckpointError, DataError, FacezooError

FORMATS = "a torch .pth/.pt/.ckpt, a .pdparams, a .safetensors, a .npz, an .onnx or a TensorFlow.js .json"


def read_tree(path: str | Path) -> Any:
    """Read the content of a weight file: nested dictionaries, lists, plain values and NumPy arrays.

    Args:
        path: a file that torch.save, paddle.save, safetensors or numpy.savez wrote, whatever its name, or the JSON file
            of a model of TensorFlow.js.

    Raises:
        UnsafeFileError: it holds code, objects, or sizes that do not match the file.
        CheckpointError: it is missing, damaged, or of another format.
    """
    path = local_path(path)
    if not path.is_file():
        raise CheckpointError(f"no weight file {str(path)!r}")
    try:
        return _read(path)
    except FacezooError as error:
        kind = CheckpointError if isinstance(error, DataError) else type(error)
        text = str(error)
        raise kind(text if str(path) in text else f"{str(path)!r}: {text}") from error
    except RecursionError as error:
        raise CheckpointError(f"{str(path)!r} is nested too deeply") from error
    except MemoryError as error:
        raise CheckpointError(f"{str(path)!r} does not fit into memory") from error
    except Exception as error:  # a damaged file can fail anywhere
        raise CheckpointError(f"{str(path)!r} is damaged: {type(error).__name__}: {str(error)[:200]}") from error


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        head = file.read(512)
    if is_safetensors(head, path.stat().st_size):
        return read_safetensors(path)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.endswith("data.pkl") and name.count("/") == 1 for name in names):
            return read_torch_zip(path)
        if names and all(name.endswith(".npy") for name in names):
            return read_npz(path)
        if graphs := [name for name in names if name.endswith(".onnx")]:
            raise CheckpointError(
                f"{str(path)!r} is a zip archive with the ONNX files {', '.join(graphs[:6])}; unpack it and import the "
                "one that embeds faces"
            )
        raise CheckpointError(f"{str(path)!r} is a zip archive of another kind; expected {FORMATS}")
    if head.startswith(MAGIC):
        return read_torch_legacy(path)
    if head[:1] == b"\x80":
        return read_paddle(path)
    if is_tensorflow_js(head):
        return read_tensorflow_js(path)
    if head[8:9] == b"{":
        return read_safetensors(path)  # its header's length does not fit; the error states it
    if head[257:262] == b"ustar":
        raise CheckpointError(f"{str(path)!r} is a tar archive; expected {FORMATS} (torch older than 0.2 wrote tar)")
    raise CheckpointError(f"{str(path)!r} is of no known format; expected {FORMATS}")
