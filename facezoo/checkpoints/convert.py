"""Conversion of a weight file to another precision, or to a framework's own file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.checkpoints.paddle_file import write_paddle_file
from facezoo.checkpoints.weights import load_weights, read_weights, write_weights
from facezoo.errors import CheckpointError, ConfigError, UnknownNameError
from facezoo.io.bfloat16 import round_to_bfloat16
from facezoo.io.files import atomic_write

PRECISIONS = ("float32", "float16", "bfloat16")
FORMS = {"facezoo": ".safetensors", "torch": ".pt", "paddle": ".pdparams"}
WRITTEN = ("format_version", "backbone", "variant", "embedding_size", "preprocess", "producer", "precision")


def round_to_precision(values: np.ndarray, precision: str) -> np.ndarray:
    """float32 values rounded to the nearest that ``precision`` can hold, ties to even; stays float32.

    Arrays of another type are returned unchanged.

    >>> round_to_precision(np.float32([2049.0]), "float16").tolist()
    [2048.0]
    """
    if values.dtype != np.float32 or precision == "float32":
        return values
    if precision == "float16":
        with np.errstate(over="ignore"):
            return values.astype(np.float16).astype(np.float32)
    return round_to_bfloat16(values)


def convert_weights(
    path: str | Path, out: str | Path, *, precision: str = "float32", to: str = "facezoo"
) -> dict[str, Any]:
    """Write the weights of a facezoo file in another precision or format.

    Args:
        path: a facezoo weight file.
        out: the file to write, with the suffix of the format.
        precision: "float32", "float16" or "bfloat16". A facezoo file of bfloat16 keeps rounded float32 values, because
            NumPy has no such type; files for torch and paddle hold bfloat16.
        to: "facezoo", "torch" (a state dictionary for ``torch.load``) or "paddle" (for ``paddle.load``).

    Returns:
        out, size, precision, to, and ``change``: the largest change of a value by the rounding.

    Raises:
        UnknownNameError: no such precision or format.
        ConfigError: the suffix is that of another format.
        CheckpointError: a value does not fit the precision.
        BackendUnavailableError: a file for torch needs torch, one for paddle any framework, and it is not installed.
    """
    out = Path(out)
    if precision not in PRECISIONS:
        raise UnknownNameError("precision", precision, PRECISIONS)
    if to not in FORMS:
        raise UnknownNameError("form", to, FORMS)
    if out.suffix != FORMS[to]:
        raise ConfigError(f"--out is {str(out)!r}; a {to} file ends in {FORMS[to]}")
    file = read_weights(path)
    state = {name: round_to_precision(np.asarray(value), precision) for name, value in file.state.items()}
    lost = [name for name, value in state.items() if value.dtype.kind == "f" and not np.isfinite(value).all()]
    if lost:
        raise CheckpointError(f"{lost[0]} holds a value that {precision} cannot; convert to bfloat16 or float32")
    change = max(float(np.abs(state[name] - value).max(initial=0.0)) for name, value in file.state.items())
    if to == "facezoo":
        kept = {name: value.astype(np.float16) for name, value in state.items()} if precision == "float16" else state
        info = {key: value for key, value in file.info.items() if key not in WRITTEN}
        write_weights(out, file.spec, kept, producer=dict(file.info.get("producer", {})), precision=precision, **info)
    elif to == "paddle":
        with atomic_write(out) as part:
            write_paddle_file(replace(file, state=state), part, precision)
    else:
        native = backends.load(to).exporter()
        with atomic_write(out) as part:
            native.save_state(load_weights(path, backend=to), part, precision)
    return {"out": str(out), "size": out.stat().st_size, "precision": precision, "to": to, "change": change}
